package scheduler_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// warnings collects what is logged as a warning or worse.
type warnings struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *warnings) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *warnings) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func (w *warnings) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// The framework is torn down as soon as the last of 200 tasks has ended, when acknowledgements are waiting and under way.
func TestTeardownAfterLastEvent(t *testing.T) {
	const tasks = 200
	for _, store := range []scheduler.Store{nil, &testStore{records: map[string][]byte{}}, &slowStore{}} {
		t.Run(fmt.Sprintf("%T", store), func(t *testing.T) {
			log := &warnings{}
			cluster := mesostest.Config{Agents: agents(100)}
			withIdleHarness(t, cluster, scheduler.Config{Store: store, Logger: log.logger()}, func(ctx context.Context, h *harness) {
				events := h.sched.Watch(ctx)
				h.lead(ctx, scheduler.Term{})
				for i := range tasks {
					spec := sleeper(fmt.Sprintf("t%d", i))
					spec.Command.Shell = "true"
					spec.CPUs = 0.1
					require.NoError(h, h.sched.Submit(ctx, spec))
				}
				ended := 0
				for e := range events {
					if e, ok := e.(scheduler.TaskEvent); ok && e.Task.State == task.StateFinished {
						if ended++; ended == tasks {
							break
						}
					}
				}
				require.NoError(h, h.sched.Teardown(ctx))
				require.NoError(h, h.end())
				h.at(time.Since(h.began) + time.Minute)
				require.Empty(h, log.String())
			})
		})
	}
}

// After a teardown the next run is that of a new framework, which knows what the torn down one has run.
func TestIDsStayTakenAfterTeardown(t *testing.T) {
	store := &testStore{}
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		tooLarge := sleeper("pending")
		tooLarge.CPUs = 1000
		require.NoError(h, h.sched.Submit(ctx, tooLarge))
		require.NoError(h, h.sched.Teardown(ctx))
		require.NoError(h, h.end())

		s, stop := h.successor(ctx, store)
		for _, id := range []string{"a", "pending"} {
			info, err := s.Wait(ctx, id, scheduler.UntilEnded)
			require.NoError(h, err)
			require.Equal(h, task.StateKilled, info.State)
			require.ErrorIs(h, s.Submit(ctx, sleeper(id)), scheduler.ErrDuplicateTask)
			require.NoError(h, s.Forget(ctx, id))
			_, err = s.Launch(ctx, sleeper(id))
			require.NoError(h, err)
		}
		require.NotNil(h, stop())
	})
}

// The log names no time of the next attempt when there is none.
func TestNoNextAttemptInLogAfterRemoval(t *testing.T) {
	log := &warnings{}
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Logger: log.logger()}, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		require.NoError(h, h.master.Teardown(h.master.Snapshot().Frameworks[0].ID))
		var removed *scheduler.FrameworkRemovedError
		require.ErrorAs(h, h.end(), &removed)
		require.Contains(h, log.String(), "has been removed")
		require.NotContains(h, log.String(), "next=0001")
	})
}
