package offerfilter_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/offerfilter"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// offered reports whether a master with a filter would make an offer, according to Mesos' documentation.
func offered(f offerfilter.Filter, o task.Offer, free map[string]float64) bool {
	for name, least := range f.Minimum[o.Role] {
		if free[name] < least {
			return false
		}
	}
	sets, constrained := f.Constraints[o.Role]
	return !constrained || slices.ContainsFunc(sets, func(set offerfilter.ConstraintSet) bool {
		return !slices.ContainsFunc(set, func(c task.Constraint) bool { return !holds(c, o.Agent) })
	})
}

func holds(c task.Constraint, a task.Agent) bool {
	value, there := a.Hostname, true
	if c.Attribute != task.AttributeHostname {
		at := slices.IndexFunc(a.Attributes, func(b mesos.Attribute) bool { return b.Name == c.Attribute })
		if there = at >= 0; there {
			value = a.Attributes[at].GetText().GetValue()
		}
	}
	matches := func() bool { return regexp.MustCompile(`\A(?:` + c.Value + `)\z`).MatchString(value) }
	switch c.Operator {
	case task.OpIs:
		return there && value == c.Value
	case task.OpIsNot:
		return there && value != c.Value
	case task.OpLike:
		return there && matches()
	case task.OpUnlike:
		return there && !matches()
	case "EXISTS":
		return there
	}
	panic("an operator that a master does not know: " + c.Operator)
}

// draw makes random specs, and offers with the amounts in them.
type draw struct{ *rand.Rand }

func (d draw) pick(words ...string) string { return words[d.IntN(len(words))] }

func (d draw) spec(id string) task.Spec {
	s := task.Spec{
		ID: id, Role: d.pick("", "*", "prod"), CPUs: float64(d.IntN(5)) / 2, Mem: float64(1 + d.IntN(3)), Disk: float64(d.IntN(2)),
		Command: task.Command{Shell: "true"},
	}
	if d.IntN(3) == 0 {
		s.Scalars = map[string]float64{"x": float64(1 + d.IntN(2))}
	}
	operators := []task.Operator{task.OpLike, task.OpUnlike, task.OpIs, task.OpIsNot, task.OpCluster, task.OpUnique, task.OpGroupBy, task.OpMaxPer}
	for range d.IntN(3) {
		s.Constraints = append(s.Constraints, where(d.pick("rack", "disk", task.AttributeHostname, "@hostname"), operators[d.IntN(len(operators))], d.pick("1", "2", "r1", "r[12]", "r.*", "")))
	}
	return s
}

func (d draw) offer() (task.Offer, map[string]float64) {
	o := task.Offer{ID: "o1", Role: d.pick("*", "prod"), Agent: task.Agent{ID: "S1", Hostname: d.pick("r1", "h")}}
	for _, name := range []string{"rack", "disk"} {
		if d.IntN(3) > 0 {
			o.Agent.Attributes = append(o.Agent.Attributes, mesos.Attribute{Name: name, Type: mesos.TEXT, Text: &mesos.Value_Text{Value: d.pick("r1", "r2", "1")}})
		}
	}
	free := map[string]float64{"cpus": float64(d.IntN(6)) / 2, "mem": float64(d.IntN(4)), "disk": float64(d.IntN(2)), "x": float64(d.IntN(3))}
	for name, amount := range free {
		if amount > 0 {
			o.Resources = append(o.Resources, mesos.Resource{
				Name: name, Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: amount},
				AllocationInfo: &mesos.Resource_AllocationInfo{Role: &o.Role},
			})
		}
	}
	return o, free
}

// Offers on which a matcher would place a task are made by a master that has the filter for this and other tasks.
func TestFilterKeepsNothingFromTheMatcher(t *testing.T) {
	d := draw{rand.New(rand.NewPCG(11, 0))}
	roles := []string{"*", "prod"}
	placed, keptBack := 0, 0
	for range 20_000 {
		specs := make([]task.Spec, 1+d.IntN(3))
		for i := range specs {
			specs[i] = d.spec(fmt.Sprint(i))
		}
		level := []offerfilter.Level{offerfilter.Full, offerfilter.NoExpressions, offerfilter.Nothing}[d.IntN(3)]
		f := derive(roles, nil, specs, level)
		offer, free := d.offer()
		isOffered := offered(f, offer, free)
		require.True(t, isOffered || level != offerfilter.Nothing)
		for _, spec := range specs {
			require.True(t, f.Admits(roles, &spec, level))
			placements, _ := taskmatcher.FirstFit{}.Match(task.Cycle{Tasks: []task.Demand{{ID: spec.ID, Spec: &spec}}, Offers: []task.Offer{offer}})
			if len(placements) > 0 {
				placed++
				require.True(t, isOffered, "%+v is placed on %+v with %v, but with%v that is not offered", spec, offer.Agent, free, f)
			}
		}
		if !isOffered {
			keptBack++
		}
	}
	require.Greater(t, placed, 1000, "the test shows something")
	require.Greater(t, keptBack, 1000, "and so does the filter")
}

// A filter that admits a task does not hold back its offers, even if it was derived without that task.
func TestAdmittedIsOffered(t *testing.T) {
	d := draw{rand.New(rand.NewPCG(12, 0))}
	roles := []string{"*", "prod"}
	admitted, not := 0, 0
	for range 20_000 {
		known, late := d.spec("known"), d.spec("late")
		if d.IntN(2) == 0 {
			late.Constraints = known.Constraints
		}
		f := derive(roles, nil, []task.Spec{known}, offerfilter.Full)
		if !f.Admits(roles, &late, offerfilter.Full) {
			not++
			continue
		}
		offer, free := d.offer()
		placements, _ := taskmatcher.FirstFit{}.Match(task.Cycle{Tasks: []task.Demand{{ID: late.ID, Spec: &late}}, Offers: []task.Offer{offer}})
		if len(placements) > 0 {
			admitted++
			require.True(t, offered(f, offer, free), "%+v is admitted and placed on %+v with %v, but with%v that is not offered", late, offer.Agent, free, f)
		}
	}
	require.Greater(t, admitted, 200)
	require.Greater(t, not, 1000)
}
