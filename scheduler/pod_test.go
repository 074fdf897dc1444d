package scheduler

import (
	"fmt"
	"math/rand/v2"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// totals returns the sums of placements, by resource and reservation, and the count of each port.
func totals(placements ...task.Placement) map[string]int64 {
	sums := map[string]int64{}
	for _, p := range placements {
		for _, r := range p.Resources {
			name := fmt.Sprint(r.Name, r.Reservations)
			for _, each := range r.GetRanges().GetRange() {
				for port := each.Begin; port <= each.End; port++ {
					sums[fmt.Sprint(name, port)]++
				}
			}
			if r.Scalar != nil {
				sums[name] += thousandths(r.Scalar.Value)
			}
		}
	}
	return sums
}

// The parts of a pod's placement are what each member and the executor ask for, and their sum is the placement.
func TestDivide(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		amount := func() float64 { return float64(random.IntN(2000)) / 1000 }
		members := make([]task.Spec, 1+random.IntN(4))
		for i := range members {
			members[i] = task.Spec{
				ID: fmt.Sprint("t", i), Pod: "p", CPUs: amount(), Mem: amount() + 1, Disk: amount(),
				Scalars: map[string]float64{"licenses": amount()}, Ports: make([]task.Port, random.IntN(4)),
			}
		}
		whole := combined(members)
		offer := task.Offer{ID: "o", Agent: task.Agent{ID: "a"}, Role: "*"}
		for _, name := range []string{"cpus", "mem", "disk", "licenses"} {
			for i, value := range []float64{amount(), 5000} { // some of it is reserved
				r := mesos.Resource{Name: name, Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: value}}
				offer.Resources = append(offer.Resources, reservedIf(i == 0, r))
			}
		}
		for i, first := range []uint64{31000, 32000} {
			r := mesos.Resource{Name: "ports", Type: mesos.RANGES.Enum(), Ranges: &mesos.Value_Ranges{Range: []mesos.Value_Range{{Begin: first, End: first + uint64(20*i)}}}}
			offer.Resources = append(offer.Resources, reservedIf(i == 0, r))
		}
		placements, _ := taskmatcher.FirstFit{}.Match(task.Cycle{Tasks: []task.Demand{{ID: "t0", Spec: &whole}}, Offers: []task.Offer{offer}})
		require.Len(t, placements, 1, "seed %d", seed)
		specs := append(members, podExecutor(members))
		parts, err := divide(placements[0], specs)
		require.NoError(t, err)
		require.Equal(t, totals(placements[0]), totals(parts...), "seed %d", seed)
		for i, s := range specs {
			require.Equal(t, s.ID, parts[i].TaskID)
			require.Len(t, parts[i].HostPorts, len(s.Ports))
			sum := map[string]int64{}
			for _, r := range parts[i].Resources {
				sum[r.Name] += thousandths(r.GetScalar().GetValue())
			}
			require.Equal(t, thousandths(s.CPUs), sum["cpus"])
			require.Equal(t, thousandths(s.Mem), sum["mem"])
			require.Equal(t, thousandths(s.Disk), sum["disk"])
			require.Equal(t, thousandths(s.Scalars["licenses"]), sum["licenses"])
		}
		placements[0].Resources = placements[0].Resources[1:]
		_, err = divide(placements[0], specs)
		require.Error(t, err, "too little")
	}
}

func reservedIf(reserved bool, r mesos.Resource) mesos.Resource {
	if reserved {
		r.Reservations = []mesos.Resource_ReservationInfo{{Type: mesos.Resource_ReservationInfo_STATIC.Enum(), Role: proto("prod")}}
	}
	return r
}

// The spec of a pod, as a matcher gets it, has what all of its members ask for.
func TestCombined(t *testing.T) {
	on := func(attribute, value string) task.Constraint {
		return task.Constraint{Attribute: attribute, Operator: task.OpIs, Value: value}
	}
	specs := []task.Spec{
		{ID: "a", Pod: "p", Role: "r", Group: "g", Revocable: true, MaxCompletionTime: 2, Constraints: []task.Constraint{on("x", "1"), on("y", "1")}},
		{ID: "b", Pod: "p", Role: "r", Group: "g", Revocable: true, MaxCompletionTime: 1, Constraints: []task.Constraint{on("y", "1"), on("z", "1")}, Preferences: []task.Constraint{on("w", "1")}},
	}
	whole := combined(specs)
	require.Equal(t, []task.Constraint{on("x", "1"), on("y", "1"), on("z", "1")}, whole.Constraints)
	require.Equal(t, []task.Constraint{on("w", "1")}, whole.Preferences)
	require.EqualValues(t, 2, whole.MaxCompletionTime)
	specs[1].MaxCompletionTime = 0
	require.Zero(t, combined(specs).MaxCompletionTime, "one member has no time limit")
	require.Equal(t, "a p r g true", fmt.Sprint(whole.ID, " ", whole.Pod, " ", whole.Role, " ", whole.Group, " ", whole.Revocable))
}
