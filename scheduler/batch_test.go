package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// limitedStore takes only so much at once, and takes its time for it. It notes each writing.
type limitedStore struct {
	testStore
	records, bytes int
	takes          time.Duration
	failing        func(nth int) (effect bool, err error)

	writings []writing
}

// writing is one call of Apply.
type writing struct {
	keys  []string
	bytes int
	ended time.Time
	err   error
}

func (s *limitedStore) BatchLimit() (records, bytes int) { return s.records, s.bytes }

func (s *limitedStore) Apply(ctx context.Context, changes map[string][]byte) error {
	time.Sleep(s.takes)
	w := writing{keys: slices.Sorted(maps.Keys(changes)), ended: time.Now()}
	for key, value := range changes {
		w.bytes += len(key) + len(value)
	}
	effect := true
	if s.failing != nil {
		effect, w.err = s.failing(len(s.writings))
	}
	s.writings = append(s.writings, w)
	if effect {
		if err := s.testStore.Apply(ctx, changes); err != nil {
			return err
		}
	}
	return w.err
}

// since returns the writings from the nth on.
func (s *limitedStore) since(n int) []writing {
	synctest.Wait()
	return s.writings[n:]
}

// tasks returns the tasks of a writing, each of which must be there as a whole when it is new.
func (w writing) tasks(t require.TestingT, isNew bool) []string {
	var ids []string
	for _, key := range w.keys {
		if id, ok := strings.CutPrefix(key, "task/"); ok {
			ids = append(ids, id)
			require.Equal(t, isNew, w.has("spec/"+id), "spec and state of %s", id)
		}
	}
	return ids
}

func (w writing) has(key string) bool {
	_, found := slices.BinarySearch(w.keys, key)
	return found
}

// submitAtOnce submits tasks, in groups of which those with several members are pods, while a first writing is under
// way, so that they are all in the next one. It returns when each Submit returned, by task, and the number of the first
// writing that has them.
func (w *world) submitAtOnce(ctx context.Context, s *limitedStore, groups [][]task.Spec) (answered map[string]time.Time, from int) {
	s.takes = time.Second
	first := later(func() error { return w.sched.Submit(ctx, sleeper("first")) })
	synctest.Wait()
	answered = map[string]time.Time{}
	var mu sync.Mutex
	var users sync.WaitGroup
	for _, specs := range groups {
		users.Go(func() {
			var err error
			if len(specs) > 1 {
				err = w.sched.SubmitPod(ctx, specs...)
			} else {
				err = w.sched.Submit(ctx, specs[0])
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				w.Errorf("%s: %v", specs[0].ID, err)
			}
			for _, spec := range specs {
				answered[spec.ID] = time.Now()
			}
		})
	}
	synctest.Wait()
	from = len(s.writings) + 1
	s.takes = time.Millisecond
	users.Wait()
	require.NoError(w, <-first)
	return answered, from
}

// podsAmong returns so many groups of tasks; each tenth is a pod of three.
func podsAmong(n int) (groups [][]task.Spec) {
	for i := range n {
		spec := sleeper(fmt.Sprintf("t%05d", i))
		if i%10 != 9 {
			groups = append(groups, []task.Spec{spec})
			continue
		}
		var pod []task.Spec
		for member := range 3 {
			s := spec.Clone()
			s.ID, s.Pod = fmt.Sprintf("%s.%d", spec.ID, member), "pod-"+spec.ID
			pod = append(pod, s)
		}
		groups = append(groups, pod)
	}
	return groups
}

// What is submitted at once is written in as many parts as the store wants, each as large as can be, the oldest first,
// and who waits for a part is answered when that is stored.
func TestBatchLimit(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	for name, limit := range map[string]struct{ records, bytes int }{
		"records": {records: 500}, "bytes": {bytes: 64 << 10}, "both": {records: 400, bytes: 64 << 10}, "none": {},
	} {
		t.Run(name, func(t *testing.T) {
			s := &limitedStore{records: limit.records, bytes: limit.bytes}
			inWorld(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, w *world) {
				w.at(time.Second)
				answered, from := w.submitAtOnce(ctx, s, podsAmong(n))
				all, err := w.sched.Tasks(ctx)
				require.NoError(w, err)
				place := map[string]int{}
				for i, info := range all {
					place[info.Spec.ID] = i
				}
				require.Len(w, place, 1+n+2*n/10)
				written, parts := 1, s.since(from)
				for i, part := range parts {
					if limit.records > 0 {
						require.LessOrEqual(w, len(part.keys), limit.records)
					}
					if limit.bytes > 0 {
						require.LessOrEqual(w, part.bytes, limit.bytes)
					}
					if i < len(parts)-1 { // the next unit is one task, or three
						most := 3
						full := limit.records > 0 && len(part.keys)+2*most > limit.records || limit.bytes > 0 && part.bytes+most*700 > limit.bytes
						require.True(w, full, "part %d of %d: %d records, %d bytes", i, len(parts), len(part.keys), part.bytes)
					}
					ids := part.tasks(w, true)
					for _, id := range ids {
						require.Less(w, place[id], written+len(ids), "the oldest first")
						require.Equal(w, part.ended, answered[id], "answered with its part")
						if pod, _, member := strings.Cut(id, "."); member {
							for m := range 3 {
								require.True(w, part.has(fmt.Sprintf("task/%s.%d", pod, m)), "a pod is not divided")
							}
						}
					}
					written += len(ids)
				}
				require.Equal(w, len(all), written, "each once")
				require.Equal(w, limit.records+limit.bytes > 0, len(parts) > 1)
			})
		})
	}
}

// A failure in the middle, with or without effect: what was stored before is answered and not written again, the rest
// is, and nothing is lost.
func TestBatchFails(t *testing.T) {
	disk := errors.New("disk full")
	for _, effect := range []bool{false, true} {
		t.Run(fmt.Sprint(effect), func(t *testing.T) {
			s := &limitedStore{records: 20}
			inWorld(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, w *world) {
				w.at(time.Second)
				const failed = 4 // of the parts
				base := 0
				s.failing = func(nth int) (bool, error) {
					if base > 0 && nth == base+failed {
						return effect, disk
					}
					return true, nil
				}
				base = len(s.writings) + 1
				answered, from := w.submitAtOnce(ctx, s, podsAmong(100))
				require.Equal(w, base, from)
				times := map[string]int{}
				for i, part := range s.since(from) {
					require.LessOrEqual(w, len(part.keys), 20)
					for _, id := range part.tasks(w, true) {
						times[id]++
						if i != failed {
							require.Equal(w, part.ended, answered[id])
						}
					}
					require.Equal(w, i == failed, part.err != nil)
				}
				require.Len(w, times, 120)
				again := s.since(from)[failed].tasks(w, true)
				require.NotEmpty(w, again)
				for id, n := range times {
					require.Equal(w, slices.Contains(again, id), n == 2, "%s was written %d times", id, n)
				}
				w.mu.Lock()
				defer w.mu.Unlock()
				var outcomes []error
				for _, e := range w.events {
					if e, ok := e.(scheduler.StoreEvent); ok {
						outcomes = append(outcomes, e.Err)
					}
				}
				require.Equal(w, []error{disk, nil}, outcomes, "watchers hear of both, once")
			})
		})
	}
}

// large is a task whose spec takes some bytes more than that.
func large(id string, bytes int) task.Spec {
	spec := sleeper(id)
	spec.Labels = map[string]string{"text": strings.Repeat("x", bytes)}
	return spec
}

// What alone is more than a store takes is refused when it is submitted, and costs nothing else.
func TestTooLargeForStore(t *testing.T) {
	const limit = 64 << 10
	s := &limitedStore{bytes: limit, records: 7}
	inWorld(t, mesostest.Config{Agents: agents(2)}, scheduler.Config{Store: s}, func(ctx context.Context, w *world) {
		w.at(time.Second)
		var field *task.FieldError
		require.ErrorAs(w, w.sched.Submit(ctx, large("large", limit)), &field)
		require.Equal(w, "Spec", field.Field)
		var size int
		_, err := fmt.Sscanf(field.Value.(string), "%d bytes", &size)
		require.NoError(w, err)
		require.Greater(w, size, limit)
		require.Contains(w, field.Reason, fmt.Sprint(limit))
		_, err = w.sched.Launch(ctx, large("large", limit))
		require.ErrorAs(w, err, &field)

		most := limit - (size - limit)
		require.ErrorAs(w, w.sched.Submit(ctx, large("large", most+1)), &field)
		info, err := w.sched.Launch(ctx, large("large", most))
		require.NoError(w, err, "it is as large as may be, and the first of that name")
		require.Equal(w, task.Running, info.State)

		member := func(i, bytes int) task.Spec {
			spec := large(fmt.Sprint("member", i), bytes)
			spec.CPUs, spec.Pod = 0.1, "pod"
			return spec
		}
		require.ErrorAs(w, w.sched.SubmitPod(ctx, member(1, limit/2), member(2, limit/2)), &field)
		require.Equal(w, "Pod", field.Field)
		require.ErrorAs(w, w.sched.SubmitPod(ctx, member(1, 1), member(2, 1), member(3, 1), member(4, 1)), &field)
		require.Equal(w, "Pod", field.Field)
		require.Equal(w, "has 4 members; the store takes at most 3 at once", field.Reason)
		_, err = w.sched.LaunchPod(ctx, member(1, limit/4), member(2, limit/4), member(3, 1))
		require.NoError(w, err)
		for _, writing := range s.since(0) {
			require.NoError(w, writing.err)
			require.LessOrEqual(w, writing.bytes, limit)
			require.LessOrEqual(w, len(writing.keys), 7)
		}
	})
}

// The texts of a status are for people; where they are too large for the store they are not kept.
func TestLongMessage(t *testing.T) {
	s := &limitedStore{bytes: 64 << 10}
	inWorld(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: s}, func(ctx context.Context, w *world) {
		info, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		w.at(time.Second)
		before := len(s.since(0))
		message := strings.Repeat("oops ", 1<<20/5)
		require.True(w, w.master.Update(mesos.TaskStatus{
			TaskID: mesos.TaskID{Value: "a"}, AgentID: &mesos.AgentID{Value: info.AgentID}, State: mesos.TASK_FAILED.Enum(),
			Message: &message, Reason: mesos.REASON_COMMAND_EXECUTOR_FAILED.Enum(), Source: mesos.SOURCE_EXECUTOR.Enum(),
		}))
		w.at(2 * time.Second)
		written := s.since(before)
		require.Len(w, written, 1)
		require.Equal(w, []string{"task/a"}, written[0].keys)
		require.Less(w, written[0].bytes, 1000)
		info, err = w.sched.Task(ctx, "a")
		require.NoError(w, err)
		require.Equal(w, message, info.Status.GetMessage(), "it is known as long as the run lasts")
		_, err = w.sched.Launch(ctx, sleeper("b"))
		require.NoError(w, err, "the scheduler goes on")

		w.stop()
		require.ErrorIs(w, w.end(), context.Canceled)
		next, stop := w.successor(ctx, s)
		info, err = next.Task(ctx, "a")
		require.NoError(w, err)
		require.Equal(w, task.Failed, info.State)
		require.Empty(w, info.Status.GetMessage())
		require.Equal(w, mesos.REASON_COMMAND_EXECUTOR_FAILED, info.Status.GetReason())
		require.ErrorIs(w, stop(), context.Canceled)
	})
}

// A task has two records, which are never apart: with a limit of one, each is written alone.
func TestLimitOfOneRecord(t *testing.T) {
	s := &limitedStore{records: 1}
	inWorld(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, w *world) {
		w.at(time.Second)
		var groups [][]task.Spec
		for i := range 20 {
			groups = append(groups, []task.Spec{sleeper(fmt.Sprint(i))})
		}
		_, from := w.submitAtOnce(ctx, s, groups)
		require.Len(w, s.since(from), 20)
		for _, writing := range s.since(from) {
			require.Len(w, writing.tasks(w, true), 1)
		}
		for range 6 {
			require.NoError(w, w.master.AddAgent(mesostest.Agent{}))
		}
		w.at(time.Minute)
		for _, writing := range s.since(from)[20:] {
			require.Len(w, writing.keys, 1)
		}
		require.Len(w, w.master.Snapshot().Running, 21)
		pod := []task.Spec{sleeper("m1"), sleeper("m2")}
		pod[0].Pod, pod[1].Pod = "pod", "pod"
		var field *task.FieldError
		require.ErrorAs(w, w.sched.SubmitPod(ctx, pod...), &field)
		require.Equal(w, "has 2 members; the store takes at most 1 at once", field.Reason)
	})
}

// panickingLimit is broken.
type panickingLimit struct{ testStore }

func (*panickingLimit) BatchLimit() (records, bytes int) { panic("no idea") }

func TestPanickingLimit(t *testing.T) {
	inIdleWorld(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, w *world) {
		var panicked *scheduler.PanicError
		require.ErrorAs(w, w.sched.Lead(ctx, scheduler.Term{Store: &panickingLimit{}}), &panicked)
		w.lead(ctx, scheduler.Term{Store: &testStore{}})
		synctest.Wait()
		require.NoError(w, w.sched.Submit(ctx, sleeper("a")), "it may lead again")
	})
}
