package scheduler

import (
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// someMem returns memory, reserved with a label if owner is set.
func someMem(mib float64, owner string) mesos.Resource {
	r := mesos.Resource{Name: "mem", Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: mib}}
	if owner != "" {
		r.Reservations = []mesos.Resource_ReservationInfo{{
			Type: mesos.Resource_ReservationInfo_DYNAMIC.Enum(), Labels: &mesos.Labels{Labels: []mesos.Label{{Key: "owner", Value: &owner}}},
		}}
	}
	return r
}

// What is reserved for another framework counts neither for the agent that tasks wait for nor in its statistics.
func TestReservationOfAnotherFramework(t *testing.T) {
	offers := []task.Offer{
		{ID: "o1", Agent: task.Agent{ID: "S1"}, Resources: []mesos.Resource{someMem(100, ""), someMem(400, "others")}},
		{ID: "o2", Agent: task.Agent{ID: "S2"}, Resources: []mesos.Resource{someMem(200, "")}},
	}
	for _, c := range []struct {
		situation string
		matcher   TaskMatcher
		preferred string
		mem       float64
	}{
		{"by default", taskmatcher.Spread{}, "S1", 100},
		{"of a matcher that does not say", struct{ TaskMatcher }{taskmatcher.Spread{}}, "S1", 100},
		{"of our own", taskmatcher.Spread{Options: taskmatcher.Options{ReservationLabels: map[string]string{"owner": "others"}}}, "S2", 500},
	} {
		t.Run(c.situation, func(t *testing.T) {
			m := newMachine(settings{matcher: c.matcher, usable: usableBy(c.matcher), statsTTL: time.Hour})
			now := time.Unix(1e9, 0)
			m.pool.add(now, offers)
			m.pool.prefer([]*offerUse{{agentID: "S1", offers: []string{"o1"}}, {agentID: "S2", offers: []string{"o2"}}}, now.Add(time.Second))
			require.Equal(t, c.preferred, m.pool.preferred.agentID)
			m.census.noteOffers(now, offers)
			require.Equal(t, c.mem, statsOf(m, now)[0].Offered.Mem)
		})
	}
}
