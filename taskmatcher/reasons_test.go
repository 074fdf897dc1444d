package taskmatcher_test

import (
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// What is missing is said as a newcomer would ask: is there no such agent at all, and which port is it?
func TestReasonsInWords(t *testing.T) {
	on := func(o task.Offer, attributes ...mesos.Attribute) task.Offer {
		o.Agent.Attributes = attributes
		return o
	}
	constrained := func(text string) task.Spec {
		s := spec("x", 1, 1, 0)
		s.Constraints = []task.Constraint{parse(text)}
		return s
	}
	named := spec("x", 1, 1, 0)
	named.Ports = []task.Port{{Host: 8080}, {}, {Host: 31000}}
	quarantined := plain("q", 100)
	quarantined.Quarantined = []uint16{31000}
	for _, c := range []struct {
		situation string
		task      task.Spec
		offers    []task.Offer
		want      string
	}{
		{"no agent has it", constrained("rack LIKE r[12]"), []task.Offer{plain("a", 100), plain("b", 100)}, "x: no agent has the attribute rack"},
		{"nor another spelling of it", constrained("Rack IS_NOT r1"), []task.Offer{on(plain("a", 100), text("rack", "r2"))}, "x: no agent has the attribute Rack"},
		{
			"some have another value, some do not have it", constrained("rack LIKE r[12]"),
			[]task.Offer{plain("a", 100), on(plain("b", 100), text("rack", "r3")), plain("c", 100)}, "x: rack LIKE r[12]: does not hold on 3 agents",
		},
		{
			"the one that has it is too small", constrained("rack LIKE r[12]"),
			[]task.Offer{plain("a", 100), on(offer("b", scalar("cpus", .75), scalar("mem", 1)), text("rack", "r1"))},
			"x: rack LIKE r[12]: does not hold on 1 agent; cpus: not enough on 1 agent; closest b, 0.25 short",
		},
		{"a port that the task names", named, []task.Offer{plain("a", 100), plain("b", 100), plain("c", 100)}, "x: port 8080: not free on 3 agents"},
		{
			"a port in quarantine", task.Spec{ID: "x", CPUs: 1, Ports: []task.Port{{Host: 31000}, {}}},
			[]task.Offer{quarantined}, "x: port 31000: not free on 1 agent",
		},
		{
			"the others that it takes", task.Spec{ID: "x", CPUs: 1, Ports: []task.Port{{Host: 31000}, {}, {}, {}}},
			[]task.Offer{plain("a", 100)}, "x: ports: not enough on 1 agent; closest a, 1 short",
		},
	} {
		t.Run(c.situation, func(t *testing.T) {
			placed, rejected := match(t, []task.Spec{c.task}, c.offers)
			require.Empty(t, placed)
			require.Equal(t, []string{c.want}, rejected)
		})
	}
}
