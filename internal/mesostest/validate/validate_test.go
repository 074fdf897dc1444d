package validate

import (
	"math"
	"strings"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

func TestFrameworkInfoFaults(t *testing.T) {
	multi := []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}}
	tests := []struct {
		reason     string
		info       mesos.FrameworkInfo
		suppressed []string
		fault      string
	}{
		{"nothing at all is a framework of role *", mesos.FrameworkInfo{}, nil, ""},
		{"duplicates, each named once", mesos.FrameworkInfo{Roles: []string{"b", "a", "b", "a", "a"}, Capabilities: multi}, nil,
			"'FrameworkInfo.roles' contains duplicate items: { a, b }"},
		{"roles before the ID", mesos.FrameworkInfo{Role: ref("a b"), ID: &mesos.FrameworkID{Value: "."}}, nil,
			"'FrameworkInfo.role' is not a valid role: Role component 'a b' is invalid because it contains backspace or whitespace"},
		{"the ID before the timeout", mesos.FrameworkInfo{ID: &mesos.FrameworkID{Value: "a\\b"}, FailoverTimeout: ref(1e10)}, nil,
			"'a\\b' contains invalid characters"},
		{"255 bytes are the longest ID", mesos.FrameworkInfo{ID: &mesos.FrameworkID{Value: strings.Repeat("i", 255)}}, nil, ""},
		{"256 are too long", mesos.FrameworkInfo{ID: &mesos.FrameworkID{Value: strings.Repeat("i", 256)}}, nil, "ID must not be greater than 255 characters"},
		{"DEL is a control character", mesos.FrameworkInfo{ID: &mesos.FrameworkID{Value: "a\x7f"}}, nil, "'a\x7f' contains invalid characters"},
		{"a timeout of more than 292 years", mesos.FrameworkInfo{FailoverTimeout: ref(9.3e9)}, nil, "The framework failover_timeout (9.3e+09) is invalid"},
		{"a negative one is accepted", mesos.FrameworkInfo{FailoverTimeout: ref(-1.0)}, nil, ""},
		{"role not in --roles", mesos.FrameworkInfo{Roles: []string{"x", "ok", "*"}, Capabilities: multi}, nil,
			"Roles { x } are not present in the master's --roles"},
		{"suppressed roles come last", mesos.FrameworkInfo{Roles: []string{"ok"}, Capabilities: multi}, []string{"z", "ok", "y"},
			"Suppressed roles { y, z } are not contained in the set of roles"},
		{"infinite quantity", mesos.FrameworkInfo{OfferFilters: map[string]mesos.OfferFilters{"ok": {MinAllocatableResources: &mesos.OfferFilters_MinAllocatableResources{
			Quantities: []mesos.OfferFilters_ResourceQuantities{{Quantities: map[string]mesos.Value_Scalar{"cpus": {Value: math.Inf(1)}}}},
		}}}}, nil, "Invalid resource quantity for 'cpus': Infinite values not supported"},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			require.Equal(t, test.fault, FrameworkInfo(&test.info, test.suppressed, Policy{Roles: []string{"ok"}}))
		})
	}
}

func TestUUIDs(t *testing.T) {
	for version := range byte(16) {
		id := make([]byte, 16)
		id[6] = version << 4
		require.Equal(t, version >= 1 && version <= 5, validUUID(id), "version %d", version)
	}
	require.False(t, validUUID([]byte("0123456789abcde")))
}

func TestTaskFaults(t *testing.T) {
	site := Site{
		FrameworkID: "f", AgentID: "s", Offered: bag(t, "cpus:2;mem:128;ports:[1-9]", "r"),
		Known:       func(id string) bool { return id == "known" },
		Unreachable: func(id string) bool { return id == "far" },
		Executor: func(id string) *mesos.ExecutorInfo {
			if id == "running" {
				return &mesos.ExecutorInfo{ExecutorID: mesos.ExecutorID{Value: id}, FrameworkID: &mesos.FrameworkID{Value: "f"}, Command: &mesos.CommandInfo{}}
			}
			return nil
		},
	}
	task := func(edit func(*mesos.TaskInfo)) mesos.TaskInfo {
		info := mesos.TaskInfo{
			TaskID: mesos.TaskID{Value: "t"}, AgentID: mesos.AgentID{Value: "s"},
			Resources: bag(t, "cpus:1;mem:32;ports:[2-3]", "r").Proto(), Command: &mesos.CommandInfo{Value: ref("true")},
		}
		edit(&info)
		return info
	}
	executor := func(id string, resources []mesos.Resource) *mesos.ExecutorInfo {
		return &mesos.ExecutorInfo{
			ExecutorID: mesos.ExecutorID{Value: id}, FrameworkID: &mesos.FrameworkID{Value: "f"},
			Command: &mesos.CommandInfo{}, Resources: resources,
		}
	}
	tests := []struct {
		reason string
		edit   func(*mesos.TaskInfo)
		fault  string
	}{
		{"a good one", func(*mesos.TaskInfo) {}, ""},
		{"the ID before all else", func(i *mesos.TaskInfo) { i.TaskID.Value = ".."; i.AgentID.Value = "x" }, "'..' is disallowed"},
		{"known before the agent", func(i *mesos.TaskInfo) { i.TaskID.Value = "known"; i.AgentID.Value = "x" }, "Task has duplicate ID: known"},
		{"unreachable", func(i *mesos.TaskInfo) { i.TaskID.Value = "far" }, "Task reuses the ID of an unreachable task: far"},
		{"another agent", func(i *mesos.TaskInfo) { i.AgentID.Value = "x" }, "Task uses invalid agent x while agent s is expected"},
		{"the check before the health check", func(i *mesos.TaskInfo) { i.Check = &mesos.CheckInfo{}; i.HealthCheck = &mesos.HealthCheck{} },
			"Task uses invalid check: CheckInfo must specify 'type'"},
		{"fractions of a GPU", func(i *mesos.TaskInfo) { i.Resources = bag(t, "gpus:0.5", "r").Proto() },
			"Task uses invalid resources: Invalid 'gpus' resource: The 'gpus' resource must be an unsigned integer"},
		{"a secret without a secret", func(i *mesos.TaskInfo) {
			i.Command.Environment = &mesos.Environment{Variables: []mesos.Environment_Variable{{Name: "A", Type: mesos.Environment_Variable_SECRET.Enum()}}}
		}, "Task's `CommandInfo` is invalid: Environment variable 'A' of type 'SECRET' must have a secret set"},
		{"no container is not a Docker container", func(i *mesos.TaskInfo) { i.Container = nil }, ""},
		{"a Docker container without docker", func(i *mesos.TaskInfo) { i.Container = &mesos.ContainerInfo{Type: mesos.ContainerInfo_DOCKER.Enum()} },
			"Task's `ContainerInfo` is invalid: DockerInfo 'docker' is not set for DOCKER typed ContainerInfo"},
		{"a volume of nothing", func(i *mesos.TaskInfo) {
			i.Container = &mesos.ContainerInfo{Type: mesos.ContainerInfo_MESOS.Enum(), Volumes: []mesos.Volume{{ContainerPath: "/x"}}}
		}, "Task's `ContainerInfo` is invalid: Invalid volume: Only one of them should be set: 'host_path', 'image' and 'source'"},
		{"both command and executor", func(i *mesos.TaskInfo) { i.Executor = executor("e", nil) },
			"Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"},
		{"an executor takes its share", func(i *mesos.TaskInfo) { i.Command = nil; i.Executor = executor("e", bag(t, "cpus:2", "r").Proto()) },
			"Total resources ports(allocated: r):[2-3]; cpus(allocated: r):3; mem(allocated: r):32 required by task and its executor" +
				" is more than available ports(allocated: r):[1-9]; cpus(allocated: r):2; mem(allocated: r):128"},
		{"a running executor does not", func(i *mesos.TaskInfo) { i.Command = nil; i.Executor = executor("running", nil) }, ""},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			info := task(test.edit)
			require.Equal(t, test.fault, Task(&info, site))
		})
	}
}

func TestLeastExecutorOfAGroup(t *testing.T) {
	for _, test := range []struct{ resources, fault string }{
		{"cpus:0.01;mem:32;disk:1", ""},
		{"cpus:0.009;mem:32;disk:1", "Executor 'e' uses less CPUs (0.009) than the minimum required (0.01)"},
		{"cpus:0.01;mem:31.999;disk:1", "Executor 'e' uses less memory (31.999MB) than the minimum required (32MB)"},
		{"cpus:0.01;mem:32", "Executor 'e' uses no disk"},
	} {
		require.Equal(t, test.fault, groupExecutorFault("e", bag(t, test.resources, "r")))
	}
}

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

// bag parses resources and marks them as allocated to the role.
func bag(t testing.TB, text, role string) resources.List {
	t.Helper()
	rs, err := resources.Parse(text)
	require.NoError(t, err)
	return rs.Allocated(role)
}

func ref[T any](v T) *T { return &v }

func TestCall(t *testing.T) {
	id := &mesos.FrameworkID{Value: "f"}
	uuid := make([]byte, 16)
	uuid[6] = 4 << 4
	for _, test := range []struct {
		reason string
		call   scheduler.Call
		fault  string
	}{
		{"REVIVE needs no payload", scheduler.Call{Type: scheduler.Call_REVIVE, FrameworkID: id}, ""},
		{"the framework ID before the payload", scheduler.Call{Type: scheduler.Call_KILL}, "Expecting 'framework_id' to be present"},
		{"no payload", scheduler.Call{Type: scheduler.Call_KILL, FrameworkID: id}, "Expecting 'kill' to be present"},
		{"a good acknowledgement", scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE, FrameworkID: id, Acknowledge: &scheduler.Call_Acknowledge{UUID: uuid}}, ""},
		{"a uuid that is none", scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE, FrameworkID: id, Acknowledge: &scheduler.Call_Acknowledge{UUID: []byte("x")}},
			"Not a valid UUID"},
		{"SUBSCRIBE as another", scheduler.Call{Type: scheduler.Call_SUBSCRIBE, FrameworkID: id, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: &mesos.FrameworkInfo{}}},
			"'framework_id' differs from 'subscribe.framework_info.id'"},
		{"somebody else's principal", scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: &mesos.FrameworkInfo{Principal: ref("q")}}},
			"Authenticated principal 'p' does not match principal 'q' set in `FrameworkInfo`"},
	} {
		want := test.fault
		if want != "" {
			want = "Failed to validate scheduler::Call: " + want
		}
		require.Equal(t, want, Call(&test.call, "p"), test.reason)
	}
}
