package controlapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// frame is one server-sent event.
type frame struct{ name, id, data string }

// reader reads a stream of events.
type reader struct {
	stop  context.CancelFunc
	ended chan struct{}

	mu       sync.Mutex
	all      []frame
	comments int
}

// events opens a stream with these parameters.
func (w *world) events(query string, headers ...string) *reader {
	ctx, stop := context.WithCancel(w.t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+address+"/v1/events"+query, nil)
	require.NoError(w.t, err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	response, err := w.client.Do(r)
	require.NoError(w.t, err)
	require.Equal(w.t, 200, response.StatusCode)
	require.Equal(w.t, "text/event-stream", response.Header.Get("Content-Type"))
	of := &reader{stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(of.ended)
		defer response.Body.Close()
		of.read(bufio.NewScanner(response.Body))
	}()
	w.readers = append(w.readers, of)
	return of
}

func (r *reader) read(lines *bufio.Scanner) {
	lines.Buffer(nil, 1<<24)
	var f frame
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		r.mu.Lock()
		switch {
		case lines.Text() == "" && f != frame{}:
			r.all = append(r.all, f)
			f = frame{}
		case lines.Text() == "": // after a comment
		case name == "event":
			f.name = value
		case name == "id":
			f.id = value
		case name == "data":
			f.data = value
		case name == "":
			r.comments++
		}
		r.mu.Unlock()
	}
}

// take waits until nothing more happens, and returns what has come since the last call.
func (r *reader) take() []frame {
	sleep(100 * time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.all
	r.all = nil
	return all
}

// named returns the frames with a name.
func named(frames []frame, name string) (found []frame) {
	for _, f := range frames {
		if f.name == name {
			found = append(found, f)
		}
	}
	return found
}

func parsed[T any](t *testing.T, f frame) T {
	var v T
	require.NoError(t, json.Unmarshal([]byte(f.data), &v), f.data)
	return v
}

// states returns the states that the events say a task has had.
func states(t *testing.T, frames []frame, id string) (all []string) {
	for _, f := range named(frames, "task") {
		if e := parsed[controlapi.SummaryEvent](t, f); e.Task.ID == id {
			all = append(all, e.Task.State.String())
		}
	}
	return all
}

func TestEventsFromTheBeginning(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		require.NoError(t, w.scheduler.Submit(t.Context(), spec("a")))
		r := w.events("?view=summary")
		first := r.take()
		parts := named(first, "snapshot")
		require.Len(t, parts, 1)
		all := parsed[controlapi.Snapshot[controlapi.Summary]](t, parts[0])
		require.True(t, all.First && all.Last)
		require.Equal(t, "a", all.Tasks[0].ID)
		require.NotEmpty(t, parts[0].id)

		require.NoError(t, w.scheduler.Submit(t.Context(), spec("b")))
		sleep(2 * time.Second)
		later := r.take()
		require.Equal(t, []string{"pending", "staging", "starting", "running"}, states(t, later, "b"))
		overviews := named(later, "overview")
		require.NotEmpty(t, overviews)
		o := parsed[controlapi.Overview](t, overviews[len(overviews)-1])
		require.Equal(t, map[string]int{"running": 2}, o.Tasks)
		require.Len(t, o.Agents, 1)
	})
}

func TestEventsInFull(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		r := w.events("")
		r.take()
		info, err := w.scheduler.Launch(t.Context(), spec("a"))
		require.NoError(t, err)
		frames := named(r.take(), "task")
		e := parsed[scheduler.TaskEvent](t, frames[len(frames)-1])
		require.JSONEq(t, encode(t, info), encode(t, e.Task))
		require.Equal(t, task.StateStarting, e.Previous)
	})
}

func TestListThenWatchMissesNothing(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		sleep(time.Second)
		require.NoError(t, w.scheduler.Submit(t.Context(), spec("a")))
		page := decoded[controlapi.TaskPage[task.Info]](t, w.request("GET", "/v1/tasks", ""), 200)
		require.Len(t, page.Tasks, 1)
		sleep(2 * time.Second) // it is running by now

		r := w.events("?view=summary&since=" + encode(t, page.Version))
		frames := r.take()
		require.Empty(t, named(frames, "snapshot"))
		require.Equal(t, []string{"starting", "running"}, last(states(t, frames, "a"), 2))
	})
}

// last returns the last n of a list.
func last(all []string, n int) []string { return all[max(0, len(all)-n):] }

func TestEventsAfterABreak(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		sleep(time.Second)
		r := w.events("?view=summary")
		require.NoError(t, w.scheduler.Submit(t.Context(), spec("a")))
		sleep(2 * time.Second)
		frames := r.take()
		seen := frames[len(frames)-1].id
		for i := range frames {
			if frames[i].id != "" {
				seen = frames[i].id
			}
		}
		r.stop()
		_, err := w.scheduler.Kill(t.Context(), "a")
		require.NoError(t, err)

		// As a browser does: the same address, with the last ID in a header.
		again := w.events("?view=summary", "Last-Event-ID: "+seen)
		frames = again.take()
		require.Empty(t, named(frames, "snapshot"))
		require.Contains(t, states(t, frames, "a"), "killed")

		ahead := w.events("?view=summary&since=9007199254740991")
		require.Len(t, named(ahead.take(), "snapshot"), 1, "a version that is not known")
		old := w.events("?view=summary&since=1")
		require.Len(t, named(old.take(), "snapshot"), 1, "a version of long ago")
	})
}

func TestQuietStreamIsKeptAlive(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		r := w.events("?view=summary")
		r.take()
		r.mu.Lock()
		before := r.comments
		r.mu.Unlock()
		sleep(time.Minute)
		r.mu.Lock()
		defer r.mu.Unlock()
		require.GreaterOrEqual(t, r.comments-before, 3)
	})
}

func TestSnapshotOfManyTasks(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		const tasks = 1203
		for i := range tasks {
			require.NoError(t, w.scheduler.Submit(t.Context(), spec("t"+encode(t, i))))
		}
		ids := map[string]bool{}
		parts := named(w.events("?view=summary").take(), "snapshot")
		for i, f := range parts {
			part := parsed[controlapi.Snapshot[controlapi.Summary]](t, f)
			require.Equal(t, i == 0, part.First)
			require.Equal(t, i == len(parts)-1, part.Last)
			require.Equal(t, part.Last, f.id != "", "only with the last part the reader has all up to a version")
			for _, s := range part.Tasks {
				ids[s.ID] = true
			}
		}
		require.Len(t, ids, tasks)
		require.Len(t, parts, 3)
	})
}

// The framework of a process that is alone ends, and runs again. Who watches stays connected, and gets all tasks once more.
func TestFrameworkThatRunsAgain(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		require.NoError(t, w.scheduler.Submit(t.Context(), spec("a")))
		r := w.events("?view=summary")
		require.Len(t, named(r.take(), "snapshot"), 1)
		w.endRun()
		sleep(10 * time.Second)
		require.Equal(t, scheduler.CodeNotRunning, problem(t, w.request("GET", "/v1/tasks", ""), 503).Code)
		overviews := named(r.take(), "overview")
		require.NotEmpty(t, overviews)
		require.Contains(t, parsed[controlapi.Overview](t, overviews[len(overviews)-1]).Error, "not running")

		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.scheduler.Run(ctx) }()
		defer func() {
			stop()
			<-ended
		}()
		sleep(time.Second)
		require.NoError(t, w.scheduler.Submit(t.Context(), spec("b")))
		require.Equal(t, 2, decoded[controlapi.TaskPage[task.Info]](t, w.request("GET", "/v1/tasks", ""), 200).Total)
		frames := r.take()
		parts := named(frames, "snapshot")
		require.Len(t, parts, 1)
		require.Equal(t, "a", parsed[controlapi.Snapshot[controlapi.Summary]](t, parts[0]).Tasks[0].ID)
		require.NotEmpty(t, states(t, frames, "b"))
	})
}

func TestWatchersAreEndedAtOnce(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		r := w.events("")
		r.take()
		began := time.Now()
		w.stop()
		<-w.served
		<-r.ended
		require.Less(t, time.Since(began), time.Second)
	})
}

// Whoever has the answer to a submit, of the scheduler or of the API, finds the task in the next list.
func TestListHasWhatWasSubmitted(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for i := range 50 {
			id := "t" + encode(t, i)
			if i%2 == 0 {
				require.NoError(t, w.scheduler.Submit(t.Context(), spec(id)))
			} else {
				decoded[task.Info](t, w.request("POST", "/v1/tasks", encode(t, spec(id))), 201)
			}
			page := decoded[controlapi.TaskPage[task.Info]](t, w.request("GET", "/v1/tasks?limit=1000", ""), 200)
			require.Len(t, page.Tasks, i+1)
			require.Equal(t, id, page.Tasks[i].Spec.ID)
		}
		synctest.Wait()
	})
}
