package offerfilter_test

import (
	"fmt"
	"slices"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/offerfilter"
	"github.com/mesos-actor/mesos-actor-go/task"
)

type all = []task.Constraint

func where(attribute string, operator task.Operator, value string) task.Constraint {
	return task.Constraint{Attribute: attribute, Operator: operator, Value: value}
}

// derive returns the filter for specs.
func derive(roles []string, users map[string]mesos.OfferFilters, specs []task.Spec, level offerfilter.Level) offerfilter.Filter {
	pending := make([]*task.Spec, len(specs))
	for i := range specs {
		pending[i] = &specs[i]
	}
	return offerfilter.Derive(roles, users, slices.Values(pending), level)
}

// A filter must not hold back offers that a matcher would use: where it cannot be exact it is looser.
func TestDerive(t *testing.T) {
	many := make([]task.Spec, 33)
	for i := range many {
		many[i] = task.Spec{CPUs: 1, Constraints: all{where(fmt.Sprintf("a%02d", i), task.OpUnique, "")}}
	}
	expressions := []task.Spec{{Mem: 1, Constraints: all{
		where("a", task.OpLike, "1"), where("b", task.OpUnlike, "2"), where("c", task.OpIs, "3"),
	}}}
	roles := []string{"*", "prod"}
	for _, row := range []struct {
		reason string
		roles  []string
		specs  []task.Spec
		level  offerfilter.Level
		want   string
	}{
		{"nothing pending", roles, nil, 0, ""},
		{"no amounts but ports", roles[:1], []task.Spec{{Ports: []task.Port{{}}}}, 0, ""},
		{"the least of each, what only some ask for is not needed", roles[:1], []task.Spec{
			{CPUs: 2, Mem: 100, Disk: 5, GPUs: 1}, {CPUs: 1, Mem: 200}, {CPUs: 0.0005, Mem: 150, Scalars: map[string]float64{"x": 1}},
		}, 0, " least *: cpus 0.001, mem 100"},
		{"custom scalars", roles[:1], []task.Spec{
			{Scalars: map[string]float64{"x": 2, "y": 1}}, {CPUs: 1, Scalars: map[string]float64{"x": 1}},
		}, 0, " least *: x 1"},
		{"GPUs and disk", roles[:1], []task.Spec{{GPUs: 2, Disk: 7}, {GPUs: 1, Disk: 9}}, 0, " least *: disk 7, gpus 1"},
		{"less than Mesos can tell from nothing", roles[:1], []task.Spec{{CPUs: 0.0004}}, 0, ""},
		{"one that any agent may run", roles[:1], []task.Spec{
			{CPUs: 1, Constraints: all{where("a", task.OpIs, "1")}}, {CPUs: 2},
		}, 0, " least *: cpus 1"},
		{"alike but for the order", roles[:1], []task.Spec{
			{CPUs: 1, Constraints: all{where("b", task.OpIs, "1"), where("a", task.OpIs, "1"), where("a", task.OpIs, "1")}},
			{CPUs: 2, Constraints: all{where("a", task.OpIs, "1"), where("b", task.OpIs, "1")}},
		}, 0, " least *: cpus 1 where *: a IS 1 and b IS 1"},
		{"several sets", roles[:1], []task.Spec{
			{Mem: 1, Constraints: all{where("b", task.OpIs, "1")}}, {Mem: 1, Constraints: all{where("a", task.OpLike, "x"), where("z", task.OpUnlike, "y")}},
		}, 0, " least *: mem 1 where *: a LIKE x and z UNLIKE y, or b IS 1"},
		{"neither the agent that failed nor another", roles[:1], []task.Spec{{CPUs: 1, Constraints: all{
			where("@hostname", task.OpIsNot, "a1"), where("hostname", task.OpIsNot, "a1"), where("rack", task.OpIsNot, "r1"),
		}}}, 0, " least *: cpus 1 where *: hostname IS_NOT a1 and rack IS_NOT r1"},
		{"those that count", roles[:1], []task.Spec{{CPUs: 1, Constraints: all{
			where("a", task.OpUnique, ""), where("b", task.OpGroupBy, ""), where("c", task.OpMaxPer, "2"), where("d", task.OpCluster, ""), where("e", task.OpCluster, "x"),
		}}}, 0, " least *: cpus 1 where *: a EXISTS and b EXISTS and c EXISTS and d EXISTS and e IS x"},
		{"one that counts the values of all agents", roles, []task.Spec{
			{CPUs: 1, Role: "prod", Constraints: all{where("dc", task.OpIs, "east"), where("rack", task.OpGroupBy, "3")}},
			{CPUs: 1, Role: "prod", Constraints: all{where("dc", task.OpIs, "east")}}, {CPUs: 2, Role: "*"},
		}, 0, " least *: cpus 2"},
		{"executors", roles[:1], []task.Spec{
			{CPUs: 1, Mem: 32, Executor: &task.ExecutorResources{CPUs: 0.5, Mem: 32, Disk: 10}}, {CPUs: 2, Mem: 48, Disk: 20},
		}, 0, " least *: cpus 1.5, disk 10, mem 48"},
		{"text that JSON cannot say", roles[:1], []task.Spec{
			{CPUs: 1, Constraints: all{where("a", task.OpIs, "\xff"), where("b", task.OpLike, "x"), where("\xff", task.OpUnique, "")}},
		}, 0, " least *: cpus 1 where *: b LIKE x"},
		{"just not too many sets", roles[:1], many[31:], 0, " least *: cpus 1 where *: a31 EXISTS, or a32 EXISTS"},
		{"too many sets", roles[:1], many, 0, " least *: cpus 1"},
		{"a task of one role, one of any", roles, []task.Spec{{CPUs: 1, Role: "prod"}, {CPUs: 2}}, 0, " least *: cpus 2 least prod: cpus 1"},
		{"other roles do not matter", roles, []task.Spec{
			{CPUs: 1, Role: "prod", Constraints: all{where("a", task.OpIs, "1")}}, {CPUs: 2, Role: "*"},
		}, 0, " least *: cpus 2 least prod: cpus 1 where prod: a IS 1"},
		{"not one of the framework's roles", roles[:1], []task.Spec{{CPUs: 1, Role: "prod"}}, 0, ""},
		{"all there is to tell", roles[:1], expressions, offerfilter.Full, " least *: mem 1 where *: a LIKE 1 and b UNLIKE 2 and c IS 3"},
		{"after one refusal", roles[:1], expressions, offerfilter.NoExpressions, " least *: mem 1 where *: a EXISTS and b EXISTS and c IS 3"},
		{"after two", roles[:1], expressions, offerfilter.Nothing, ""},
	} {
		f := derive(row.roles, nil, row.specs, row.level)
		require.Equal(t, row.want, f.String(), row.reason)
		require.Equal(t, row.want == "", f.None(), row.reason)
		for _, spec := range row.specs {
			require.True(t, f.Admits(row.roles, &spec, row.level), row.reason)
		}
	}
}

// The maximum number of sets.
func TestDeriveMostSets(t *testing.T) {
	specs := make([]task.Spec, 32)
	for i := range specs {
		specs[i].Constraints = all{where(fmt.Sprint(i), task.OpUnique, "")}
	}
	require.Len(t, derive([]string{"*"}, nil, specs, offerfilter.Full).Constraints["*"], 32)
}

func TestAdmits(t *testing.T) {
	roles := []string{"a", "b"}
	f := derive(roles, nil, []task.Spec{
		{Role: "a", CPUs: 1, Mem: 32, Constraints: all{where("rack", task.OpLike, "r1")}},
		{Role: "b", CPUs: 1},
	}, offerfilter.Full)
	for _, row := range []struct {
		reason string
		spec   task.Spec
		want   bool
	}{
		{"the same", task.Spec{Role: "a", CPUs: 1, Mem: 32, Constraints: all{where("rack", task.OpLike, "r1")}}, true},
		{"needs more", task.Spec{Role: "a", CPUs: 5, Mem: 64, Disk: 1, Constraints: all{where("rack", task.OpLike, "r1")}}, true},
		{"needs less", task.Spec{Role: "a", CPUs: 0.5, Mem: 32, Constraints: all{where("rack", task.OpLike, "r1")}}, false},
		{"less by the rounding", task.Spec{Role: "a", CPUs: 0.9996, Mem: 32, Constraints: all{where("rack", task.OpLike, "r1")}}, true},
		{"none of one", task.Spec{Role: "a", CPUs: 1, Constraints: all{where("rack", task.OpLike, "r1")}}, false},
		{"other constraints", task.Spec{Role: "a", CPUs: 1, Mem: 32, Constraints: all{where("rack", task.OpLike, "r2")}}, false},
		{"no constraints", task.Spec{Role: "a", CPUs: 1, Mem: 32}, false},
		{"more constraints, which is not looked into", task.Spec{Role: "a", CPUs: 1, Mem: 32, Constraints: all{where("rack", task.OpLike, "r1"), where("z", task.OpIs, "1")}}, false},
		{"another role", task.Spec{Role: "b", CPUs: 1}, true},
		{"any constraints where there are none", task.Spec{Role: "b", CPUs: 1, Constraints: all{where("z", task.OpIs, "1")}}, true},
		{"any role, kept back in one", task.Spec{CPUs: 1}, false},
		{"none of the framework's roles", task.Spec{Role: "c"}, true},
	} {
		require.Equal(t, row.want, f.Admits(roles, &row.spec, offerfilter.Full), row.reason)
		require.True(t, offerfilter.Filter{}.Admits(roles, &row.spec, offerfilter.Full), row.reason)
	}
}

func TestEqual(t *testing.T) {
	one := []task.Spec{{CPUs: 1, Constraints: all{where("a", task.OpIs, "1")}}}
	f := func(specs []task.Spec) offerfilter.Filter { return derive([]string{"*"}, nil, specs, offerfilter.Full) }
	require.True(t, f(one).Equal(f(one)))
	require.False(t, f(one).Equal(f([]task.Spec{{CPUs: 2, Constraints: one[0].Constraints}})))
	require.False(t, f(one).Equal(offerfilter.Filter{}))
	require.True(t, offerfilter.Filter{Constraints: offerfilter.Constraints{}}.Equal(offerfilter.Filter{}))
}

// The user's filter of a role is not changed.
func TestUsersOfferFilters(t *testing.T) {
	minimum := func(role, name string) offerfilter.Filter {
		return offerfilter.Filter{Minimum: map[string]map[string]float64{role: {name: 1}}}
	}
	own := minimum("a", "mem").OfferFilters(nil)
	specs := []task.Spec{{CPUs: 1, Constraints: all{where("rack", task.OpIs, "1")}}}
	require.Equal(t, " where a: rack IS 1", derive([]string{"a"}, own, specs, offerfilter.Full).String())
	require.Equal(t, " least b: cpus 1 where a: rack IS 1 where b: rack IS 1", derive([]string{"a", "b"}, own, specs, offerfilter.Full).String())

	require.Equal(t, own, offerfilter.Filter{}.OfferFilters(own))
	require.Nil(t, offerfilter.Filter{}.OfferFilters(nil))
	both := minimum("b", "cpus").OfferFilters(own)
	require.Equal(t, " least a: mem 1 least b: cpus 1", offerfilter.MinimumText(both))
	require.Equal(t, " least a: mem 1", offerfilter.MinimumText(own), "the user's map is not altered")
}

// BenchmarkDerive measures the derivation of a filter, which is done once after the pending tasks have changed.
func BenchmarkDerive(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint("classes=", n), func(b *testing.B) {
			specs := make([]task.Spec, n)
			for i := range specs {
				specs[i] = task.Spec{CPUs: 1, Mem: float64(32 + i), Constraints: all{where("rack", task.OpLike, "r[12]")}}
			}
			b.ReportAllocs()
			for b.Loop() {
				if derive([]string{"*"}, nil, specs, offerfilter.Full).None() {
					b.Fatal("no filter")
				}
			}
		})
	}
}
