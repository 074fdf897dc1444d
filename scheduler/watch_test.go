package scheduler

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func numbered(n int) Event { return TaskEvent{Task: task.Info{Spec: task.Spec{ID: fmt.Sprint(n)}}} }

// A watcher that is too slow misses the newest events. It learns how many, and between which others.
func TestWatcherLags(t *testing.T) {
	s := &Scheduler{}
	events := s.Watch(t.Context())
	for n := range watchLimit().events + 3 {
		s.watchers.publish(numbered(n))
	}
	next := 0
	for e := range events {
		switch {
		case next < watchLimit().events:
			require.Equal(t, numbered(next), e)
		case next == watchLimit().events:
			require.Equal(t, LagEvent{Missed: 3}, e)
			s.watchers.publish(numbered(-1))
			s.watchers.end()
		case next == watchLimit().events+1:
			require.Equal(t, numbered(-1), e)
		}
		next++
	}
	require.Equal(t, watchLimit().events+2, next)
	require.Empty(t, s.watchers.all)
}

// A store has written 10,000 tasks at once. A watcher that has not run meanwhile misses nothing.
func TestWatcherOfTenThousandTasks(t *testing.T) {
	const tasks = 10_000
	s := &Scheduler{}
	w := s.watchers.add(&s.watchers.all, watchLimit())
	for i := range tasks {
		status := statusOf("66549417-1791-41bf-bebf-adeb5c1d4270-S1", serviceSpec(i, 1).ID, mesos.TASK_RUNNING, 0).Update.Status
		s.watchers.publish(TaskEvent{Task: task.Info{Spec: serviceSpec(i, 1), State: task.StateRunning, Status: &status}})
	}
	events, _ := w.take()
	require.Len(t, events, tasks)
	require.IsType(t, TaskEvent{}, events[tasks-1], "and no LagEvent is among them")
}

func TestWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Scheduler{}
		ctx, cancel := context.WithCancel(t.Context())
		unused := s.Watch(ctx)
		seen := 0
		go func() {
			for range s.Watch(ctx) {
				seen++
			}
			seen = -seen
		}()
		synctest.Wait()
		s.watchers.publish(numbered(1))
		synctest.Wait()
		require.Equal(t, 1, seen)
		cancel()
		synctest.Wait()
		require.Equal(t, -1, seen, "it ends with its context")
		require.Empty(t, s.watchers.all, "also the one that nobody ranged over")
		for range unused {
			require.Fail(t, "an event after the end")
		}
	})
}

// A watcher that breaks out of its loop is removed.
func TestWatchBreak(t *testing.T) {
	s := &Scheduler{}
	events := s.Watch(t.Context())
	s.watchers.publish(numbered(1))
	for range events {
		break
	}
	require.Empty(t, s.watchers.all)
}

// Of the OfferEvents in a watcher's queue only the newest has its rejections.
func TestWatchKeepsTheNewestRejections(t *testing.T) {
	s := &Scheduler{}
	events := s.Watch(t.Context())
	cycle := OfferEvent{Pending: 1, Rejections: []task.Rejection{{TaskID: "a"}}}
	for range 2 {
		s.watchers.publish(cycle)
		s.watchers.publish(numbered(1))
	}
	s.watchers.end()
	require.Equal(t, []Event{OfferEvent{Pending: 1}, numbered(1), cycle, numbered(1)}, slices.Collect(events))
}

// A sequence can be ranged over once.
func TestWatchTwice(t *testing.T) {
	s, err := New(Config{Master: "x:1", Framework: Framework{Name: "x"}})
	require.NoError(t, err)
	events := s.Watch(context.Background())
	s.watchers.publish(StoreEvent{})
	for range events {
		break
	}
	require.Empty(t, slices.Collect(events))
}

// What waits for a watcher is bounded in bytes as well. What it has taken and not yet seen counts, too.
func TestWatcherLagsInBytes(t *testing.T) {
	const most = (16 << 20) / (taskOverhead + statusOverhead + 4<<10)
	message := strings.Repeat("x", 4<<10)
	large := func(n int) Event {
		e := numbered(n).(TaskEvent)
		e.Task.Status = &mesos.TaskStatus{Message: &message}
		return e
	}
	s := &Scheduler{}
	fast := s.watchers.add(&s.watchers.all, watchLimit())
	events := s.Watch(t.Context())
	for n := range most + 100 {
		s.watchers.publish(large(n))
		require.Len(t, first(fast.take()), 1, "a watcher that keeps up misses nothing")
	}
	seen, missed := 0, 0
	for e := range events {
		switch e := e.(type) {
		case TaskEvent:
			require.Equal(t, fmt.Sprint(seen), e.Task.Spec.ID)
			seen++
		case LagEvent:
			missed += e.Missed
			s.watchers.end()
		}
		if seen == 1 {
			s.watchers.publish(large(most)) // what was taken still waits
		}
	}
	require.Equal(t, most, seen)
	require.Equal(t, 101, missed)
}

func first(events []Event, _ bool) []Event { return events }

// A single event that is larger than the limit is delivered.
func TestWatcherGetsAnEventOfAnySize(t *testing.T) {
	s := &Scheduler{}
	events := s.Watch(t.Context())
	cycle := OfferEvent{Rejections: make([]task.Rejection, 1_000_000)}
	s.watchers.publish(cycle)
	s.watchers.publish(numbered(1))
	s.watchers.end()
	require.Equal(t, []Event{cycle, LagEvent{Missed: 1}}, slices.Collect(events))
}

// The rejections of a cycle do not count any more when there are newer ones.
func TestWatcherCountsTheNewestRejections(t *testing.T) {
	s := &Scheduler{}
	events := s.Watch(t.Context())
	for range 10 {
		s.watchers.publish(OfferEvent{Rejections: make([]task.Rejection, 100_000)})
	}
	s.watchers.end()
	require.Len(t, slices.Collect(events), 10, "no event is missed")
}

// A reader of WatchRaw that is slow misses events, when more than 32 MiB of them wait.
func TestWatchRawLagsInBytes(t *testing.T) {
	s := &Scheduler{}
	events := s.WatchRaw(t.Context())
	var misses []bool
	for range 5 {
		misses = append(misses, s.watchers.publishRaw(&scheduler.Event{}, 10<<20))
	}
	require.Equal(t, []bool{false, false, false, true, false}, misses, "it is said once")
	s.watchers.end()
	require.Len(t, slices.Collect(events), 3)

	s = &Scheduler{}
	events = s.WatchRaw(t.Context())
	require.False(t, s.watchers.publishRaw(&scheduler.Event{}, 70<<20), "one event always fits")
	require.True(t, s.watchers.publishRaw(&scheduler.Event{}, 1))
	s.watchers.end()
	require.Len(t, slices.Collect(events), 1)
}

// What a watcher has read does not count any more, and it learns what it has missed although nothing follows.
func TestWatcherThatHasReadALargeEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Scheduler{}
		large := OfferEvent{Rejections: make([]task.Rejection, 1_000_000)}
		events, goOn := s.Watch(t.Context()), make(chan struct{})
		var lags []LagEvent
		read := 0
		go func() {
			for e := range events {
				if lag, ok := e.(LagEvent); ok {
					lags = append(lags, lag)
					continue
				}
				read++
				<-goOn
			}
		}()
		for n := range 3 {
			s.watchers.publish(large)
			synctest.Wait()
			require.Equal(t, n+1, read)
			s.watchers.publish(large) // while the first is in use
			require.Len(t, lags, n)
			goOn <- struct{}{}
			synctest.Wait()
			require.Len(t, lags, n+1)
			require.Equal(t, LagEvent{Missed: 1}, lags[n])
		}
		s.watchers.end()
	})
}

// The version is that of the last change that was published, also without a watcher, and never falls.
func TestVersionOfWhatWasPublished(t *testing.T) {
	s := &Scheduler{}
	require.Zero(t, s.Version())
	s.watchers.begin(5)
	require.EqualValues(t, 5, s.Version())
	s.watchers.publish(&taskChange{info: record.Info{Version: 7}})
	s.watchers.publish(StoreEvent{})
	require.EqualValues(t, 7, s.Version())
	s.watchers.publish(&taskChange{info: record.Info{Version: 6}})
	s.watchers.begin(6)
	require.EqualValues(t, 7, s.Version())
}
