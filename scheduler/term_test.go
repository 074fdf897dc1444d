package scheduler_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// diary is what happened, in order: "dial m0", "confirm", "apply", and the calls that reached the master.
type diary struct {
	began time.Time

	mu    sync.Mutex
	lines []string
	times []time.Duration
}

// keep begins a diary of the calls that reach the master.
func (h *harness) keep() *diary {
	d := &diary{began: h.began}
	h.keepIn(d)
	return d
}

// keepIn goes on with one.
func (h *harness) keepIn(d *diary) {
	h.master.Intercept(func(c *calls.Call) mesostest.Fault {
		d.add(c.Type.String())
		return mesostest.Pass
	})
}

func (d *diary) add(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines, d.times = append(d.lines, line), append(d.times, time.Since(d.began))
}

// take returns the lines so far, and forgets them.
func (d *diary) take() []string {
	lines, _ := d.takeTimes()
	return lines
}

func (d *diary) takeTimes() ([]string, []time.Duration) {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	lines, times := d.lines, d.times
	d.lines, d.times = nil, nil
	return lines, times
}

// confirm is a Confirm that returns the errors one after the other, and then nil.
func (d *diary) confirm(errs ...error) func(context.Context) error {
	var mu sync.Mutex
	return func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		d.add("confirm")
		if len(errs) == 0 {
			return nil
		}
		err := errs[0]
		errs = errs[1:]
		return err
	}
}

// deposed is an error of a store, or of an election.
type deposed struct{ by string }

func (e deposed) Error() string { return e.by + " leads" }

// Fenced tells a scheduler that it does not lead.
func (deposed) Fenced() bool { return true }

// unsure has the method and does not say so.
type unsure struct{}

func (unsure) Error() string { return "who leads is not known" }
func (unsure) Fenced() bool  { return false }

// requireFenced checks how Lead ended when b leads, and that callers are told the same.
func (h *harness) requireFenced(ctx context.Context, ended error, callers ...<-chan error) {
	errs := []error{ended, h.sched.Submit(ctx, sleeper("late"))}
	_, err := h.sched.Tasks(ctx)
	errs = append(errs, err)
	for _, c := range callers {
		errs = append(errs, <-c)
	}
	for i, err := range errs {
		var fenced *scheduler.FencedError
		require.ErrorAs(h, err, &fenced)
		require.True(h, fenced.Fenced())
		require.ErrorIs(h, err, deposed{"b"})
		require.ErrorContains(h, err, "scheduler: another process leads: ")
		require.Equal(h, i > 0, errors.Is(err, scheduler.ErrNotRunning), err)
	}
}

func withIdleHarness(t *testing.T, cluster mesostest.Config, config scheduler.Config, f func(ctx context.Context, h *harness)) {
	withIdleScheduler(t, []string{address}, cluster, config, f)
}

// Each term has a store of its own, whose records are loaded when it begins. What was kept in memory stays there.
func TestTermStore(t *testing.T) {
	first, second := &testStore{}, &testStore{}
	withIdleHarness(t, mesostest.Config{Agents: agents(3)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		one := func(term scheduler.Term, id string) []string {
			began := time.Since(h.began)
			h.lead(ctx, term)
			synctest.Wait()
			_, err := h.sched.Launch(ctx, sleeper(id))
			require.NoError(h, err)
			require.Equal(h, 100*time.Millisecond, time.Since(h.began)-began)
			h.at(began + time.Second)
			all, err := h.sched.Tasks(ctx)
			require.NoError(h, err)
			var ids []string
			for _, info := range all {
				require.Equal(h, task.StateRunning, info.State)
				ids = append(ids, info.Spec.ID)
			}
			h.stop()
			require.ErrorIs(h, h.end(), context.Canceled)
			return ids
		}
		require.Equal(h, []string{"a"}, one(scheduler.Term{Number: 1, Store: first}, "a"))
		require.Equal(h, []string{"b"}, one(scheduler.Term{Number: 2, Store: second}, "b"))
		require.Equal(h, []string{"a", "c"}, one(scheduler.Term{Number: 3, Store: first}, "c"))
		require.Equal(h, []string{"d"}, one(scheduler.Term{Number: 4}, "d"), "without a store there is memory, which is empty")
		require.Equal(h, []string{"b", "e"}, one(scheduler.Term{Number: 5, Store: second}, "e"))
		require.Equal(h, []string{"d", "f"}, one(scheduler.Term{}, "f"), "memory goes on where it was")
		require.Len(h, h.master.Snapshot().Frameworks, 3, "one for each store, and one for memory")
	})
}

// Config.Store is that of a term that brings none.
func TestTermWithoutStore(t *testing.T) {
	own, other := &testStore{}, &testStore{}
	withIdleHarness(t, mesostest.Config{}, scheduler.Config{Store: own}, func(ctx context.Context, h *harness) {
		h.lead(ctx, scheduler.Term{Number: 1, Store: other})
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
		h.stop()
		require.ErrorIs(h, h.end(), context.Canceled)
		require.Empty(h, own.records)
		require.Contains(h, other.records, "task/a")

		h.lead(ctx, scheduler.Term{Number: 2})
		synctest.Wait()
		require.NoError(h, h.sched.Submit(ctx, sleeper("b")))
		require.Contains(h, own.records, "task/b")
		require.NotContains(h, own.records, "task/a")
	})
}

func TestOneTermAtATime(t *testing.T) {
	withHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		h.at(time.Second)
		require.ErrorIs(h, h.sched.Lead(ctx, scheduler.Term{Number: 2}), scheduler.ErrRunning)
		require.ErrorIs(h, h.sched.Run(ctx), scheduler.ErrRunning)
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")), "the first goes on")
	})
}

func TestTermInLog(t *testing.T) {
	for number, text := range map[uint64]string{0: "", 42: "term=42"} {
		var log bytes.Buffer
		config := scheduler.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}
		withIdleHarness(t, mesostest.Config{}, config, func(ctx context.Context, h *harness) {
			h.lead(ctx, scheduler.Term{Number: number})
			h.at(time.Second)
			h.stop()
			require.ErrorIs(h, h.end(), context.Canceled)
		})
		require.Contains(t, log.String(), "msg=subscribed")
		require.Contains(t, log.String(), text)
		require.Equal(t, number > 0, bytes.Contains(log.Bytes(), []byte("term=")))
	}
}

// deadlines is a store and a Confirm that note until when they may take. Which of them hang is up to the test.
type deadlines struct {
	testStore
	began time.Time
	hangs string
	after time.Duration // hangs from then on

	mu   sync.Mutex
	most map[string]time.Duration // the latest deadline by kind; an hour stands for none
}

func (s *deadlines) note(ctx context.Context, kind string) error {
	s.mu.Lock()
	at := time.Hour
	if deadline, ok := ctx.Deadline(); ok {
		at = deadline.Sub(s.began)
	}
	s.most[kind] = max(s.most[kind], at)
	s.mu.Unlock()
	if s.hangs == kind && time.Since(s.began) >= s.after {
		<-ctx.Done()
	}
	return context.Cause(ctx)
}

func (s *deadlines) Load(ctx context.Context) (map[string][]byte, error) {
	if err := s.note(ctx, "load"); err != nil {
		return nil, err
	}
	return s.testStore.Load(ctx)
}

func (s *deadlines) Apply(ctx context.Context, changes map[string][]byte) error {
	if err := s.note(ctx, "apply"); err != nil {
		return err
	}
	return s.testStore.Apply(ctx, changes)
}

func (s *deadlines) confirm(ctx context.Context) error { return s.note(ctx, "confirm") }

// A term ends at its deadline, whatever is under way then, with everything that it started.
func TestTermEnds(t *testing.T) {
	const end = 25 * time.Second
	for name, c := range map[string]struct {
		hangs string
		after time.Duration
	}{
		"nothing hangs":   {},
		"Load":            {hangs: "load"},
		"Confirm":         {hangs: "confirm"},
		"registration":    {hangs: "apply"},
		"connection":      {hangs: "dial"},
		"Confirm later":   {hangs: "confirm", after: 20 * time.Second},
		"Apply":           {hangs: "apply", after: 20 * time.Second},
		"another dial":    {hangs: "dial", after: 20 * time.Second},
		"subscription":    {hangs: "SUBSCRIBE", after: 20 * time.Second},
		"launch":          {hangs: "ACCEPT", after: 20 * time.Second},
		"acknowledgement": {hangs: "ACKNOWLEDGE", after: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			withIdleHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
				s := &deadlines{began: h.began, hangs: c.hangs, after: c.after, most: map[string]time.Duration{}}
				h.dialing = func(ctx context.Context, _ string) error {
					if c.hangs == "dial" && time.Since(h.began) >= c.after {
						<-ctx.Done()
					}
					return nil
				}
				h.master.Intercept(func(call *calls.Call) mesostest.Fault {
					if call.Type.String() == c.hangs && time.Since(h.began) >= c.after {
						return mesostest.Hang
					}
					return mesostest.Pass
				})
				term, cancel := context.WithDeadline(ctx, h.began.Add(end))
				defer cancel()
				h.lead(term, scheduler.Term{Number: 1, Store: s, Confirm: s.confirm})
				users, waiting := make(chan error, 2), 0
				for _, at := range []time.Duration{0, 20 * time.Second} {
					h.at(at)
					waiting++
					go func() {
						_, err := h.sched.Launch(ctx, sleeper(at.String()))
						users <- err
					}()
				}
				h.at(20*time.Second + 50*time.Millisecond)
				if slices.Contains([]string{"confirm", "dial", "SUBSCRIBE"}, c.hangs) {
					h.master.CutStreams()
				}
				h.at(end - 1)
				require.Empty(h, h.ended)
				h.at(end)
				require.ErrorIs(h, <-h.ended, context.DeadlineExceeded)
				for range waiting {
					if err := <-users; err != nil {
						require.ErrorIs(h, err, scheduler.ErrNotRunning)
						require.NotErrorIs(h, err, context.DeadlineExceeded, "which would be the caller's own")
					}
				}
				require.Equal(h, end, time.Since(h.began))
				lines := h.keep()
				h.at(time.Hour)
				require.Empty(h, lines.take())
				for kind, latest := range s.most {
					require.LessOrEqual(h, latest, end, kind)
				}
			})
		})
	}
}

// election has a store that takes the writings of the newest term only.
type election struct {
	testStore
	term uint64
}

// elect has another process lead, and returns its term.
func (e *election) elect() scheduler.Term {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.term++
	t := inTerm{e, e.term}
	return scheduler.Term{Number: t.term, Store: t, Confirm: t.confirm}
}

// inTerm is the store as one process sees it.
type inTerm struct {
	*election
	term uint64
}

func (t inTerm) confirm(context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.election.term != t.term {
		return deposed{"b"}
	}
	return nil
}

func (t inTerm) Load(ctx context.Context) (map[string][]byte, error) {
	if err := t.confirm(ctx); err != nil {
		return nil, err
	}
	return t.testStore.Load(ctx)
}

func (t inTerm) Apply(ctx context.Context, changes map[string][]byte) error {
	if err := t.confirm(ctx); err != nil {
		return err
	}
	return t.testStore.Apply(ctx, changes)
}
