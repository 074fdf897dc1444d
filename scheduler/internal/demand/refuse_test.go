package demand_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/demand"
)

// Offers are refused for a random time that depends on the setting.
func TestRefuse(t *testing.T) {
	const day = 24 * time.Hour
	for reason, row := range map[string]struct {
		refuse  time.Duration
		random  float64
		pending bool
		standby bool
		want    time.Duration
	}{
		"the least":                          {40 * time.Second, 0, true, false, 40 * time.Second},
		"in the middle":                      {40 * time.Second, 0.5, true, false, 45 * time.Second},
		"almost the most":                    {40 * time.Second, 0.9, true, false, 49 * time.Second},
		"idle: an hour at least":             {40 * time.Second, 0, false, false, time.Hour},
		"idle: jitter too":                   {40 * time.Second, 0.5, false, false, time.Hour * 9 / 8},
		"idle, and the setting is longer":    {day, 0, false, false, day},
		"on standby others have a turn only": {40 * time.Second, 0, false, true, 40 * time.Second},
		"the most that Mesos takes":          {365 * day, 0.9, true, false, 365 * day},
	} {
		t.Run(reason, func(t *testing.T) {
			for _, role := range []string{"", "a"} {
				o := newOwner(t, func(c *demand.Config) {
					c.Refuse, c.KeepsOffers, c.Random = row.refuse, row.standby, func() float64 { return row.random }
				})
				if row.pending {
					o.AddPending(role, 1)
				}
				require.Equal(t, row.want, o.Refuse(o.now, "a"))
				require.Equal(t, row.want, o.RefuseRest("a", 0))
			}
		})
	}
}

// What an ACCEPT leaves over is not refused if a task has arrived since that may fit it.
func TestRefuseRest(t *testing.T) {
	for reason, row := range map[string]struct {
		history func(o *owner)
		waits   bool
		want    time.Duration
	}{
		"nothing is pending":            {func(*owner) {}, false, time.Hour},
		"nothing that could wait":       {func(*owner) {}, true, time.Hour},
		"a task that has been tried":    {func(o *owner) { o.AddPending("a", 1) }, false, 40 * time.Second},
		"a task that waits for it":      {func(o *owner) { o.AddPending("a", 1) }, true, 0},
		"a task that came since":        {func(o *owner) { o.submit("a") }, false, 0},
		"a task of any role":            {func(o *owner) { o.submit("") }, false, 0},
		"a task of another role":        {func(o *owner) { o.submit("b") }, false, time.Hour},
		"a task that came and has gone": {func(o *owner) { o.submit("a"); o.AddPending("a", -1) }, false, time.Hour},
	} {
		t.Run(reason, func(t *testing.T) {
			o := subscribed(t, func(c *demand.Config) { c.WaitPreferred = row.waits })
			o.TaskArrived("a")
			before := o.Arrivals("a")
			row.history(o)
			require.Equal(t, row.want, o.RefuseRest("a", before))
		})
	}
}

// Another REVIVE is due only if something was refused.
func TestRestIsOfferedAgain(t *testing.T) {
	for waits, want := range map[bool]string{false: "0s REVIVE [a]\n", true: ""} {
		o := subscribed(t, func(c *demand.Config) { c.WaitPreferred = waits })
		o.submit("a")
		o.expect("0s REVIVE [a]\n")
		o.RefuseRest("a", o.Arrivals("a"))
		o.expect("")
		o.submit("a")
		o.expect(want)
	}
}
