package electiontest

import (
	"context"
	"errors"
	"iter"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// An Election keeps all promises, in virtual time.
func TestElection(t *testing.T) {
	Run(t, func(t *testing.T, check func(*testing.T, Cluster)) {
		synctest.Test(t, func(t *testing.T) { check(t, New(Config{})) })
	})
}

// The suite works in real time as well.
func TestElectionInRealTime(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	Run(t, func(t *testing.T, check func(*testing.T, Cluster)) {
		check(t, New(Config{StepDown: 10 * time.Millisecond, ElectAfter: 500 * time.Millisecond, Pause: 50 * time.Millisecond}))
	})
}

// broken is an election whose members are changed.
type broken struct {
	*Election
	change func(*Member) ha.Elector
}

func (b broken) Members() (all []ha.Elector) {
	for _, m := range b.members {
		all = append(all, b.change(m))
	}
	return all
}

// elector has another Run.
type elector struct {
	*Member
	run func(ctx context.Context, lead func(context.Context, scheduler.Term) error) error
}

func (e elector) Run(ctx context.Context, lead func(context.Context, scheduler.Term) error) error {
	return e.run(ctx, lead)
}

// following has another Follow.
type following struct {
	*Member
	change func(map[string][]byte) bool
}

func (f following) Follow(ctx context.Context) iter.Seq[map[string][]byte] {
	return func(yield func(map[string][]byte) bool) {
		for changes := range f.Member.Follow(ctx) {
			changes = maps.Clone(changes)
			if !f.change(changes) || !yield(changes) {
				return
			}
		}
	}
}

// watched is a member that changes what it says of the election.
type watched struct {
	*Member
	say func(ha.Status, func(ha.Status) bool) bool
}

func (w watched) Watch(ctx context.Context) iter.Seq[ha.Status] {
	return func(yield func(ha.Status) bool) {
		for s := range w.Member.Watch(ctx) {
			if !w.say(s, yield) {
				return
			}
		}
	}
}

type lead1 = func(context.Context, scheduler.Term) error

// breaking changes the function that a member's Run gets.
func breaking(change func(m *Member, lead lead1) lead1) func(*Member) ha.Elector {
	return func(m *Member) ha.Elector {
		return elector{m, func(ctx context.Context, lead func(context.Context, scheduler.Term) error) error {
			return m.Run(ctx, change(m, lead))
		}}
	}
}

// Electors that break a promise fail the checks that are about it.
func TestControls(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Member) ha.Elector
		failed []string
	}{
		"context ends late": {breaking(func(_ *Member, lead lead1) lead1 {
			return func(ctx context.Context, t scheduler.Term) error {
				late, cancel := context.WithCancel(context.WithoutCancel(ctx))
				defer context.AfterFunc(ctx, func() { time.AfterFunc(20*time.Second, cancel) })()
				return lead(late, t)
			}
		}), []string{"leader cut off"}},
		"no fence": {breaking(func(m *Member, lead lead1) lead1 {
			return func(ctx context.Context, t scheduler.Term) error {
				t.Store = &m.election.store
				return lead(ctx, t)
			}
		}), []string{"error ends the term", "nil leaves", "leader cut off"}},
		"any proof": {breaking(func(m *Member, lead lead1) lead1 {
			return func(ctx context.Context, t scheduler.Term) error {
				t.Confirm = func(context.Context) error { return nil }
				return lead(ctx, t)
			}
		}), []string{"error ends the term", "leader cut off"}},
		"no memory": {breaking(func(m *Member, lead lead1) lead1 {
			return func(ctx context.Context, t scheduler.Term) error {
				records, _ := m.election.store.Load(ctx)
				for key := range records {
					records[key] = nil
				}
				_ = m.election.store.Apply(ctx, records)
				return lead(ctx, t)
			}
		}), []string{"records go on"}},
		"terms begin anew": {breaking(func(m *Member, lead lead1) lead1 {
			return func(ctx context.Context, t scheduler.Term) error {
				t.Number = 1
				return lead(ctx, t)
			}
		}), []string{"error ends the term", "records go on"}},
		"StopError is an error": {breaking(func(m *Member, lead lead1) lead1 {
			return func(ctx context.Context, t scheduler.Term) error {
				if err := lead(ctx, t); err != nil {
					return errors.New(err.Error())
				}
				return nil
			}
		}), []string{"StopError leaves"}},
		"two lead": {func(m *Member) ha.Elector {
			return elector{m, func(ctx context.Context, lead func(context.Context, scheduler.Term) error) error {
				return New(Config{}).Member(0).Run(ctx, lead)
			}}
		}, []string{"one leads", "follower cut off"}},
		"forgets deletions": {func(m *Member) ha.Elector {
			return following{m, func(changes map[string][]byte) bool {
				maps.DeleteFunc(changes, func(_ string, value []byte) bool { return value == nil })
				return true
			}}
		}, []string{"Follow"}},
		"follows for one change": {func(m *Member) ha.Elector {
			n := 0
			return following{m, func(map[string][]byte) bool { n++; return n == 1 }}
		}, []string{"Follow"}},
		"nil goes on": {func(m *Member) ha.Elector {
			return elector{m, func(ctx context.Context, lead func(context.Context, scheduler.Term) error) error {
				for {
					if err := m.Run(ctx, lead); err != nil {
						return err
					}
				}
			}}
		}, []string{"nil leaves", "member returns"}},
		"does not wait for lead": {breaking(func(_ *Member, lead lead1) lead1 {
			return func(ctx context.Context, t scheduler.Term) error {
				led := make(chan error, 1)
				go func() { led <- lead(ctx, t) }()
				select {
				case err := <-led:
					return err
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
		}), []string{"slow end"}},
		"returns no cause": {func(m *Member) ha.Elector {
			return elector{m, func(ctx context.Context, lead func(context.Context, scheduler.Term) error) error {
				if err := m.Run(ctx, lead); ctx.Err() == nil {
					return err
				}
				return nil
			}}
		}, []string{"context leaves"}},
		"runs one after the other": {func(m *Member) ha.Elector {
			turn := make(chan struct{}, 1)
			return elector{m, func(ctx context.Context, lead func(context.Context, scheduler.Term) error) error {
				select {
				case turn <- struct{}{}:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
				defer func() { <-turn }()
				return m.Run(ctx, lead)
			}}
		}, []string{"second Run"}},
		"says that it leads": {func(m *Member) ha.Elector {
			return watched{m, func(s ha.Status, yield func(ha.Status) bool) bool {
				if m.election.term > 0 && s.Leader == "" {
					s.Leader = s.Self
				}
				return yield(s)
			}}
		}, []string{"leader cut off", "slow end"}},
		"says it twice": {func(m *Member) ha.Elector {
			return watched{m, func(s ha.Status, yield func(ha.Status) bool) bool {
				again := yield(s)
				return again && yield(s)
			}}
		}, []string{"Watch ends"}},
	} {
		t.Run(name, func(t *testing.T) {
			failed := map[string]bool{}
			for _, promise := range checks() {
				synctest.Test(t, func(t *testing.T) {
					if promise.runOn(t.Context(), broken{New(Config{}), c.change}) != nil {
						failed[promise.name] = true
					}
				})
			}
			for _, want := range c.failed {
				require.Contains(t, failed, want)
			}
		})
	}
}

// Whoever leads is known to the instant.
func TestInstants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(Config{StepDown: 300 * time.Millisecond, ElectAfter: time.Second, Pause: 2 * time.Second})
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		type change struct {
			member, what string
			at           time.Duration
		}
		changes := make(chan change, 100)
		done := make(chan error, 3)
		for i := range 3 {
			m := e.Member(i)
			go func() {
				done <- m.Run(ctx, func(ctx context.Context, term scheduler.Term) error {
					changes <- change{m.id, "leads", time.Since(began)}
					<-ctx.Done()
					changes <- change{m.id, "led", time.Since(began)}
					return context.Cause(ctx)
				})
			}()
			synctest.Wait()
		}
		at := func(d time.Duration) {
			time.Sleep(time.Until(began.Add(d)))
			synctest.Wait()
		}
		at(10 * time.Second)
		e.Cut(0)
		at(20 * time.Second)
		e.Heal(0)
		e.Pause(1)
		at(30 * time.Second)
		e.Resume(1)
		at(40 * time.Second)
		e.HandOver()
		at(50 * time.Second)
		cancel()
		for range 3 {
			require.ErrorIs(t, <-done, context.Canceled)
		}
		close(changes)
		var got []change
		for c := range changes {
			got = append(got, c)
		}
		require.Equal(t, []change{
			{"member-0", "leads", 0},
			{"member-0", "led", 10*time.Second + 300*time.Millisecond},
			{"member-1", "leads", 11 * time.Second},
			{"member-0", "leads", 21 * time.Second}, // member-1 sleeps
			{"member-1", "led", 30*time.Second + 300*time.Millisecond},
			{"member-0", "led", 40 * time.Second},
			{"member-1", "leads", 40 * time.Second},
			{"member-1", "led", 50 * time.Second},
		}, got)
	})
}
