package scheduler

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

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
