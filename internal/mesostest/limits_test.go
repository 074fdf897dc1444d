package mesostest

import (
	"math"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"
)

func TestLimitsFault(t *testing.T) {
	scalar := func(name string, value float64) mesos.Resource {
		return mesos.Resource{Name: name, Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: value}}
	}
	both := []mesos.Resource{scalar("cpus", 1), scalar("mem", 64)}
	for _, c := range []struct {
		reason    string
		resources []mesos.Resource
		limits    map[string]mesos.Value_Scalar
		fault     string
	}{
		{"none", both, nil, ""},
		{"as much as is asked for", both, map[string]mesos.Value_Scalar{"cpus": {Value: 1}, "mem": {Value: 64}}, ""},
		{"all there is", both, map[string]mesos.Value_Scalar{"cpus": {Value: math.Inf(1)}, "mem": {Value: math.Inf(1)}}, ""},
		{"less cpus", both, map[string]mesos.Value_Scalar{"cpus": {Value: 0.999}}, "The cpu limit must be greater than or equal to the cpu request"},
		{"less mem", both, map[string]mesos.Value_Scalar{"mem": {Value: 63}}, "The memory limit must be greater than or equal to the memory request"},
		{"no cpus", both[1:], map[string]mesos.Value_Scalar{"cpus": {Value: 1}}, "When a CPU limit is specified, a CPU request must also be specified"},
		{"no mem", both[:1], map[string]mesos.Value_Scalar{"mem": {Value: 1}}, "When a memory limit is specified, a memory request must also be specified"},
		{"of disk", both, map[string]mesos.Value_Scalar{"disk": {Value: 1}}, "Only cpus and mem may be included in a task's resource limits"},
	} {
		require.Equal(t, c.fault, limitsFault(&mesos.TaskInfo{Resources: c.resources, Limits: c.limits}), c.reason)
	}
	shared, own := true, false
	group := func(share *bool) *mesos.TaskInfo {
		return &mesos.TaskInfo{Limits: map[string]mesos.Value_Scalar{"mem": {Value: 1}}, Container: &mesos.ContainerInfo{LinuxInfo: &mesos.LinuxInfo{ShareCgroups: share}}}
	}
	require.Empty(t, groupLimitsFault(group(&own)))
	require.Empty(t, groupLimitsFault(&mesos.TaskInfo{}))
	require.NotEmpty(t, groupLimitsFault(group(&shared)))
	require.NotEmpty(t, groupLimitsFault(group(nil)), "the default is to share")
}

// Of several attributes of a name the first counts, and expressions match whole texts.
func TestAdmission(t *testing.T) {
	attribute := func(name, text string) mesos.Attribute {
		return mesos.Attribute{Name: name, Type: mesos.TEXT, Text: &mesos.Value_Text{Value: text}}
	}
	a := &agent{attributes: []mesos.Attribute{attribute("rack", "r1"), attribute("rack", "r2"), attribute("odd", "r(")}}
	for _, c := range []struct {
		name, expression string
		want             bool
	}{
		{"rack", "r1", true},
		{"rack", "r2", false},
		{"rack", "r", false},
		{"rack", "1", false},
		{"rack", "r|r1", true},
		{"odd", `\Qr(`, true},
		{"missing", ".*", false},
	} {
		constraint := attributeConstraint{
			Selector:  &constraintSelector{AttributeName: &c.name},
			Predicate: &constraintPredicate{TextMatches: &constraintRegex{Regex: &c.expression}},
		}
		require.Equal(t, c.want, constraint.holds(a), "%s %s", c.name, c.expression)
	}
}

func TestConstraining(t *testing.T) {
	for version, want := range map[string]bool{"1.11.0": true, "1.12.0-rc1": true, "2.0.0": true, "1.10.0": false, "": false, "x": false} {
		require.Equal(t, want, constraining(version), version)
	}
}
