package scheduler

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/offerfilter"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// offeredBy reports whether a master with these constraints offers an agent for a role, as
// src/master/allocator/mesos/offer_constraints_filter.cpp of Mesos does.
func offeredBy(c mesoshttp.OfferConstraints, role string, a task.Agent) bool {
	groups, constrained := c[role]
	return !constrained || slices.ContainsFunc(groups, func(g mesoshttp.ConstraintGroup) bool {
		return !slices.ContainsFunc(g, func(c mesoshttp.AttributeConstraint) bool { return !trueOf(c, a) })
	})
}

func trueOf(c mesoshttp.AttributeConstraint, a task.Agent) bool {
	text, isText, there := "", true, true
	switch c.Pseudo {
	case mesoshttp.Hostname:
		text = a.Hostname
	case mesoshttp.Region:
		text, there = a.Region, a.Region != ""
	case mesoshttp.Zone:
		text, there = a.Zone, a.Zone != ""
	default:
		at := slices.IndexFunc(a.Attributes, func(b mesos.Attribute) bool { return b.Name == c.Attribute })
		if there = at >= 0; there {
			isText, text = a.Attributes[at].Type == mesos.TEXT, a.Attributes[at].GetText().GetValue()
		}
	}
	matches := func() bool { return regexp.MustCompile(`\A(?:` + c.Value + `)\z`).MatchString(text) }
	switch c.Predicate {
	case mesoshttp.Exists:
		return there
	case mesoshttp.NotExists:
		return !there
	case mesoshttp.TextEquals:
		return there && (!isText || text == c.Value)
	case mesoshttp.TextNotEquals:
		return !there || !isText || text != c.Value
	case mesoshttp.TextMatches:
		return there && (!isText || matches())
	default:
		return !there || !isText || !matches()
	}
}

// Agents on which the matcher would place a pending task are always offered. This is checked for any two pending tasks.
func TestOfferConstraintsKeepNothingFromTheMatcher(t *testing.T) {
	oneGoroutine(t)
	random := rand.New(rand.NewPCG(7, 0))
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	operators := []task.Operator{task.OpLike, task.OpUnlike, task.OpIs, task.OpIsNot, task.OpCluster, task.OpUnique, task.OpGroupBy, task.OpMaxPer}
	placed, keptBack := 0, 0
	for range 20_000 {
		specs := make([]task.Spec, 1+random.IntN(2))
		pending := make([]*task.Spec, len(specs))
		for i := range specs {
			specs[i] = specOf(pick("a", "b", "c")+string(rune('0'+i)), nil)
			for range random.IntN(3) {
				specs[i].Constraints = append(specs[i].Constraints, task.Constraint{
					Attribute: pick("rack", "disk", task.AttributeHostname, "@hostname", task.AttributeRegion, task.AttributeZone),
					Operator:  operators[random.IntN(len(operators))],
					Value:     pick("1", "2", "r1", "r[12]", "r.*", "", "1|2"),
				})
			}
			pending[i] = &specs[i]
		}
		level := []offerfilter.Level{offerfilter.Full, offerfilter.NoExpressions}[random.IntN(2)]
		agent := task.Agent{ID: "S1", Hostname: pick("r1", "h"), Region: pick("", "r1", "eu"), Zone: pick("", "1", "z")}
		for range random.IntN(4) {
			attribute := mesos.Attribute{Name: pick("rack", "disk"), Type: mesos.TEXT, Text: &mesos.Value_Text{Value: pick("r1", "r2", "1", "")}}
			switch random.IntN(4) {
			case 0:
				attribute.Type, attribute.Text, attribute.Scalar = mesos.SCALAR, nil, &mesos.Value_Scalar{Value: float64(1 + random.IntN(2))}
			case 1:
				attribute.Type, attribute.Text = mesos.RANGES, nil
				attribute.Ranges = &mesos.Value_Ranges{Range: []mesos.Value_Range{{Begin: 1, End: 2}}}
			}
			agent.Attributes = append(agent.Attributes, attribute)
		}
		offer := offerFromMesos(offersOf([]string{"o1@S1:4:1024"}).Offers[0])
		offer.Agent = agent
		constraints := offerfilter.Derive([]string{"*"}, nil, slices.Values(pending), level).Constraints
		offered := offeredBy(offerConstraints(constraints), "*", agent)
		for _, spec := range specs {
			placements, _ := taskmatcher.FirstFit{}.Match(task.Cycle{Tasks: []task.Demand{{ID: spec.ID, Spec: &spec}}, Offers: []task.Offer{offer}})
			if len(placements) > 0 {
				placed++
				require.True(t, offered, "%v on %v is placed, but with %v not offered", spec.Constraints, agent, constraints)
			}
		}
		if !offered {
			keptBack++
		}
	}
	require.Greater(t, placed, 1000, "the test shows something")
	require.Greater(t, keptBack, 1000, "and so do the constraints")
}

// In Mesos the negative predicates hold if the attribute is missing, here they do not.
func TestOfferConstraintsThatDeny(t *testing.T) {
	got := offerConstraints(offerfilter.Constraints{"*": {{
		{Attribute: "rack", Operator: task.OpUnlike, Value: "r[12]"}, {Attribute: task.AttributeHostname, Operator: task.OpIsNot, Value: "a1"},
	}}})
	require.Equal(t, mesoshttp.OfferConstraints{"*": {{
		{Attribute: "rack", Predicate: mesoshttp.Exists}, {Attribute: "rack", Predicate: mesoshttp.TextNotMatches, Value: "r[12]"},
		{Pseudo: mesoshttp.Hostname, Predicate: mesoshttp.Exists}, {Pseudo: mesoshttp.Hostname, Predicate: mesoshttp.TextNotEquals, Value: "a1"},
	}}}, got)
}
