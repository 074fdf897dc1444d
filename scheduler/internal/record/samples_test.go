package record

import (
	"errors"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// fullSpec returns a spec with every field set, which TestSamples checks.
func fullSpec(id string) task.Spec {
	return task.Spec{
		ID: id, RequestID: "4e2a-1", Name: "web & \"co\"", Role: "shop", CPUs: 0.1, Mem: 128.5, Disk: 10, GPUs: 1,
		Scalars: map[string]float64{"bandwidth": 2.5, "licences": 1}, Revocable: true,
		Ports:    []task.Port{{Container: 8080, Protocol: "tcp", Host: 31000, Name: "http"}, {Host: 31001, NoHost: true, Protocol: "udp"}},
		Executor: &task.ExecutorResources{CPUs: 0.1, Mem: 32, Disk: 10}, Limits: &task.Limits{CPUs: task.Unlimited, Mem: 256},
		Container: &task.Container{
			Containerizer: task.ContainerizerMesos, Image: "registry.example/shop:2.41", ForcePull: true, Network: "mesh",
			Volumes: []task.Volume{
				{Path: "/data", ReadOnly: true, HostPath: "/srv/data", SandboxPath: "shared", Tmpfs: 64},
				{Path: "/key", Secret: &task.Secret{Name: "vault", Key: "tls", Value: []byte{0, 1, 255}}},
			},
			Parameters: []task.Parameter{{Key: "label", Value: "team=blue"}},
		},
		Command: task.Command{
			Shell: "a && b > c", Argv: []string{"serve", "--port=8080", ""},
			Env:     map[string]string{"STAGE": "prod", "EMPTY": ""},
			Secrets: map[string]task.Secret{"TOKEN": {Name: "vault", Key: "token"}, "NOTHING": {Value: []byte{}}},
			URIs:    []task.URI{{Value: "http://files.example/x.tgz", Extract: true, Executable: true, Cache: true, OutputFile: "x"}},
			User:    "www-data",
		},
		Pod: "pod-1", Group: "web",
		Constraints:       []task.Constraint{{Attribute: "rack", Operator: task.OpLike, Value: "r[12]"}},
		Preferences:       []task.Constraint{{Attribute: task.AttributeHostname, Operator: task.OpUnique}},
		MaxCompletionTime: time.Hour + time.Nanosecond, KillPolicy: &task.KillPolicy{GracePeriod: 5 * time.Second},
		HealthCheck: &task.HealthCheck{
			Port: 1, HTTP: &task.HTTPGet{Scheme: "https", Path: "/health?a=b"},
			Command: &task.CheckCommand{Shell: "true", Argv: []string{"true"}, Env: map[string]string{"A": "b"}},
			Delay:   time.Second, Interval: 2 * time.Second, Timeout: 3 * time.Second, GracePeriod: 4 * time.Second,
			ConsecutiveFailures: 5,
		},
		Check: &task.Check{
			Port: 1, HTTP: &task.HTTPGet{Path: "/"}, Command: &task.CheckCommand{Argv: []string{"false"}},
			Delay: time.Second, Interval: 2 * time.Second, Timeout: 3 * time.Second,
		},
		Discovery: &task.Discovery{
			Visibility: task.VisibilityCluster, Name: "shop", Environment: "prod", Location: "eu", Version: "v2",
			Labels: map[string]string{"tier": "front"},
		},
		Labels: map[string]string{"team": "blue", "ü": "ö"},
	}
}

// sampleTime returns an unusual time: with nanoseconds, and in a zone far from UTC.
func sampleTime() time.Time {
	return time.Date(2026, 11, 21, 23, 59, 58, 123456789, time.FixedZone("east", 5*3600+45*60)).UTC()
}

func sampleAgent() *task.Agent {
	return &task.Agent{
		ID: "66549417-1791-41bf-bebf-adeb5c1d4270-S12", Hostname: "agent12.example", Address: "agent12.example:5051", Region: "eu", Zone: "eu-1",
		Attributes: []mesos.Attribute{
			{Name: "rack", Type: mesos.TEXT, Text: &mesos.Value_Text{Value: "r1"}},
			{Name: "speed", Type: mesos.SCALAR, Scalar: &mesos.Value_Scalar{Value: 2.5}},
			{Name: "slots", Type: mesos.RANGES, Ranges: &mesos.Value_Ranges{Range: []mesos.Value_Range{{Begin: 1, End: 4}}}},
			{Name: "disks", Type: mesos.SET, Set: &mesos.Value_Set{Item: []string{"ssd", "hdd"}}},
		},
	}
}

func sampleStatus(id string) *mesos.TaskStatus {
	return &mesos.TaskStatus{
		TaskID: mesos.TaskID{Value: id}, State: mesos.TASK_RUNNING.Enum(), Source: mesos.SOURCE_EXECUTOR.Enum(),
		Reason: mesos.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED.Enum(), Message: ptr("well"), Healthy: ptr(false),
		AgentID: &mesos.AgentID{Value: sampleAgent().ID}, ExecutorID: &mesos.ExecutorID{Value: id},
		Timestamp: ptr(1795227559.83591), UUID: []byte("0123456789abcdef"),
		ContainerStatus: &mesos.ContainerStatus{
			ContainerID: &mesos.ContainerID{Value: "df0bd4b5-185f-464f-bd61-e8a8c251a825"},
			NetworkInfos: []mesos.NetworkInfo{{IPAddresses: []mesos.NetworkInfo_IPAddress{{
				Protocol: mesos.IPv4.Enum(), IPAddress: ptr("172.17.0.2"),
			}}}},
			ExecutorPID: ptr(uint32(588)),
		},
	}
}

// plainTask is a task with what users are told of it.
type plainTask struct {
	Task // whose own Info is empty
	Info task.Info
}

func (p *plainTask) task() *Task {
	t := p.Task
	t.Info = NewInfo(p.Info)
	return &t
}

func plain(t Task) plainTask {
	p := plainTask{Task: t, Info: t.Info.Public()}
	p.Task.Info = Info{}
	return p
}

// decodeAll is Decode, of which it returns plain tasks.
func decodeAll(records map[string][]byte) (Framework, []plainTask, error) {
	return decodeWith(new(Cache), records)
}

func decodeWith(c *Cache, records map[string][]byte) (Framework, []plainTask, error) {
	framework, tasks, err := c.Decode(records)
	var all []plainTask
	for i := range tasks {
		all = append(all, plain(tasks[i]))
	}
	return framework, all, err
}

func ptr[T any](v T) *T { return &v }

// fullTask returns a task with every field set but SpecStored.
func fullTask(id string) plainTask {
	at, agent := sampleTime(), sampleAgent()
	return plainTask{
		Info: task.Info{
			Spec: fullSpec(id), State: task.StateRunning, AgentID: agent.ID, Hostname: agent.Hostname,
			HostPorts: []uint16{31000, 65535}, Healthy: ptr(false), Status: sampleStatus(id),
			AgentAddress: agent.Address, IPs: []string{"172.17.0.2"}, ExitStatus: ptr(137), Err: errors.New("out of cheese"),
			Version:   1795227559835911,
			Submitted: at, Updated: at.Add(time.Second),
		},
		Task: Task{
			Agent: agent, Serial: 7, Lost: 2, Confirmed: true, Killing: true,
			UUIDs: UUIDs{1, 1 << 63, 3, 18446744073709551615}, UnknownSince: at.Add(time.Minute),
			History: sampleHistory(at, agent),
		},
	}
}

// sampleHistory returns that of a task that was launched twice, and is on this agent now.
func sampleHistory(submitted time.Time, agent *task.Agent) (h History) {
	before, here := Place{"S7", "agent7.example"}, Place{agent.ID, agent.Hostname}
	add := func(after time.Duration, state task.State, at Place, message string) {
		h = h.Add(task.Transition{At: submitted.Add(after), State: state, AgentID: at.AgentID, Hostname: at.Hostname, Message: message}, submitted, at)
	}
	add(0, task.StatePending, Place{}, "")
	add(20*time.Millisecond, task.StateStaging, before, "")
	h = h.Move(submitted, before, Place{})
	add(21*time.Millisecond, task.StatePending, Place{}, "dropped: REASON_AGENT_RESTARTED: “gone”")
	add(522*time.Millisecond, task.StateStaging, here, "")
	add(time.Second, task.StateRunning, here, "unhealthy")
	return h
}

// olderSamples returns samples without what was not stored at first.
func olderSamples() []plainTask {
	older := samples()
	for i := range older {
		info := &older[i].Info
		info.AgentAddress, info.ExitStatus, info.Err, info.Version = "", nil, nil, 0
		if info.Status == nil {
			info.IPs = nil
		}
		info.Spec.Executor, info.Spec.RequestID, older[i].History = nil, "", ""
		for j := range info.Spec.Ports {
			info.Spec.Ports[j].NoHost = false
		}
		if a := older[i].Agent; a != nil {
			a.Address = ""
		}
	}
	return older
}

// samples returns the tasks in the golden files.
func samples() []plainTask {
	at, agent := sampleTime(), sampleAgent()
	moved := plainTask{
		Info: task.Info{
			Spec:  task.Spec{ID: "pending again", CPUs: 1, Mem: 32, Command: task.Command{Shell: "sleep 1"}},
			State: task.StatePending, AgentID: agent.ID, Hostname: agent.Hostname, HostPorts: []uint16{31000},
			Submitted: at, Updated: at,
		},
		Task: Task{Serial: 2, Lost: 2},
	}
	ended := plainTask{
		Info: task.Info{
			Spec:  task.Spec{ID: "ended", CPUs: 1, Mem: 32, Command: task.Command{Argv: []string{}, Env: map[string]string{}}},
			State: task.StateGoneByOperator, AgentID: agent.ID, Hostname: agent.Hostname, AgentAddress: "https://agent12.example:5051",
			IPs: []string{"10.1.2.3", "fe80::1"}, Submitted: at, Updated: at,
		},
		Task: Task{Serial: 3, Lost: 3, Confirmed: true, UUIDs: UUIDs{5}},
	}
	staging := plainTask{
		Info: task.Info{
			Spec:  task.Spec{ID: "staging", CPUs: 1, Mem: 32, Command: task.Command{Shell: "sleep 1"}},
			State: task.StateStaging, AgentID: "a-1", Hostname: "plain.example", Submitted: at, Updated: at,
		},
		Task: Task{Agent: &task.Agent{ID: "a-1", Hostname: "plain.example"}, Serial: 4, Lost: 1},
	}
	return []plainTask{
		fullTask("a/b <c>ü"), moved, ended, staging,
		{Info: task.Info{Spec: task.Spec{ID: "least"}}},
	}
}
