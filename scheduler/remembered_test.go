package scheduler_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// job is a task that ends by itself.
func job(id string) task.Spec {
	return task.Spec{ID: id, CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "exit 0"}}
}

// copied returns what the store has now, which is what a process finds after this one is killed.
func (s *testStore) copied() *testStore {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &testStore{records: maps.Clone(s.records)}
}

// has returns how many keys of the store begin with a prefix.
func (s *testStore) has(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.records {
		if strings.HasPrefix(key, prefix) {
			n++
		}
	}
	return n
}

// follow runs another scheduler with the same config, but its own store, for as long as f takes.
func (h *harness) follow(ctx context.Context, config scheduler.Config, f func(s *scheduler.Scheduler)) {
	config.Master, config.Framework.Name = address, "test"
	config.DialContext, config.Logger = h.network.DialContext, slog.New(slog.DiscardHandler)
	s, err := scheduler.New(config)
	require.NoError(h, err)
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	f(s)
	stop()
	require.ErrorIs(h, <-ended, context.Canceled)
	synctest.Wait() // as in end
}

// endTask submits a task, for which there is no agent, and ends it.
func endTask(ctx context.Context, h *harness, s *scheduler.Scheduler, id string) task.Info {
	require.NoError(h, s.Submit(ctx, job(id)))
	info, err := s.Kill(ctx, id)
	require.NoError(h, err)
	require.Equal(h, task.StateKilled, info.State)
	return info
}

// refuses requires that an ID is refused, or that it is not.
func refuses(ctx context.Context, h *harness, s *scheduler.Scheduler, refused bool, ids ...string) {
	for _, id := range ids {
		err := s.Submit(ctx, job(id))
		if refused {
			require.ErrorIs(h, err, scheduler.ErrDuplicateTask, id)
		} else {
			require.NoError(h, err, id)
		}
	}
}

// A program submits 1,201 tasks, with a history of 1,000, is killed when all have ended, and submits all of them again.
func TestSubmittedAgainAfterKill9(t *testing.T) {
	cluster := mesostest.Config{}
	for range 10 {
		cluster.Agents = append(cluster.Agents, mesostest.Agent{Resources: "cpus:100;mem:100000"})
	}
	for name, history := range map[string]int{"history of 1000": 0, "no history": -1, "history of 5": 5} {
		t.Run(name, func(t *testing.T) {
			const n = 1201
			config := scheduler.Config{Store: &testStore{}, History: history}
			withHarness(t, cluster, config, func(ctx context.Context, h *harness) {
				for i := range n {
					require.NoError(h, h.sched.Submit(ctx, job(fmt.Sprint("t", i))))
				}
				h.at(time.Minute)
				accepts := h.master.Snapshot().Calls[calls.Call_ACCEPT]
				require.Positive(h, accepts)
				store := config.Store.(*testStore).copied()
				h.stop()
				require.ErrorIs(h, h.end(), context.Canceled)

				config.Store = store
				h.follow(ctx, config, func(s *scheduler.Scheduler) {
					for i := range n {
						id := fmt.Sprint("t", i)
						require.ErrorIs(h, s.Submit(ctx, job(id)), scheduler.ErrDuplicateTask)
						info, err := s.Task(ctx, id)
						require.NoError(h, err)
						require.Equal(h, task.StateFinished, info.State)
						require.WithinRange(h, info.Updated, h.began, h.began.Add(time.Minute))
					}
					h.at(5 * time.Minute)
					tasks, err := s.Tasks(ctx)
					require.NoError(h, err)
					full := min(n, max(0, map[int]int{0: 1000}[history]+max(0, history)))
					require.Len(h, tasks, full, "those of which all is known")
					require.Equal(h, accepts, h.master.Snapshot().Calls[calls.Call_ACCEPT], "none runs again")
					require.Equal(h, [3]int{n - full, full, full}, [3]int{store.has("ended/"), store.has("task/"), store.has("spec/")})
				})
			})
		})
	}
}

// What Task, Wait, Kill, Explain and Tasks say of a task of which little is left, before and after a restart.
func TestWhatIsRemembered(t *testing.T) {
	store := &testStore{}
	config := scheduler.Config{Store: store, History: -1}
	withHarness(t, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
		h.at(1234567890)
		killed := endTask(ctx, h, h.sched, "a")
		require.Equal(h, h.began.Add(1234567890), killed.Updated)
		want := task.Info{Spec: task.Spec{ID: "a"}, State: task.StateKilled, Updated: killed.Updated.UTC()}
		check := func(s *scheduler.Scheduler) {
			info, err := s.Task(ctx, "a")
			require.NoError(h, err)
			require.Equal(h, want, info)
			info, err = s.Kill(ctx, "a")
			require.NoError(h, err)
			require.Equal(h, want, info)
			info, err = s.Wait(ctx, "a", scheduler.UntilEnded)
			require.NoError(h, err)
			require.Equal(h, want, info)
			_, err = s.Wait(ctx, "a", scheduler.UntilRunning)
			var failed *scheduler.TaskError
			require.ErrorAs(h, err, &failed)
			require.Equal(h, want, failed.Task)
			x, err := s.Explain(ctx, "a")
			require.NoError(h, err)
			require.Equal(h, scheduler.Explanation{Task: want}, x)
			all, err := s.Tasks(ctx)
			require.NoError(h, err)
			require.Empty(h, all)
		}
		check(h.sched)
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		h.follow(ctx, config, func(s *scheduler.Scheduler) {
			check(s)
			_, err := s.Task(ctx, "b")
			require.ErrorIs(h, err, scheduler.ErrUnknownTask)
		})
	})
}

// An ID is remembered for a time that is counted from the end of its task, to the nanosecond, whoever leads by then.
func TestRememberedForATime(t *testing.T) {
	store := &testStore{}
	config := scheduler.Config{Store: store, History: -1, RememberIDs: scheduler.Retention{For: time.Hour}}
	withHarness(t, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		endTask(ctx, h, h.sched, "a")
		h.at(2 * time.Second)
		endTask(ctx, h, h.sched, "b")
		h.at(time.Hour + time.Second - 1)
		refuses(ctx, h, h.sched, true, "a", "b")
		h.at(time.Hour + time.Second)
		require.Equal(h, 1, store.has("ended/"))
		_, err := h.sched.Task(ctx, "a")
		require.ErrorIs(h, err, scheduler.ErrUnknownTask)
		refuses(ctx, h, h.sched, false, "a")
		refuses(ctx, h, h.sched, true, "b")
		h.at(time.Hour + time.Minute)
		endTask(ctx, h, h.sched, "c")
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)

		h.at(2 * time.Hour) // nobody leads when b is to be forgotten
		h.follow(ctx, config, func(s *scheduler.Scheduler) {
			refuses(ctx, h, s, false, "b")
			refuses(ctx, h, s, true, "c")
			require.Equal(h, 1, store.has("ended/"))
			h.at(2*time.Hour + time.Minute)
			require.Zero(h, store.has("ended/"))
		})
	})
}

// Of the IDs beyond a number the task that ended first is forgotten first, also when the number becomes smaller.
func TestRememberedByCount(t *testing.T) {
	store := &testStore{}
	config := scheduler.Config{Store: store, History: 1, RememberIDs: scheduler.Retention{Count: 3}}
	withHarness(t, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
		for i, id := range []string{"e", "a", "d", "b", "c"} {
			h.at(time.Duration(i) * time.Second)
			endTask(ctx, h, h.sched, id)
		}
		_, err := h.sched.Task(ctx, "e")
		require.ErrorIs(h, err, scheduler.ErrUnknownTask)
		refuses(ctx, h, h.sched, true, "a", "d", "b", "c")
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		require.Equal(h, 3, store.has("ended/"))

		config.RememberIDs.Count = 2
		h.follow(ctx, config, func(s *scheduler.Scheduler) {
			refuses(ctx, h, s, false, "e", "a")
			refuses(ctx, h, s, true, "d", "b", "c")
			require.Equal(h, 2, store.has("ended/"))
		})
		config.RememberIDs.Count = -1
		h.follow(ctx, config, func(s *scheduler.Scheduler) {
			refuses(ctx, h, s, false, "d", "b")
			refuses(ctx, h, s, true, "e", "a", "c")
			require.Zero(h, store.has("ended/"))
		})
	})
}

// A smaller history leaves only the IDs of the others, from the first start with it.
func TestHistoryBecomesSmaller(t *testing.T) {
	store := &testStore{}
	withHarness(t, mesostest.Config{}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		for i := range 10 {
			h.at(time.Duration(i) * time.Second)
			endTask(ctx, h, h.sched, fmt.Sprint("t", i))
		}
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		require.Zero(h, store.has("ended/"))
		h.follow(ctx, scheduler.Config{Store: store, History: 3}, func(s *scheduler.Scheduler) {
			h.at(time.Minute)
			all, err := s.Tasks(ctx)
			require.NoError(h, err)
			require.Len(h, all, 3)
			require.Equal(h, "t7", all[0].Spec.ID)
			require.Equal(h, [3]int{7, 3, 3}, [3]int{store.has("ended/"), store.has("task/"), store.has("spec/")})
			for i := range 10 {
				refuses(ctx, h, s, true, fmt.Sprint("t", i))
			}
		})
	})
}

// The name of a pod is refused as long as one of its members is remembered, and so are their IDs.
func TestNamesOfPodsAreRemembered(t *testing.T) {
	pod := func(name string, ids ...string) []task.Spec {
		var specs []task.Spec
		for _, id := range ids {
			s := job(id)
			s.Pod = name
			specs = append(specs, s)
		}
		return specs
	}
	store := &testStore{}
	config := scheduler.Config{Store: store, History: -1, RememberIDs: scheduler.Retention{For: time.Hour}}
	withHarness(t, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
		require.NoError(h, h.sched.SubmitPod(ctx, pod("p", "x", "y")...))
		_, err := h.sched.Kill(ctx, "x")
		require.NoError(h, err)
		check := func(s *scheduler.Scheduler) {
			require.ErrorContains(h, s.SubmitPod(ctx, pod("p", "v", "w")...), `"p"`)
			require.ErrorIs(h, s.SubmitPod(ctx, pod("q", "v", "x")...), scheduler.ErrDuplicateTask)
			refuses(ctx, h, s, true, "x", "y")
			info, err := s.Task(ctx, "y")
			require.NoError(h, err)
			require.Equal(h, task.Spec{ID: "y", Pod: "p"}, info.Spec)
		}
		check(h.sched)
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		h.follow(ctx, config, func(s *scheduler.Scheduler) {
			check(s)
			h.at(time.Hour)
			require.NoError(h, s.SubmitPod(ctx, pod("p", "x", "w")...))
		})
	})
}

// A store that takes two records at a time, or one, never gets more than two, and nothing is lost whichever write fails, with
// effect or without, or is the last one of its process.
func TestRememberedWithBatchLimit(t *testing.T) {
	for _, limit := range []int{1, 2} {
		for fail := range 12 {
			store := &limitedStore{records: limit}
			config := scheduler.Config{Store: store, History: -1}
			withHarness(t, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
				store.fails(func(nth int) (bool, error) {
					if nth == fail/2 {
						return fail%2 == 0, fmt.Errorf("disk full")
					}
					return true, nil
				})
				for i := range 3 {
					endTask(ctx, h, h.sched, fmt.Sprint("t", i))
				}
				require.NoError(h, h.sched.Forget(ctx, "t1"))
				h.stop()
				require.ErrorIs(h, h.end(), context.Canceled)
				for _, w := range store.since(0) {
					require.LessOrEqual(h, len(w.keys), 2)
				}
				require.Equal(h, [3]int{2, 0, 0}, [3]int{store.has("ended/"), store.has("task/"), store.has("spec/")})
				h.follow(ctx, config, func(s *scheduler.Scheduler) {
					refuses(ctx, h, s, true, "t0", "t2")
					refuses(ctx, h, s, false, "t1")
				})
			})
		}
	}
}

// A task that ends while its process is killed is on record in full or remembered, after any of the writes.
func TestKilledBetweenTwoWrites(t *testing.T) {
	store := &limitedStore{records: 2}
	config := scheduler.Config{Store: store, History: -1}
	withHarness(t, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
		var found []*testStore
		store.fails(func(int) (bool, error) { found = append(found, store.copied()); return true, nil })
		endTask(ctx, h, h.sched, "a")
		synctest.Wait()
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		halves := 0
		for _, s := range found {
			if s.has("ended/") > 0 && s.has("task/") > 0 {
				halves++
			}
			if s.has("task/") == 0 && s.has("ended/") == 0 {
				continue // before it was submitted
			}
			h.follow(ctx, scheduler.Config{Store: s, History: -1}, func(s *scheduler.Scheduler) { refuses(ctx, h, s, true, "a") })
		}
		require.Positive(h, halves, "otherwise nothing is tested")
	})
}

// Records that were taken ahead of time are those that count.
func TestRememberedAndPreloaded(t *testing.T) {
	store := &testStore{}
	withIdleHarness(t, mesostest.Config{}, scheduler.Config{History: -1}, func(ctx context.Context, h *harness) {
		h.lead(ctx, scheduler.Term{Number: 1, Store: store})
		endTask(ctx, h, h.sched, "a")
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		h.sched.Preload(ctx, func(yield func(map[string][]byte) bool) { yield(store.copied().records) })
		h.lead(ctx, scheduler.Term{Number: 2, Store: store})
		synctest.Wait()
		refuses(ctx, h, h.sched, true, "a")
		refuses(ctx, h, h.sched, false, "b")
	})
}

// A damaged record of a task that has ended is an error, as is any other one.
func TestDamagedRememberedTask(t *testing.T) {
	store := &testStore{records: map[string][]byte{"ended/a": []byte(`{"version":1,"state":"running"}`)}}
	withIdleHarness(t, mesostest.Config{}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		h.lead(ctx, scheduler.Term{})
		var bad *scheduler.RecordError
		require.ErrorAs(h, h.end(), &bad)
		require.Equal(h, "ended/a", bad.Key)
	})
}
