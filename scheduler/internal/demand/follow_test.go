package demand_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/demand"
)

// Each row is a history and the calls that it results in.
func TestFollow(t *testing.T) {
	for reason, row := range map[string]struct {
		history func(o *owner)
		until   time.Duration
		want    string
	}{
		"nothing is wanted":             {func(*owner) {}, time.Hour, ""},
		"a role that a task names":      {func(o *owner) { o.submit("a") }, 0, "0s REVIVE [a]\n"},
		"a role that is not ours":       {func(o *owner) { o.submit("x") }, time.Hour, ""},
		"all roles, which have no name": {func(o *owner) { o.submit("") }, 0, "0s REVIVE []\n"},
		"what is not wanted any more": {func(o *owner) {
			o.submit("a")
			o.expect("0s REVIVE [a]\n")
			o.AddPending("a", -1)
		}, time.Hour, "100ms SUPPRESS [a]\n"},
		"what is wanted again in time": {func(o *owner) {
			o.submit("a")
			o.expect("0s REVIVE [a]\n")
			o.AddPending("a", -1)
			o.expect("", 99*time.Millisecond)
			o.submit("a")
		}, 29 * time.Second, ""},
		"idle begins anew after that": {func(o *owner) {
			o.submit("a")
			o.expect("0s REVIVE [a]\n")
			o.AddPending("a", -1)
			o.expect("", 99*time.Millisecond)
			o.submit("a")
			o.expect("")
			o.AddPending("a", -1)
		}, time.Second, "199ms SUPPRESS [a]\n"},
		"another role at the same time": {func(o *owner) {
			o.submit("a")
			o.expect("0s REVIVE [a]\n")
			o.AddPending("a", -1)
			o.expect("", 99*time.Millisecond)
			o.now = o.now.Add(time.Millisecond)
			o.submit("b")
		}, time.Second, "100ms SUPPRESS [a]\n100ms REVIVE [b]\n"},
		"a refusal is lifted for a task that came after it": {func(o *owner) {
			o.submit("a")
			o.expect("0s REVIVE [a]\n")
			o.Refuse(o.now, "a")
			o.expect("", time.Second)
			o.submit("a")
		}, time.Second, "1s REVIVE [a]\n"},
		"not for a task of another role": {func(o *owner) {
			o.submit("")
			o.expect("0s REVIVE []\n")
			o.Refuse(o.now, "a")
			o.submit("b")
		}, time.Second, ""},
		"without a refusal a task needs no REVIVE": {func(o *owner) {
			o.submit("a")
			o.expect("0s REVIVE [a]\n")
			o.submit("a")
		}, time.Second, ""},
		"unless it is asked for": {func(o *owner) {
			o.submit("")
			o.expect("0s REVIVE []\n")
			o.AskAgain("b")
		}, time.Second, "0s REVIVE [b]\n"},
		"refusals of which nobody knows": {func(o *owner) {
			o.submit("")
			o.expect("0s REVIVE []\n")
			o.AssumeRefused()
			o.submit("")
		}, time.Second, "0s REVIVE []\n"},
		"what brings no offer is made again": {func(o *owner) { o.submit("a") }, 30 * time.Minute,
			"0s REVIVE [a]\n30s REVIVE [a]\n1m30s REVIVE [a]\n3m30s REVIVE [a]\n7m30s REVIVE [a]\n12m30s REVIVE [a]\n17m30s REVIVE [a]\n22m30s REVIVE [a]\n27m30s REVIVE [a]\n"},
		"much later after an offer": {func(o *owner) {
			o.submit("a")
			o.expect("0s REVIVE [a]\n30s REVIVE [a]\n", 40*time.Second)
			o.Offered(o.now, "a")
		}, 8 * time.Minute, "5m40s REVIVE [a]\n7m40s REVIVE [a]\n"},
		"a call that failed, before the next": {func(o *owner) {
			o.submit("a")
			o.expect("0s REVIVE [a]\n")
			o.CallFailed(o.now.Add(time.Second), []string{"a"})
		}, 2 * time.Second, "1s REVIVE [a]\n"},
		"one for all roles": {func(o *owner) {
			o.submit("")
			o.expect("0s REVIVE []\n")
			o.CallFailed(o.now.Add(time.Second), nil)
		}, 2 * time.Second, "1s REVIVE []\n"},
		"one that is to be taken back now": {func(o *owner) {
			o.submit("a")
			o.expect("0s REVIVE [a]\n")
			o.AddPending("a", -1)
			o.CallFailed(o.now.Add(time.Second), []string{"a"})
		}, time.Hour, "1s SUPPRESS [a]\n"},
		"a SUPPRESS that failed": {func(o *owner) {
			o.submit("a")
			o.expect("0s REVIVE [a]\n")
			o.AddPending("a", -1)
			o.expect("100ms SUPPRESS [a]\n", 100*time.Millisecond)
			o.CallFailed(o.now.Add(time.Second), []string{"a"})
		}, time.Hour, "1.1s SUPPRESS [a]\n"},
		"while nothing may be launched": {func(o *owner) {
			o.submit("a")
			o.expect("0s REVIVE [a]\n")
			o.Stalled = true
			o.expect("100ms SUPPRESS [a]\n", time.Minute)
			o.Stalled = false
		}, time.Minute, "1m0s REVIVE [a]\n"},
		"while no call can be made": {func(o *owner) {
			o.MayCall = false
			o.submit("a")
			o.expect("", time.Minute)
			o.MayCall = true
		}, time.Minute, "1m0s REVIVE [a]\n"},
		"to be idle goes on meanwhile": {func(o *owner) {
			o.submit("a")
			o.expect("0s REVIVE [a]\n")
			o.MayCall = false
			o.AddPending("a", -1)
			o.expect("", time.Second)
			o.MayCall = true
		}, time.Second, "1s SUPPRESS [a]\n"},
	} {
		t.Run(reason, func(t *testing.T) {
			o := subscribed(t, nil)
			row.history(o)
			o.expect(row.want, row.until)
		})
	}
}

// Three REVIVE calls may be made at once, then one in ten seconds; SUPPRESS does not wait for that.
func TestReviveBurst(t *testing.T) {
	o := subscribed(t, nil)
	o.submit("a")
	o.expect("0s REVIVE [a]\n")
	o.AskAgain("a")
	o.expect("0s REVIVE [a]\n")
	o.AskAgain("a")
	o.expect("0s REVIVE [a]\n")
	o.AskAgain("a")
	o.expect("10s REVIVE [a]\n", 10*time.Second)
	o.AskAgain("a")
	o.expect("20s REVIVE [a]\n", 20*time.Second)
	o.AskAgain("a")
	o.AddPending("a", -1)
	o.expect("20.1s SUPPRESS [a]\n", time.Minute)
	o.submit("a")
	o.expect("1m0s REVIVE [a]\n")
	o.AskAgain("a")
	o.expect("1m0s REVIVE [a]\n")
	o.AskAgain("a")
	o.expect("1m0s REVIVE [a]\n")
	o.AskAgain("a")
	o.expect("", 69*time.Second)
}

// After an offer the REVIVE is repeated when the longest refusal must have ended.
func TestOfferedWithLongRefusals(t *testing.T) {
	o := subscribed(t, func(c *demand.Config) { c.Refuse = time.Hour })
	o.submit("a")
	o.expect("0s REVIVE [a]\n")
	o.Offered(o.now, "a")
	o.expect("2h0m0s REVIVE [a]\n", 2*time.Hour)
}

// If no task is pending, a REVIVE for offers to hold waits until the refusals of the last ones have ended.
func TestStandby(t *testing.T) {
	o := subscribed(t, func(c *demand.Config) { c.KeepsOffers = true })
	o.Conditions.RoomForOffers = true
	o.expect("0s REVIVE []\n", time.Hour)
	require.Equal(t, 40*time.Second, o.Refuse(o.now, "a"))
	o.Conditions.RoomForOffers = false
	o.expect("1h0m0.1s SUPPRESS []\n", time.Hour+time.Second)
	o.Conditions.RoomForOffers = true
	o.expect("1h0m40s REVIVE []\n", 2*time.Hour)
	o.Conditions.RoomForOffers = false
	o.expect("2h0m0.1s SUPPRESS []\n", 2*time.Hour+time.Second)
	o.Refuse(o.now, "a")
	o.submit("a")
	o.expect("2h0m1s REVIVE [a]\n")
}

// The same after a REVIVE that brought all offers that there were; a new subscription asks at once.
func TestStandbyAgain(t *testing.T) {
	o := subscribed(t, func(c *demand.Config) { c.KeepsOffers = true })
	o.Conditions.RoomForOffers = true
	o.expect("0s REVIVE []\n")
	o.Conditions.RoomForOffers = false
	o.expect("100ms SUPPRESS []\n", time.Second)
	o.Conditions.RoomForOffers = true
	o.expect("40s REVIVE []\n", time.Minute)
	o.Conditions.RoomForOffers = false
	o.expect("1m0.1s SUPPRESS []\n", 61*time.Second)
	o.Subscribing(o.now, o.Conditions)
	o.Conditions.RoomForOffers = true
	o.expect("1m1s REVIVE []\n")
}
