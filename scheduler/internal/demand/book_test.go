package demand_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/demand"
)

// owner owns a book with the roles a and b, and a clock.
type owner struct {
	t *testing.T
	*demand.Book
	demand.Conditions
	began, now time.Time
}

func newOwner(t *testing.T, change func(*demand.Config)) *owner {
	c := demand.Config{ReviveInterval: 10 * time.Second, Refuse: 40 * time.Second, Random: func() float64 { return 0 }}
	if change != nil {
		change(&c)
	}
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	o := &owner{t: t, Book: demand.New(c), began: began, now: began, Conditions: demand.Conditions{MayCall: true}}
	o.SetRoles([]string{"a", "b"})
	return o
}

// subscribed begins a subscription at the present time.
func subscribed(t *testing.T, change func(*demand.Config)) *owner {
	o := newOwner(t, change)
	o.Subscribing(o.now, o.Conditions)
	o.expect("")
	return o
}

// submit adds a pending task.
func (o *owner) submit(role string) { o.AddPending(role, 1); o.TaskArrived(role) }

// expect moves the clock from deadline to deadline up to a time, and checks the calls made on the way.
func (o *owner) expect(want string, until ...time.Duration) {
	o.t.Helper()
	end, got := o.now, ""
	if len(until) > 0 {
		end = o.began.Add(until[0])
	}
	for {
		for _, c := range o.Follow(o.now, o.Conditions) {
			verb := "SUPPRESS"
			if c.Revive {
				verb = "REVIVE"
			}
			got += fmt.Sprintf("%v %s %v\n", o.now.Sub(o.began), verb, c.Roles)
		}
		due := o.Deadline(o.Conditions)
		if due.IsZero() || due.After(end) {
			break
		}
		require.True(o.t, due.After(o.now), "what was due at %v is due still", due.Sub(o.began))
		o.now = due
	}
	o.now = end
	require.Equal(o.t, want, got)
}

func TestSubscribing(t *testing.T) {
	all := []string{"a", "b", "c"}
	t.Run("a role is revived if a task can use it", func(t *testing.T) {
		o := newOwner(t, nil)
		require.Equal(t, all, o.Suppressed(all), "none was ever subscribed")
		o.AddPending("a", 1)
		o.Subscribing(o.now, o.Conditions)
		require.Equal(t, []string{"b", "c"}, o.Suppressed(all))
	})
	t.Run("all are if a task names none", func(t *testing.T) {
		o := newOwner(t, nil)
		o.AddPending("", 1)
		o.Subscribing(o.now, o.Conditions)
		require.Equal(t, []string{"c"}, o.Suppressed(all))
	})
	t.Run("all are if offers are wanted at hand", func(t *testing.T) {
		o := newOwner(t, nil)
		o.Conditions.RoomForOffers = true
		o.Subscribing(o.now, o.Conditions)
		require.Equal(t, []string{"c"}, o.Suppressed(all))
	})
	t.Run("none is while nothing may be launched", func(t *testing.T) {
		o := newOwner(t, nil)
		o.AddPending("a", 1)
		o.Subscribing(o.now, demand.Conditions{Stalled: true})
		require.Equal(t, all, o.Suppressed(all))
	})
	t.Run("refusals outlive it", func(t *testing.T) {
		o := subscribed(t, nil)
		o.Refuse(o.now, "a")
		o.AddPending("", 1)
		o.Subscribing(o.now, o.Conditions)
		o.expect("0s REVIVE [a]\n")
	})
}

func TestCountsByRole(t *testing.T) {
	o := newOwner(t, nil)
	o.AddPending("a", 3)
	o.AddPending("a", -1)
	o.AddPending("", 1)
	require.Equal(t, []int{2, 0, 1}, []int{o.Pending("a"), o.Pending("b"), o.Pending("")})
	o.TaskArrived("a")
	o.TaskArrived("")
	o.TaskArrived("x")
	require.Equal(t, []int{2, 1, 0}, []int{o.Arrivals("a"), o.Arrivals("b"), o.Arrivals("x")})
}

// If a role is removed and added again, the book still has what the master was told about it.
func TestSetRoles(t *testing.T) {
	o := subscribed(t, nil)
	o.submit("a")
	o.expect("0s REVIVE [a]\n")
	o.SetRoles([]string{"b", "c"})
	o.submit("c")
	o.expect("0s REVIVE [c]\n")
	o.SetRoles([]string{"a", "b", "c"})
	o.AddPending("a", -1)
	o.AddPending("c", -1)
	o.expect("100ms SUPPRESS [a c]\n", time.Second)
}

// In any history the deadline is never in the past, no call is made before it, and if there is none the
// master knows which roles want offers.
func TestFollowsAnything(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		o := subscribed(t, func(c *demand.Config) { c.Random = random.Float64 })
		roles, revived := []string{"a", "b"}, map[string]bool{}
		for range 300 {
			role := []string{"a", "b", ""}[random.IntN(3)]
			switch random.IntN(11) {
			case 0, 1:
				o.submit(role)
			case 2, 3:
				if o.Pending(role) > 0 {
					o.AddPending(role, -1)
				}
			case 4:
				o.Refuse(o.now, roles[random.IntN(2)])
			case 5:
				o.RefuseRest(roles[random.IntN(2)], 0)
			case 6:
				o.Offered(o.now, roles[random.IntN(2)])
			case 7:
				o.CallFailed(o.now.Add(time.Second), nil)
			case 8:
				o.AskAgain(role)
			case 9:
				o.AssumeRefused()
			case 10:
				o.Conditions.Stalled = random.IntN(3) == 0
			}
			due := o.Deadline(o.Conditions)
			if early := o.now.Add(time.Duration(random.IntN(5)) * time.Second); early.After(o.now) {
				o.now = early
			}
			calls := o.Follow(o.now, o.Conditions)
			require.False(t, len(calls) > 0 && due.After(o.now), "%v before %v", calls, due)
			for _, c := range calls {
				for _, role := range roles {
					if c.Roles == nil || slices.Contains(c.Roles, role) {
						revived[role] = c.Revive
					}
				}
			}
			next := o.Deadline(o.Conditions)
			require.True(t, next.IsZero() || next.After(o.now), "what was due is due still")
			if soon := o.now.Add(30 * time.Second); next.IsZero() || next.After(soon) {
				for _, role := range roles {
					wanted := !o.Conditions.Stalled && o.Pending(role)+o.Pending("") > 0
					require.Equal(t, wanted, revived[role], "role %s", role)
				}
			}
		}
	}
}
