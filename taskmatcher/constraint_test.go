package taskmatcher_test

import (
	"fmt"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

func TestConstraintsOnValues(t *testing.T) {
	type attributes = []mesos.Attribute
	empty := mesos.Attribute{Name: "rack", Type: mesos.RANGES}
	for _, c := range []struct {
		reason     string
		constraint string
		attributes attributes
		holds      bool
	}{
		{"the whole value matches", "rack LIKE r[12]", attributes{text("rack", "r1")}, true},
		{"a part is not enough", "rack LIKE r1", attributes{text("rack", "r12")}, false},
		{"a part at the end neither", "rack LIKE 1", attributes{text("rack", "r1")}, false},
		{"the first alternative is a prefix of the value", "rack LIKE r|r1", attributes{text("rack", "r1")}, true},
		{"a lazy repetition must stretch", "rack LIKE r1*?", attributes{text("rack", "r111")}, true},
		{"a quotation without end", `rack LIKE \Qr.1`, attributes{text("rack", "r.1")}, true},
		{"a line break belongs to the value", "rack LIKE r1", attributes{text("rack", "r1\n")}, false},
		{"unlike: no match", "rack UNLIKE r[12]", attributes{text("rack", "r3")}, true},
		{"unlike: a part does not matter", "rack UNLIKE r1", attributes{text("rack", "r12")}, true},
		{"unlike: match", "rack UNLIKE r[12]", attributes{text("rack", "r1")}, false},
		{"missing fails like", "rack LIKE .*", attributes{text("zone", "r1")}, false},
		{"missing fails unlike", "rack UNLIKE x", nil, false},
		{"missing fails is", "rack IS x", nil, false},
		{"missing fails unique", "rack UNIQUE", nil, false},
		{"missing fails cluster", "rack CLUSTER", nil, false},
		{"missing fails group by", "rack GROUP_BY", nil, false},
		{"missing fails max per", "rack MAX_PER 9", nil, false},
		{"an attribute without a value is missing", "rack UNLIKE x", attributes{empty}, false},
		{"of several the first counts", "rack LIKE r1", attributes{text("rack", "r1"), text("rack", "r2")}, true},
		{"of several the second does not", "rack LIKE r2", attributes{text("rack", "r1"), text("rack", "r2")}, false},
		{"an empty text is a value", "rack LIKE x?", attributes{text("rack", "")}, true},
		{"invalid expressions hold nowhere", "rack UNLIKE (", attributes{text("rack", "r1")}, false},
		{"invalid alone, though not between parentheses", "rack LIKE r1)|(r2", attributes{text("rack", "r1")}, false},
		{"unknown operators hold nowhere", "rack WRONG r1", attributes{text("rack", "r1")}, false},
		{"a number that is none holds nowhere", "rack MAX_PER x", attributes{text("rack", "r1")}, false},
		{"nor for group by", "rack GROUP_BY x", attributes{text("rack", "r1")}, false},

		{"is: the same text", "rack IS r1", attributes{text("rack", "r1")}, true},
		{"is: no expression", "rack IS r.", attributes{text("rack", "r1")}, false},
		{"is: text is not compared as a number", "rack IS 4.0", attributes{text("rack", "4")}, false},
		{"is: scalars are", "rack IS 4.0", attributes{number("rack", 4)}, true},
		{"is: to three digits, which Mesos keeps", "rack IS 2.5", attributes{number("rack", 2.50001)}, true},
		{"is: another number", "rack IS 4.001", attributes{number("rack", 4)}, false},
		{"is: no number", "rack IS four", attributes{number("rack", 4)}, false},
		{"is: ranges in any order and without blanks", "rack IS [7-7,1-3]", attributes{spans("rack", 1, 3, 7, 7)}, true},
		{"is: other ranges", "rack IS [1-3]", attributes{spans("rack", 1, 3, 7, 7)}, false},
		{"is: a range needs its brackets", "rack IS 1-3", attributes{spans("rack", 1, 3)}, false},
		{"is: a set in any order", "rack IS {b,a}", attributes{set("rack", "a", "b")}, true},
		{"is: another set", "rack IS {a}", attributes{set("rack", "a", "b")}, false},
		{"is not: another text", "rack IS_NOT r2", attributes{text("rack", "r1")}, true},
		{"is not: the same text", "rack IS_NOT r1", attributes{text("rack", "r1")}, false},
		{"is not: no expression", "rack IS_NOT r.", attributes{text("rack", "r1")}, true},
		{"is not: the same number", "rack IS_NOT 4.0", attributes{number("rack", 4)}, false},
		{"is not: no number", "rack IS_NOT four", attributes{number("rack", 4)}, true},
		{"is not: the same set", "rack IS_NOT {b,a}", attributes{set("rack", "a", "b")}, false},
		{"is not: missing, as with unlike", "rack IS_NOT r1", nil, false},
		{"is not: without a value holds nowhere", "rack IS_NOT", attributes{text("rack", "r1")}, false},
		{"Java's syntax holds nowhere", "rack LIKE [a-z&&[^b]].*", attributes{text("rack", "a]")}, false},
		{"Java's syntax holds nowhere, nor not", "rack UNLIKE [a-z&&[^b]]", attributes{text("rack", "r1")}, false},
		{"like: a scalar as Mesos writes it", "rack LIKE 4", attributes{number("rack", 4.0)}, true},
		{"like: with digits if it has some", `rack LIKE 0\.5`, attributes{number("rack", 0.5)}, true},
		{"like: ranges", `rack LIKE \[1-3, 7-7\]`, attributes{spans("rack", 7, 7, 1, 3)}, true},
		{"like: a set", `rack LIKE \{a, b\}`, attributes{set("rack", "b", "a")}, true},
		{"unlike: a scalar", "rack UNLIKE 5", attributes{number("rack", 4)}, true},
		{"cluster with a value is the same as is", "rack CLUSTER 4.0", attributes{number("rack", 4)}, true},
		{"cluster with another value", "rack CLUSTER r2", attributes{text("rack", "r1")}, false},

		{"the name of the host", "hostname LIKE a", nil, true},
		{"the name of the host, as Marathon spells it", "@hostname LIKE a", nil, true},
		{"unique, as Marathon spells it", "@hostname UNIQUE", nil, true},
		{"not the name of the host", "@hostname IS_NOT a", nil, false},
		{"the name of the host is not an attribute", "hostname IS b", attributes{text("hostname", "b")}, false},
		{"the zone", "@zone IS z1", nil, true},
		{"the region", "@region UNLIKE r1", nil, false},
	} {
		constraint := parse(c.constraint)
		s := spec("x", 1, 1, 0)
		s.Constraints = []task.Constraint{constraint}
		o := plain("a", 100)
		o.Agent.Attributes, o.Agent.Region, o.Agent.Zone = c.attributes, "r1", "z1"
		placements, rejections := taskmatcher.FirstFit{}.Match(cycleOf([]task.Spec{s}, []task.Offer{o}))
		if c.holds {
			require.Len(t, placements, 1, c.reason)
			continue
		}
		_, there := valueOf(o.Agent, constraint.Attribute)
		want := []task.Reason{{Kind: task.ReasonConstraint, Constraint: constraint, Missing: !there, Agents: 1}}
		require.Equal(t, []task.Rejection{{TaskID: "x", Reasons: want}}, rejections, c.reason)
	}
}

// parse parses a constraint like task.ParseConstraint, but accepts invalid ones.
func parse(text string) task.Constraint {
	var c task.Constraint
	var operator string
	if n, _ := fmt.Sscanf(text, "%s %s", &c.Attribute, &operator); len(text) > len(c.Attribute)+len(operator)+2 && n == 2 {
		c.Value = text[len(c.Attribute)+len(operator)+2:]
	}
	c.Operator = task.Operator(operator)
	return c
}

// The first letter of an agent's name is its rack.
func TestConstraintsThatCount(t *testing.T) {
	at := func(agent string, tasks int) task.Presence {
		a := task.Agent{ID: "S-" + agent, Hostname: agent, Attributes: []mesos.Attribute{text("rack", agent[:1])}}
		return task.Presence{Group: "g", Agent: a, Tasks: tasks}
	}
	nowhere := at("r1", 5)
	nowhere.Agent.Attributes = nil
	others := at("r1", 5)
	others.Group = "other"
	for _, c := range []struct {
		reason     string
		constraint string
		running    []task.Presence
		agents     []string
		tasks      int
		placed     string
	}{
		{"unique: one each", "rack UNIQUE", nil, []string{"r1", "r2", "s1"}, 3, "0→r1, 1→s1"},
		{"unique: not where one runs", "rack UNIQUE", []task.Presence{at("r9", 1)}, []string{"r1", "s1"}, 2, "0→s1"},
		{"tasks of other groups do not count", "rack UNIQUE", []task.Presence{others}, []string{"r1"}, 1, "0→r1"},
		{"tasks without the attribute do not count", "rack UNIQUE", []task.Presence{nowhere}, []string{"r1"}, 1, "0→r1"},
		{"zero or fewer tasks do not count", "rack UNIQUE", []task.Presence{at("r1", 0), at("r1", -2)}, []string{"r1"}, 1, "0→r1"},
		{"unique host", "hostname UNIQUE", nil, []string{"r1", "r2"}, 3, "0→r1, 1→r2"},
		{"max per", "rack MAX_PER 2", []task.Presence{at("r9", 1)}, []string{"r1", "r2", "s1"}, 4, "0→r1, 1→s1, 2→s1"},
		{"cluster: the first placed decides", "rack CLUSTER", nil, []string{"r1", "s1", "s2", "r2"}, 3, "0→r1, 1→r1, 2→r2"},
		{"cluster: what runs decides", "rack CLUSTER", []task.Presence{at("s9", 1)}, []string{"r1", "s1"}, 2, "0→s1, 1→s1"},
		{"cluster: a group on two racks cannot grow", "rack CLUSTER", []task.Presence{at("s9", 1), at("r9", 1)}, []string{"r1", "s1"}, 1, ""},
		{"group by: racks take turns", "rack GROUP_BY", nil, []string{"r1", "s1", "t1"}, 5, "0→r1, 1→s1, 2→t1, 3→r1, 4→s1"},
		{"group by: running tasks count", "rack GROUP_BY", []task.Presence{at("r9", 2)}, []string{"r1", "s1"}, 3, "0→s1, 1→s1, 2→r1"},
		{"group by: a value without offers holds back nobody", "rack GROUP_BY", []task.Presence{at("r9", 1)}, []string{"s1", "s2"}, 3, "0→s1, 1→s1, 2→s2"},
		{"group by: it is known from a running task", "rack GROUP_BY 2", []task.Presence{at("r9", 1)}, []string{"s1", "s2"}, 3, "0→s1, 1→s1, 2→s2"},
		{"group by: fewer values are known than expected", "rack GROUP_BY 3", nil, []string{"r1", "s1"}, 4, "0→r1, 1→s1"},
		{"group by: as many values are known as expected", "rack GROUP_BY 2", nil, []string{"r1", "s1"}, 3, "0→r1, 1→s1, 2→r1"},
		{"group by: until all are full", "rack GROUP_BY", nil, []string{"r1", "s1"}, 7, "0→r1, 1→s1, 2→r1, 3→s1"},
		{"group by: a full agent does not block the others", "rack GROUP_BY", []task.Presence{at("s1", 1)}, []string{"r1", "s1", "s2"}, 7, "0→r1, 1→r1, 2→s1, 3→s1, 4→s2, 5→s2"},
	} {
		cycle := task.Cycle{Running: c.running}
		for i, agent := range c.agents {
			o := plain(agent, 100+float64(i))
			o.Agent = at(agent, 0).Agent
			cycle.Offers = append(cycle.Offers, o)
		}
		s := spec("x", .5, 1, 0)
		s.Group, s.Constraints = "g", []task.Constraint{parse(c.constraint)}
		for i := range c.tasks {
			cycle.Tasks = append(cycle.Tasks, task.Demand{ID: fmt.Sprint(i), Spec: &s})
		}
		placements, rejections := taskmatcher.FirstFit{}.Match(cycle)
		require.NoError(t, check(strategy{score: firstFit}, cycle, placements, rejections), c.reason)
		require.Equal(t, c.placed, summary(placements), c.reason)
	}
}

// Preferences only order the agents on which a task fits.
func TestPreferences(t *testing.T) {
	prefer := func(all ...string) *task.Spec {
		s := &task.Spec{CPUs: .1}
		for _, each := range all {
			s.Preferences = append(s.Preferences, parse(each))
		}
		return s
	}
	for _, c := range []struct {
		reason string
		spec   *task.Spec
		placed string
	}{
		{"the agent with the value is preferred", prefer("rack IS s"), "0→s, 1→s, 2→s"},
		{"no agent has the value", prefer("rack IS x"), "0→r, 1→r, 2→r"},
		{"more of them is better", prefer("rack IS r", "rack LIKE t", "hostname LIKE [st]"), "0→t, 1→t, 2→t"},
		{"unique is a preference, too", prefer("hostname UNIQUE"), "0→r, 1→s, 2→t"},
		{"group by is a preference, too", prefer("rack GROUP_BY", "rack UNLIKE r"), "0→s, 1→t, 2→r"},
	} {
		cycle := task.Cycle{Tasks: []task.Demand{{ID: "0", Spec: c.spec}, {ID: "1", Spec: c.spec}, {ID: "2", Spec: c.spec}}}
		for _, rack := range []string{"r", "s", "t"} {
			o := plain(rack, 100)
			o.Agent.Attributes = []mesos.Attribute{text("rack", rack)}
			cycle.Offers = append(cycle.Offers, o)
		}
		placements, _ := taskmatcher.FirstFit{}.Match(cycle)
		require.Equal(t, c.placed, summary(placements), c.reason)
	}
}
