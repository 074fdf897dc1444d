package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	takes          atomic.Int64 // a time.Duration
	failing        func(nth int) (effect bool, err error)

	noted    sync.Mutex
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
	time.Sleep(time.Duration(s.takes.Load()))
	s.noted.Lock()
	defer s.noted.Unlock()
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

// fails has f decide what becomes of a writing.
func (s *limitedStore) fails(f func(nth int) (effect bool, err error)) {
	s.noted.Lock()
	defer s.noted.Unlock()
	s.failing = f
}

// since returns the writings from the nth on.
func (s *limitedStore) since(n int) []writing {
	synctest.Wait()
	s.noted.Lock()
	defer s.noted.Unlock()
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
func (h *harness) submitAtOnce(ctx context.Context, s *limitedStore, groups [][]task.Spec) (answered map[string]time.Time, from int) {
	s.takes.Store(int64(time.Second))
	first := later(func() error { return h.sched.Submit(ctx, sleeper("first")) })
	synctest.Wait()
	answered = map[string]time.Time{}
	var mu sync.Mutex
	var users sync.WaitGroup
	for _, specs := range groups {
		users.Go(func() {
			var err error
			if len(specs) > 1 {
				err = h.sched.SubmitPod(ctx, specs...)
			} else {
				err = h.sched.Submit(ctx, specs[0])
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				h.Errorf("%s: %v", specs[0].ID, err)
			}
			for _, spec := range specs {
				answered[spec.ID] = time.Now()
			}
		})
	}
	synctest.Wait()
	from = len(s.since(0)) + 1
	s.takes.Store(int64(time.Millisecond))
	users.Wait()
	require.NoError(h, <-first)
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
			withHarness(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, h *harness) {
				h.at(time.Second)
				answered, from := h.submitAtOnce(ctx, s, podsAmong(n))
				all, err := h.sched.Tasks(ctx)
				require.NoError(h, err)
				place := map[string]int{}
				for i, info := range all {
					place[info.Spec.ID] = i
				}
				require.Len(h, place, 1+n+2*n/10)
				written, parts := 1, s.since(from)
				for i, part := range parts {
					if limit.records > 0 {
						require.LessOrEqual(h, len(part.keys), limit.records)
					}
					if limit.bytes > 0 {
						require.LessOrEqual(h, part.bytes, limit.bytes)
					}
					if i < len(parts)-1 { // the next unit is one task, or three
						most := 3
						full := limit.records > 0 && len(part.keys)+2*most > limit.records || limit.bytes > 0 && part.bytes+most*700 > limit.bytes
						require.True(h, full, "part %d of %d: %d records, %d bytes", i, len(parts), len(part.keys), part.bytes)
					}
					ids := part.tasks(h, true)
					for _, id := range ids {
						require.Less(h, place[id], written+len(ids), "the oldest first")
						require.Equal(h, part.ended, answered[id], "answered with its part")
						if pod, _, member := strings.Cut(id, "."); member {
							for m := range 3 {
								require.True(h, part.has(fmt.Sprintf("task/%s.%d", pod, m)), "a pod is not divided")
							}
						}
					}
					written += len(ids)
				}
				require.Equal(h, len(all), written, "each once")
				require.Equal(h, limit.records+limit.bytes > 0, len(parts) > 1)
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
			withHarness(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, h *harness) {
				h.at(time.Second)
				const failed = 4 // of the parts
				base := len(s.since(0)) + 1
				s.fails(func(nth int) (bool, error) {
					if nth == base+failed {
						return effect, disk
					}
					return true, nil
				})
				answered, from := h.submitAtOnce(ctx, s, podsAmong(100))
				require.Equal(h, base, from)
				times := map[string]int{}
				for i, part := range s.since(from) {
					require.LessOrEqual(h, len(part.keys), 20)
					for _, id := range part.tasks(h, true) {
						times[id]++
						if i != failed {
							require.Equal(h, part.ended, answered[id])
						}
					}
					require.Equal(h, i == failed, part.err != nil)
				}
				require.Len(h, times, 120)
				again := s.since(from)[failed].tasks(h, true)
				require.NotEmpty(h, again)
				for id, n := range times {
					require.Equal(h, slices.Contains(again, id), n == 2, "%s was written %d times", id, n)
				}
				h.mu.Lock()
				defer h.mu.Unlock()
				var outcomes []error
				for _, e := range h.events {
					if e, ok := e.(scheduler.StoreEvent); ok {
						outcomes = append(outcomes, e.Err)
					}
				}
				require.Equal(h, []error{disk, nil}, outcomes, "watchers hear of both, once")
			})
		})
	}
}

// specOfSize returns a task whose spec takes somewhat more bytes than that.
func specOfSize(id string, bytes int) task.Spec {
	spec := sleeper(id)
	spec.Labels = map[string]string{"text": strings.Repeat("x", bytes)}
	return spec
}

// What alone is more than a store takes is refused when it is submitted, and costs nothing else.
func TestTooLargeForStore(t *testing.T) {
	const limit = 64 << 10
	s := &limitedStore{bytes: limit, records: 7}
	withHarness(t, mesostest.Config{Agents: agents(2)}, scheduler.Config{Store: s}, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		var field *task.FieldError
		require.ErrorAs(h, h.sched.Submit(ctx, specOfSize("large", limit)), &field)
		require.Equal(h, "Spec", field.Field)
		var size int
		_, err := fmt.Sscanf(field.Value.(string), "%d bytes", &size)
		require.NoError(h, err)
		require.Greater(h, size, limit)
		require.Contains(h, field.Reason, fmt.Sprint(limit))
		_, err = h.sched.Launch(ctx, specOfSize("large", limit))
		require.ErrorAs(h, err, &field)

		most := limit - (size - limit)
		require.ErrorAs(h, h.sched.Submit(ctx, specOfSize("large", most+1)), &field)
		info, err := h.sched.Launch(ctx, specOfSize("large", most))
		require.NoError(h, err, "it is as large as may be, and the first of that name")
		require.Equal(h, task.StateRunning, info.State)

		member := func(i, bytes int) task.Spec {
			spec := specOfSize(fmt.Sprint("member", i), bytes)
			spec.CPUs, spec.Pod = 0.1, "pod"
			return spec
		}
		require.ErrorAs(h, h.sched.SubmitPod(ctx, member(1, limit/2), member(2, limit/2)), &field)
		require.Equal(h, "Pod", field.Field)
		require.ErrorAs(h, h.sched.SubmitPod(ctx, member(1, 1), member(2, 1), member(3, 1), member(4, 1)), &field)
		require.Equal(h, "Pod", field.Field)
		require.Equal(h, "has 4 members; the store takes at most 3 at once", field.Reason)
		_, err = h.sched.LaunchPod(ctx, member(1, limit/4), member(2, limit/4), member(3, 1))
		require.NoError(h, err)
		for _, writing := range s.since(0) {
			require.NoError(h, writing.err)
			require.LessOrEqual(h, writing.bytes, limit)
			require.LessOrEqual(h, len(writing.keys), 7)
		}
	})
}

// The texts of a status are for people; where they are too large for the store they are not kept.
func TestLongMessage(t *testing.T) {
	s := &limitedStore{bytes: 4 << 10}
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Store: s}, func(ctx context.Context, h *harness) {
		info, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.at(time.Second)
		before := len(s.since(0))
		message := strings.Repeat("oops ", 1<<20/5)
		require.True(h, h.master.Update(mesos.TaskStatus{
			TaskID: mesos.TaskID{Value: "a"}, AgentID: &mesos.AgentID{Value: info.AgentID}, State: mesos.TASK_FAILED.Enum(),
			Message: &message, Reason: mesos.REASON_COMMAND_EXECUTOR_FAILED.Enum(), Source: mesos.SOURCE_EXECUTOR.Enum(),
		}))
		h.at(2 * time.Second)
		written := s.since(before)
		require.Len(h, written, 1)
		require.Equal(h, []string{"task/a"}, written[0].keys)
		require.Less(h, written[0].bytes, 1000)
		info, err = h.sched.Task(ctx, "a")
		require.NoError(h, err)
		require.Contains(h, info.Status.GetMessage(), "more bytes)", "4 KiB of it are known as long as the run lasts")
		_, err = h.sched.Launch(ctx, sleeper("b"))
		require.NoError(h, err, "the scheduler goes on")

		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		next, stop := h.successor(ctx, s)
		info, err = next.Task(ctx, "a")
		require.NoError(h, err)
		require.Equal(h, task.StateFailed, info.State)
		require.Empty(h, info.Status.GetMessage())
		require.Equal(h, mesos.REASON_COMMAND_EXECUTOR_FAILED, info.Status.GetReason())
		require.ErrorIs(h, stop(), context.Canceled)
	})
}

// A task has two records, which are never apart: with a limit of one, each is written alone.
func TestLimitOfOneRecord(t *testing.T) {
	s := &limitedStore{records: 1}
	withHarness(t, mesostest.Config{}, scheduler.Config{Store: s}, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		var groups [][]task.Spec
		for i := range 20 {
			groups = append(groups, []task.Spec{sleeper(fmt.Sprint(i))})
		}
		_, from := h.submitAtOnce(ctx, s, groups)
		require.Len(h, s.since(from), 20)
		for _, writing := range s.since(from) {
			require.Len(h, writing.tasks(h, true), 1)
		}
		for range 6 {
			require.NoError(h, h.master.AddAgent(mesostest.Agent{}))
		}
		h.at(time.Minute)
		for _, writing := range s.since(from)[20:] {
			require.Len(h, writing.keys, 1)
		}
		require.Len(h, h.master.Snapshot().Running, 21)
		pod := []task.Spec{sleeper("m1"), sleeper("m2")}
		pod[0].Pod, pod[1].Pod = "pod", "pod"
		var field *task.FieldError
		require.ErrorAs(h, h.sched.SubmitPod(ctx, pod...), &field)
		require.Equal(h, "has 2 members; the store takes at most 1 at once", field.Reason)
	})
}

// panickingLimit is broken.
type panickingLimit struct{ testStore }

func (*panickingLimit) BatchLimit() (records, bytes int) { panic("no idea") }

func TestPanickingLimit(t *testing.T) {
	withIdleHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		var panicked *scheduler.PanicError
		require.ErrorAs(h, h.sched.Lead(ctx, scheduler.Term{Store: &panickingLimit{}}), &panicked)
		h.lead(ctx, scheduler.Term{Store: &testStore{}})
		synctest.Wait()
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")), "it may lead again")
	})
}
