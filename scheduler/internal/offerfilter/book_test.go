package offerfilter_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/offerfilter"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// owner owns a book, with a clock and pending tasks.
type owner struct {
	require.TestingT
	offerfilter.Book
	now     time.Time
	pending []*task.Spec
	call    *scheduler.Call // the last one
}

func anyRole() []string { return []string{"*"} }

// onRack returns a task that may run on one rack only.
func onRack(rack string) *task.Spec {
	return &task.Spec{Mem: 32, Constraints: all{where("rack", task.OpLike, rack)}}
}

func newOwner(t require.TestingT, pending ...*task.Spec) *owner {
	d := &owner{TestingT: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), pending: pending}
	require.True(t, d.Subscribing().None())
	require.Equal(t, offerfilter.Keep, d.Subscribed(d.now, "1.12.0"))
	return d
}

// follow returns the filter that is sent after some time, "-" if none is.
func (d *owner) follow(after time.Duration) string {
	d.now = d.now.Add(after)
	f, tell := d.Follow(d.now, func(level offerfilter.Level) offerfilter.Filter {
		return offerfilter.Derive(anyRole(), nil, slices.Values(d.pending), level)
	})
	if !tell {
		return "-"
	}
	d.call = &scheduler.Call{}
	d.Sent(d.call)
	return f.String()
}

// add adds a pending task of a class.
func (d *owner) add(s *task.Spec) (ask bool) {
	d.pending = append(d.pending, s)
	return d.ClassChanged(d.now, anyRole(), s, true)
}

// remove removes it.
func (d *owner) remove(s *task.Spec) {
	d.pending = slices.DeleteFunc(d.pending, func(p *task.Spec) bool { return p == s })
	require.False(d, d.ClassChanged(d.now, anyRole(), s, false))
}

func (d *owner) done(o offerfilter.Outcome) offerfilter.Verdict { return d.Done(d.now, d.call, o) }

const (
	onR1       = " least *: mem 32 where *: rack LIKE r1"
	onR1orR2   = " least *: mem 32 where *: rack LIKE r1, or rack LIKE r2"
	onAnyRack  = " least *: mem 32 where *: rack EXISTS"
	everything = ""
	nothing    = "-"
)

// A stricter filter is sent 5 s after the last change, a looser one at once, and neither twice.
func TestBook(t *testing.T) {
	d := newOwner(t, onRack("r1"))
	require.Equal(t, nothing, d.follow(4*time.Second))
	require.Equal(t, d.now.Add(time.Second), d.Deadline())
	require.Equal(t, onR1, d.follow(time.Second))
	require.False(t, d.Idle(), "a call is under way")
	require.False(t, d.Active(), "and has not arrived as far as is known")
	require.Equal(t, offerfilter.Keep, d.done(offerfilter.Accepted))
	require.True(t, d.Idle())
	require.True(t, d.Active())
	require.Zero(t, d.Deadline())
	require.Equal(t, nothing, d.follow(time.Hour))

	require.False(t, d.add(onRack("r1")), "which the filter lets through")
	require.Equal(t, nothing, d.follow(time.Hour))

	r2 := onRack("r2")
	require.True(t, d.add(r2), "the master has kept back its offers")
	require.False(t, d.Idle())
	require.Equal(t, everything, d.follow(0))
	d.done(offerfilter.Accepted)
	require.False(t, d.Active())
	require.Equal(t, nothing, d.follow(4*time.Second))
	require.False(t, d.add(r2))
	require.Equal(t, nothing, d.follow(4*time.Second), "that is another change")
	require.Equal(t, onR1orR2, d.follow(time.Second))
	d.done(offerfilter.Accepted)

	d.remove(r2)
	d.now = d.now.Add(3 * time.Second)
	d.remove(onRack("r1"))
	require.Equal(t, onR1, d.follow(2*time.Second), "what goes is not waited for anew")
}

func TestMastersThatKnowConstraints(t *testing.T) {
	for version, want := range map[string]bool{
		"1.11.0": true, "1.11.0-rc1": true, "1.12.0": true, "1.12": true, "2.0.0": true, "1.100.1": true,
		"1.10.0": false, "1.9.1": false, "0.28.0": false, "": false, "1": false, "new": false, "v1.12.0": false, "1.x": false,
		"99999999999999999999.1": false,
	} {
		var b offerfilter.Book
		b.Subscribing()
		require.Equal(t, offerfilter.Keep, b.Subscribed(time.Time{}, version), version)
		require.False(t, b.ClassChanged(time.Time{}, anyRole(), onRack("r1"), true), version)
		require.Equal(t, want, !b.Deadline().IsZero(), version)
	}
}

// A filter that a master has accepted is part of the next subscription.
func TestSubscribing(t *testing.T) {
	d := newOwner(t, onRack("r1"))
	require.False(t, d.SubscribeRefused(), "there is no filter to blame")
	require.Equal(t, onR1, d.follow(5*time.Second))
	require.True(t, d.Subscribing().None(), "no master has taken it so far")

	d.Subscribed(d.now, "1.12.0")
	require.Equal(t, onR1, d.follow(5*time.Second))
	d.done(offerfilter.Accepted)
	require.Equal(t, onR1, d.Subscribing().String())
	require.True(t, d.Active())
	require.Equal(t, offerfilter.Keep, d.Subscribed(d.now, "1.11.0"))
	require.Equal(t, nothing, d.follow(time.Hour), "it is known")

	require.Equal(t, onR1, d.Subscribing().String())
	require.Equal(t, offerfilter.Disconnect, d.Subscribed(d.now, "1.10.0"), "too old to be told of another one")
	require.False(t, d.Active())
	require.Zero(t, d.Deadline())
	require.True(t, d.Subscribing().None())
	require.Equal(t, offerfilter.Keep, d.Subscribed(d.now, "1.10.0"))
	require.Equal(t, nothing, d.follow(time.Hour))
}

func TestSubscribeRefused(t *testing.T) {
	d := newOwner(t, onRack("r1"))
	d.follow(5 * time.Second)
	d.done(offerfilter.Accepted)
	require.False(t, d.Subscribing().None())
	require.True(t, d.SubscribeRefused())
	require.True(t, d.Subscribing().None())
	require.False(t, d.SubscribeRefused(), "the second time it is for something else")
}

// After one refusal there are no expressions, after two there is no filter, until the next subscription.
func TestRefused(t *testing.T) {
	d := newOwner(t, onRack("r1"))
	require.Equal(t, onR1, d.follow(5*time.Second))
	require.Equal(t, offerfilter.Keep, d.done(offerfilter.Refused))
	require.Equal(t, nothing, d.follow(4*time.Second), "there is none to take back")
	require.Equal(t, onAnyRack, d.follow(time.Second))
	require.Equal(t, offerfilter.Keep, d.done(offerfilter.Refused))
	require.Equal(t, nothing, d.follow(time.Hour))
	d.add(onRack("r2"))
	require.Equal(t, nothing, d.follow(time.Hour))

	d.pending = d.pending[:1]
	require.True(t, d.Subscribing().None())
	d.Subscribed(d.now, "1.12.0")
	require.Equal(t, onR1, d.follow(5*time.Second), "another one may take it")
}

// If a filter is refused, the one that the master has is lifted. If that is refused, too, the subscription ends.
func TestRefusedAfterAnother(t *testing.T) {
	r2 := onRack("r2")
	d := newOwner(t, onRack("r1"), r2)
	require.Equal(t, onR1orR2, d.follow(5*time.Second))
	d.done(offerfilter.Accepted)
	d.remove(r2)
	require.Equal(t, onR1, d.follow(5*time.Second))
	require.Equal(t, offerfilter.Keep, d.done(offerfilter.Refused))
	require.Equal(t, everything, d.follow(0))
	require.Equal(t, offerfilter.Disconnect, d.done(offerfilter.Refused))
	require.True(t, d.Subscribing().None())
}

// A master that has no filter, and refuses a call without one, changes nothing.
func TestRefusedWithoutAny(t *testing.T) {
	d := newOwner(t, onRack("r1"))
	d.follow(5 * time.Second)
	first := d.call
	require.True(t, d.add(onRack("r2")))
	require.Equal(t, everything, d.follow(0))
	require.Equal(t, offerfilter.Keep, d.Done(d.now, first, offerfilter.Refused), "there is a newer call")
	require.Equal(t, offerfilter.Keep, d.done(offerfilter.Refused))
	require.Equal(t, nothing, d.follow(time.Hour), "those were two")
}

// A call that failed is made again; one whose outcome is unclear may also arrive later.
func TestUnclear(t *testing.T) {
	d := newOwner(t, onRack("r1"))
	require.Equal(t, onR1, d.follow(5*time.Second))
	d.done(offerfilter.Failed)
	require.False(t, d.Active())
	require.Equal(t, nothing, d.follow(0))
	require.Equal(t, onR1, d.follow(time.Second))
	d.done(offerfilter.Unclear)
	require.True(t, d.Active(), "perhaps")
	require.Equal(t, onR1, d.follow(time.Second))
	d.done(offerfilter.Accepted)
	require.False(t, d.Idle(), "the former may hold for now")
	require.Equal(t, nothing, d.follow(58*time.Second))
	require.Equal(t, onR1, d.follow(time.Second))
	d.done(offerfilter.Accepted)
	require.True(t, d.Idle())
	require.Equal(t, nothing, d.follow(time.Hour))
}

// A user's call has no filter. While it is under way no filter is sent; after it the filter is sent again.
func TestUsersCalls(t *testing.T) {
	d := newOwner(t, onRack("r1"))
	d.follow(5 * time.Second)
	d.done(offerfilter.Accepted)
	d.UserCalled()
	d.UserCalled()
	require.False(t, d.Idle())
	d.add(onRack("r2"))
	require.Equal(t, nothing, d.follow(time.Hour))
	d.UserDone(d.now, true)
	require.Zero(t, d.Deadline(), "there is another one")
	require.True(t, d.Active())
	d.UserDone(d.now, true)
	require.False(t, d.Active())
	require.Equal(t, nothing, d.follow(4*time.Second))
	require.Equal(t, onR1orR2, d.follow(time.Second))
	d.done(offerfilter.Accepted)
	d.UserCalled()
	d.UserDone(d.now, false)
	require.True(t, d.Active(), "it came to nothing")
	require.Equal(t, nothing, d.follow(time.Hour))
	d.UserDone(d.now, false)
	require.True(t, d.Idle(), "one of a former run does not count")
}

// If the master accepts a filter while the next one waits for a user's call, it has that filter.
func TestUsersCallDuringAnother(t *testing.T) {
	d := newOwner(t, onRack("r1"))
	require.Equal(t, onR1, d.follow(5*time.Second))
	d.UserCalled()
	require.True(t, d.add(onRack("r2")))
	require.Equal(t, nothing, d.follow(0))
	d.done(offerfilter.Accepted)
	require.True(t, d.Active())
	d.UserDone(d.now, false)
	require.Equal(t, everything, d.follow(0))
	require.Equal(t, offerfilter.Disconnect, d.done(offerfilter.Refused))
}

// walker is an owner, and a master that may have the filter of any of several calls.
type walker struct {
	*owner
	possible []possible
}

type possible struct {
	call   *scheduler.Call // while it is under way
	user   bool
	filter offerfilter.Filter
}

func (w *walker) check() {
	if !w.Idle() {
		return
	}
	for _, p := range w.possible {
		for _, s := range w.pending {
			admitted := p.filter.Admits(anyRole(), s, offerfilter.Full) || p.filter.Admits(anyRole(), s, offerfilter.NoExpressions)
			require.True(w, admitted, "the master keeps back offers for %v:%v", s.Constraints, p.filter)
		}
	}
}

func (w *walker) follow(after time.Duration) {
	w.now = w.now.Add(after)
	f, tell := w.Follow(w.now, func(level offerfilter.Level) offerfilter.Filter {
		return offerfilter.Derive(anyRole(), nil, slices.Values(w.pending), level)
	})
	if tell {
		call := &scheduler.Call{}
		w.Sent(call)
		w.possible = append(w.possible, possible{call: call, filter: f})
	}
}

// answer passes the outcome of the first call under way to the book.
func (w *walker) answer(o offerfilter.Outcome) {
	at := slices.IndexFunc(w.possible, func(p possible) bool { return p.call != nil })
	if at < 0 {
		return
	}
	p := w.possible[at]
	switch w.possible[at].call = nil; o {
	case offerfilter.Accepted:
		w.possible = slices.Clone(w.possible[at:])
	case offerfilter.Unclear:
	default:
		w.possible = slices.Delete(w.possible, at, at+1)
	}
	if p.user {
		w.UserDone(w.now, o == offerfilter.Accepted)
	} else if w.Done(w.now, p.call, o) == offerfilter.Disconnect {
		w.subscribe("1.12.0")
	}
}

// subscribe begins another subscription, which drops the calls under way.
func (w *walker) subscribe(version string) {
	for _, p := range w.possible {
		if p.user && p.call != nil {
			w.UserDone(w.now, false)
		}
	}
	w.possible = []possible{{filter: w.Subscribing()}}
	if w.Subscribed(w.now, version) == offerfilter.Disconnect {
		w.subscribe(version)
	}
}

// walk plays random events. It adds pending tasks with add.
func walk(t require.TestingT, seed uint64, add func(*walker, *task.Spec)) {
	random := rand.New(rand.NewPCG(seed, 0))
	w := &walker{owner: newOwner(t)}
	w.possible = []possible{{}}
	for range 400 {
		switch random.IntN(12) {
		case 0, 1, 2:
			if s := onRack([]string{"r1", "r2", "r3"}[random.IntN(3)]); len(w.pending) < 4 {
				s.Mem += float64(random.IntN(2))
				add(w, s)
			}
		case 3:
			if len(w.pending) > 0 {
				w.remove(w.pending[random.IntN(len(w.pending))])
			}
		case 4:
			w.UserCalled()
			w.possible = append(w.possible, possible{call: &scheduler.Call{}, user: true})
		case 5:
			if random.IntN(5) == 0 {
				w.subscribe([]string{"1.12.0", "1.10.0"}[random.IntN(2)])
			}
		case 6, 7:
			w.follow(time.Duration(random.IntN(80)) * time.Second)
		default:
			w.answer(offerfilter.Outcome(random.IntN(4)))
		}
		w.follow(0)
		w.check()
	}
}

// In any history no pending task waits for offers that are filtered out, unless a call is under way or due.
func TestWalks(t *testing.T) {
	for seed := range uint64(500) {
		walk(t, seed, func(w *walker, s *task.Spec) { w.add(s) })
	}
}

// TestWalksControl is the negative test of walk: this owner does not report new tasks to the book.
func TestWalksControl(t *testing.T) {
	r := &recorder{}
	func() {
		defer func() { _ = recover() }()
		for seed := range uint64(20) {
			walk(r, seed, func(w *walker, s *task.Spec) { w.pending = append(w.pending, s) })
		}
	}()
	require.True(t, r.failed)
}

// recorder is a test that is expected to fail.
type recorder struct{ failed bool }

func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) FailNow()              { panic("failed") }
