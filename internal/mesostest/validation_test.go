package mesostest

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

func TestEndpoints(t *testing.T) {
	tests := []struct{ reason, path, handler string }{
		{"the scheduler API", "/api/v1/scheduler", "/api/v1/scheduler"},
		{"under its other name", "/master/api/v1/scheduler/", "/api/v1/scheduler"},
		{"below a known path", "/api/v1/scheduler/x", "/api/v1/scheduler"},
		{"the nearest handler, not the longest common text", "/api/v1/schedule", "/api/v1"},
		{"nobody's", "/master/nope", ""},
		{"the root", "/", ""},
		{"no path", "", ""},
		{"no slash after the other name", "/masterly", ""},
		{"no path at all, as in OPTIONS *", "*", ""},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) { require.Equal(t, test.handler, endpoint(test.path)) })
	}
}

func TestAccept(t *testing.T) {
	tests := []struct {
		reason string
		header []string
		want   codec
	}{
		{"absent", nil, codecJSON},
		{"present and empty allows nothing", []string{""}, ""},
		{"JSON wins whatever the order and the weights", []string{"application/x-protobuf;q=1, application/json;q=0.1"}, codecJSON},
		{"a weight of zero is a no", []string{"application/json;q=0, application/x-protobuf"}, codecProtobuf},
		{"the type itself goes before its family", []string{"application/json;q=0, application/*"}, codecProtobuf},
		{"letter case does not matter", []string{"Application/X-Protobuf"}, codecProtobuf},
		{"a weight that is no number", []string{"application/json;q=x"}, ""},
		{"others", []string{"text/html"}, ""},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) { require.Equal(t, test.want, accepted(test.header)) })
	}
}

// The first failing step answers; these need no state, so no loop runs.
func TestOrderOfValidation(t *testing.T) {
	const subscribe = `{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"}}}`
	tests := []struct {
		reason  string
		method  string
		headers map[string]string
		body    string
		status  int
		answer  string
	}{
		{"method before Content-Type", "GET", nil, "", 405, "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'."},
		{"Content-Type before the body", "POST", nil, "{", 400, "Expecting 'Content-Type' to be present"},
		{"the type before Accept", "POST", map[string]string{"Content-Type": "application/json", "Accept": "text/html"}, `{}`, 400,
			"Failed to validate scheduler::Call: Expecting 'type' to be present"},
		{"Accept before the stream ID", "POST", map[string]string{"Content-Type": "application/json", "Accept": "text/html", streamIDHeader: "x"}, subscribe, 406,
			"Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'"},
		{"no stream ID in SUBSCRIBE", "POST", map[string]string{"Content-Type": "application/json", streamIDHeader: ""}, subscribe, 400,
			"Subscribe calls should not include the 'Mesos-Stream-Id' header"},
		{"the framework ID before the payload", "POST", map[string]string{"Content-Type": "application/json"}, `{"type":"KILL"}`, 400,
			"Failed to validate scheduler::Call: Expecting 'framework_id' to be present"},
		{"a body that is not gzip", "POST", map[string]string{"Content-Type": "application/json", "Content-Encoding": "gzip"}, `{}`, 400,
			"Failed to decompress request body"},
	}
	m, err := New(Config{})
	require.NoError(t, err)
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			r := httptest.NewRequest(test.method, "/api/v1/scheduler", strings.NewReader(test.body))
			for name, value := range test.headers {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			m.ServeHTTP(w, r)
			require.Equal(t, test.status, w.Code)
			require.Equal(t, test.answer, w.Body.String())
			require.Equal(t, "text/plain; charset=utf-8", w.Header().Get("Content-Type"))
			if w.Code == http.StatusMethodNotAllowed {
				require.Equal(t, "POST", w.Header().Get("Allow"))
			}
		})
	}
}

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
		{"roles before the ID", mesos.FrameworkInfo{Role: ptr("a b"), ID: &mesos.FrameworkID{Value: "."}}, nil,
			"'FrameworkInfo.role' is not a valid role: Role component 'a b' is invalid because it contains backspace or whitespace"},
		{"the ID before the timeout", mesos.FrameworkInfo{ID: &mesos.FrameworkID{Value: "a\\b"}, FailoverTimeout: ptr(1e10)}, nil,
			"'a\\b' contains invalid characters"},
		{"255 bytes are the longest ID", mesos.FrameworkInfo{ID: &mesos.FrameworkID{Value: strings.Repeat("i", 255)}}, nil, ""},
		{"256 are too long", mesos.FrameworkInfo{ID: &mesos.FrameworkID{Value: strings.Repeat("i", 256)}}, nil, "ID must not be greater than 255 characters"},
		{"DEL is a control character", mesos.FrameworkInfo{ID: &mesos.FrameworkID{Value: "a\x7f"}}, nil, "'a\x7f' contains invalid characters"},
		{"a timeout of more than 292 years", mesos.FrameworkInfo{FailoverTimeout: ptr(9.3e9)}, nil, "The framework failover_timeout (9.3e+09) is invalid"},
		{"a negative one is accepted", mesos.FrameworkInfo{FailoverTimeout: ptr(-1.0)}, nil, ""},
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
			require.Equal(t, test.fault, validateFrameworkInfo(&test.info, test.suppressed, Config{Roles: []string{"ok"}}))
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
	site := launchSite{
		frameworkID: "f", agentID: "s", offered: bag(t, "cpus:2;mem:128;ports:[1-9]", "r"),
		known:       func(id string) bool { return id == "known" },
		unreachable: func(id string) bool { return id == "far" },
		executor: func(id string) *mesos.ExecutorInfo {
			if id == "running" {
				return &mesos.ExecutorInfo{ExecutorID: mesos.ExecutorID{Value: id}, FrameworkID: &mesos.FrameworkID{Value: "f"}, Command: &mesos.CommandInfo{}}
			}
			return nil
		},
	}
	task := func(edit func(*mesos.TaskInfo)) mesos.TaskInfo {
		info := mesos.TaskInfo{
			TaskID: mesos.TaskID{Value: "t"}, AgentID: mesos.AgentID{Value: "s"},
			Resources: bag(t, "cpus:1;mem:32;ports:[2-3]", "r").Proto(), Command: &mesos.CommandInfo{Value: ptr("true")},
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
			require.Equal(t, test.fault, validateTask(&info, site))
		})
	}
}

// bag parses resources and marks them as allocated to the role.
func bag(t testing.TB, text, role string) resources.List {
	t.Helper()
	rs, err := resources.Parse(text)
	require.NoError(t, err)
	return rs.Allocated(role)
}
