package scheduler

import (
	"context"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Sandbox says where the files of a task are. With it another process of the framework can read them that does not lead, by
// [Scheduler.ReadSandbox]. It can be sent there as JSON.
type Sandbox struct {
	TaskID      string `json:"taskID"`
	FrameworkID string `json:"frameworkID"`
	ExecutorID  string `json:"executorID"`
	ContainerID string `json:"containerID,omitzero"` // of the launch; "": the newest
	AgentID     string `json:"agentID"`
	Hostname    string `json:"hostname"`       // of the agent
	Address     string `json:"address"`        // at which the agent serves HTTP
	InPod       bool   `json:"inPod,omitzero"` // the task has a folder of its own in the sandbox of its executor
}

// Sandbox returns where the files of a task are that has been launched. Its errors are those of [Scheduler.ReadFile].
func (s *Scheduler) Sandbox(ctx context.Context, id string) (Sandbox, error) {
	box, err := s.sandbox(ctx, id)
	if err != nil {
		return Sandbox{}, err
	}
	if !box.known() {
		r := logReader{s: s, id: id, box: box}
		return Sandbox{}, r.missing()
	}
	executor, inPod := box.executor()
	return Sandbox{
		TaskID: id, FrameworkID: box.framework, ExecutorID: executor, ContainerID: containerOf(box.info.Status), InPod: inPod,
		AgentID: box.info.AgentID, Hostname: box.info.Hostname, Address: box.address,
	}, nil
}

// ReadSandbox does what [Scheduler.ReadFile] does, in any process of the framework, whether the scheduler runs or not. The agent is
// asked at the address in box.
func (s *Scheduler) ReadSandbox(ctx context.Context, box Sandbox, file string, offset int64, buf []byte) (n int, size int64, err error) {
	if err := checkRead(file, offset); err != nil {
		return 0, 0, err
	}
	return s.readFile(ctx, box.internal(), file, offset, buf)
}

// internal returns the same as part of a task that runs.
func (b Sandbox) internal() sandbox {
	info := task.Info{
		Spec: task.Spec{ID: b.TaskID}, State: task.StateRunning, AgentID: b.AgentID, Hostname: b.Hostname, AgentAddress: b.Address,
		Status: &mesos.TaskStatus{ExecutorID: &mesos.ExecutorID{Value: b.ExecutorID}},
	}
	if b.InPod {
		info.Spec.Pod = b.ExecutorID
	}
	if b.ContainerID != "" {
		info.Status.ContainerStatus = &mesos.ContainerStatus{ContainerID: &mesos.ContainerID{Value: b.ContainerID}}
	}
	return sandbox{info: info, framework: b.FrameworkID, address: b.Address}
}
