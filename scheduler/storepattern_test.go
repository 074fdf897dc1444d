package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// patterns returns all patterns of up to so many writings of which some succeed: s succeeds, f fails, and w fails although
// it has written. None is the repetition of a shorter one.
func patterns(longest int, letters string) []string {
	var all []string
	repeats := func(p string) bool {
		for n := 1; n < len(p); n++ {
			if len(p)%n == 0 && p[n:]+p[:n] == p {
				return true
			}
		}
		return false
	}
	var extend func(string, bool)
	extend = func(p string, succeeds bool) {
		if succeeds && !repeats(p) {
			all = append(all, p)
		}
		for i := 0; len(p) < longest && i < len(letters); i++ {
			extend(p+letters[i:i+1], succeeds || letters[i] == 's')
		}
	}
	extend("", false)
	return all
}

// countLaunches returns how often each task was launched.
func (h *harness) countLaunches() map[string]int {
	launches := map[string]int{}
	h.master.Intercept(func(c *calls.Call) mesostest.Fault {
		for _, o := range c.GetAccept().GetOperations() {
			for _, t := range o.GetLaunch().GetTaskInfos() {
				launches[t.TaskID.Value]++
			}
		}
		return mesostest.Pass
	})
	return launches
}

// launchTwenty launches 20 tasks with a store that fails in a pattern, and returns how long that took.
func launchTwenty(t *testing.T, pattern string, batch int, cluster mesostest.Config) (took time.Duration) {
	store := &limitedStore{records: batch}
	withHarness(t, cluster, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		launches, failure := h.countLaunches(), errors.New("disk full")
		from := len(store.since(0))
		store.fails(func(nth int) (effect bool, err error) {
			switch pattern[(nth-from)%len(pattern)] {
			case 's':
				return true, nil
			case 'w':
				return true, failure
			}
			return false, failure
		})
		ctx, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		results := make(chan error, 20)
		for i := range cap(results) {
			go func() {
				_, err := h.sched.Launch(ctx, sleeper(fmt.Sprint("t", i)))
				results <- err
			}()
		}
		for range cap(results) {
			require.NoError(h, <-results, "pattern %s, batches of %d", pattern, batch)
		}
		took = time.Since(h.began) - time.Second
		h.master.Intercept(nil)
		for i := range cap(results) {
			id := fmt.Sprint("t", i)
			require.Equal(h, 1, launches[id], "launches of %s, pattern %s, batches of %d", id, pattern, batch)
			info, err := h.sched.Task(ctx, id)
			require.NoError(h, err)
			require.Equal(h, task.StateRunning, info.State)
		}
	})
	return took
}

// Of three writings one succeeds, in a fixed order. After each failure launches used to be taken back, so that what
// succeeded was always the record that the tasks are pending again.
func TestStoreThatFailsInAPatternOfThree(t *testing.T) {
	for _, pattern := range []string{"ffs", "fsf", "sff"} {
		require.Less(t, launchTwenty(t, pattern, 0, mesostest.Config{Agents: agents(5)}), 12*time.Second, pattern)
	}
}

// Tasks are launched, and each once, whenever some writings succeed: in any pattern, and in batches of any size.
func TestStoreThatFailsInAPattern(t *testing.T) {
	longest, letters := 6, "sf"
	if testing.Short() {
		longest = 3
	}
	for _, batch := range []int{0, 1, 2, 3, 10} {
		t.Run(fmt.Sprintf("batches of %d", batch), func(t *testing.T) {
			var slowest time.Duration
			for _, pattern := range patterns(longest, letters) {
				slowest = max(slowest, launchTwenty(t, pattern, batch, mesostest.Config{Agents: agents(5)}))
			}
			t.Logf("at most %v", slowest)
			require.Less(t, slowest, 10*time.Minute)
		})
	}
}

// Of fifteen writings only one succeeds.
func TestStoreThatFailsMostly(t *testing.T) {
	for _, n := range []int{9, 12, 15} {
		for _, batch := range []int{0, 4} {
			for _, pattern := range []string{"s" + strings.Repeat("f", n-1), strings.Repeat("f", n-1) + "s"} {
				launchTwenty(t, pattern, batch, mesostest.Config{Agents: agents(5)}) // or it fails after an hour
			}
		}
	}
}

// The same when failed writings may have written, and when the master takes offers back that are not used.
func TestStoreThatFailsInAPatternAndMayHaveWritten(t *testing.T) {
	longest := 4
	if testing.Short() {
		longest = 3
	}
	for _, pattern := range patterns(longest, "sfw") {
		for _, batch := range []int{0, 1} {
			require.Less(t, launchTwenty(t, pattern, batch, mesostest.Config{Agents: agents(5), OfferTimeout: 15 * time.Second}), 10*time.Minute, pattern)
		}
	}
}

// unsteadyStore takes as long as a pattern says: s succeeds at once, f fails at once, S and F do that after 9 s, h hangs
// until its context ends, and d and D ignore that and succeed after 15 s and 31 s.
type unsteadyStore struct {
	limitedStore
	mu      sync.Mutex
	pattern string
	nth     int
}

func (s *unsteadyStore) follow(pattern string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pattern = pattern
}

func (s *unsteadyStore) next() byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pattern == "" {
		return 's'
	}
	s.nth++
	return s.pattern[(s.nth-1)%len(s.pattern)]
}

func (s *unsteadyStore) Apply(ctx context.Context, changes map[string][]byte) error {
	kind := s.next()
	switch kind {
	case 'S', 'F':
		time.Sleep(9 * time.Second)
	case 'd':
		time.Sleep(15 * time.Second)
	case 'D':
		time.Sleep(31 * time.Second)
	case 'h':
		<-ctx.Done()
		return context.Cause(ctx)
	}
	if kind == 'f' || kind == 'F' {
		return errors.New("disk full")
	}
	return s.limitedStore.Apply(ctx, changes)
}

// A store is slow, or hangs, or returns only after it was given up: tasks are launched, and each once, whenever some
// writings succeed. Launches used to be given up after 30 s, which three calls take that hang; and what a call wrote after
// it was given up did not count.
func TestStoreThatHangsInAPattern(t *testing.T) {
	tests := map[int][]string{ // by batch
		0:  {"S", "d", "D", "hs", "hhhs", "hhhhs", "hhhhhhhhhhhhs", "hhhss", "hhhsss", "hhhfs", "FFFs", "dS", "dds", "DS", "DDDs"},
		10: {"S", "D", "hhhs", "hhhss", "hhhhhss", "hhhfs", "DDDs"},
		1:  {"S", "D", "hhs", "hhhss", "hhhsfs"},
	}
	for batch, patterns := range tests {
		for _, pattern := range patterns {
			t.Run(fmt.Sprintf("%s in batches of %d", pattern, batch), func(t *testing.T) {
				store := &unsteadyStore{limitedStore: limitedStore{records: batch}}
				withHarness(t, mesostest.Config{Agents: agents(5)}, scheduler.Config{Store: store}, func(ctx context.Context, h *harness) {
					h.at(time.Second)
					launches := h.countLaunches()
					store.follow(pattern)
					ctx, cancel := context.WithTimeout(ctx, 4*time.Hour)
					defer cancel()
					results := make(chan error, 20)
					for i := range cap(results) {
						go func() {
							_, err := h.sched.Launch(ctx, sleeper(fmt.Sprint("t", i)))
							results <- err
						}()
					}
					for range cap(results) {
						require.NoError(h, <-results)
					}
					t.Logf("took %v", time.Since(h.began)-time.Second)
					store.follow("")
					h.at(time.Since(h.began) + time.Minute)
					h.master.Intercept(nil)
					require.Len(h, launches, cap(results))
					for id, n := range launches {
						require.Equal(h, 1, n, id)
					}
				})
			})
		}
	}
}
