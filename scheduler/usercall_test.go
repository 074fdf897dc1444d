package scheduler_test

import (
	"context"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
)

// A real master ends itself over some calls, or refuses them: they are refused before they are sent.
func TestCallsThatAreNeverSent(t *testing.T) {
	agent, executor := mesos.AgentID{Value: "a"}, mesos.ExecutorID{Value: "e"}
	text := []mesos.Resource{{Name: "cpus", Type: mesos.TEXT.Enum()}}
	for why, c := range map[string]*calls.Call{
		"none":                           nil,
		"of type UNKNOWN":                {Type: calls.Call_UNKNOWN},
		"UNKNOWN, with what another has": {Type: calls.Call_UNKNOWN, Kill: &calls.Call_Kill{TaskID: mesos.TaskID{Value: "t"}}},
		"of a type that nobody knows":    {Type: 99},
		"ACCEPT with a TEXT": {Type: calls.Call_ACCEPT, Accept: &calls.Call_Accept{
			OfferIDs:   []mesos.OfferID{{Value: "o"}},
			Operations: []mesos.Offer_Operation{{Type: mesos.Offer_Operation_LAUNCH, Launch: &mesos.Offer_Operation_Launch{TaskInfos: []mesos.TaskInfo{{Resources: text}}}}},
		}},
		"REQUEST with a TEXT":                  {Type: calls.Call_REQUEST, Request: &calls.Call_Request{Requests: []mesos.Request{{Resources: text}}}},
		"REQUEST of a resource without a type": {Type: calls.Call_REQUEST, Request: &calls.Call_Request{Requests: []mesos.Request{{Resources: []mesos.Resource{{Name: "cpus"}}}}}},
		"REQUEST of a scalar without a value":  {Type: calls.Call_REQUEST, Request: &calls.Call_Request{Requests: []mesos.Request{{Resources: []mesos.Resource{{Name: "cpus", Type: mesos.SCALAR.Enum()}}}}}},
		"KILL of no task":                      {Type: calls.Call_KILL, Kill: &calls.Call_Kill{}},
		"SHUTDOWN on no agent":                 {Type: calls.Call_SHUTDOWN, Shutdown: &calls.Call_Shutdown{ExecutorID: executor}},
		"SHUTDOWN of no executor":              {Type: calls.Call_SHUTDOWN, Shutdown: &calls.Call_Shutdown{AgentID: agent}},
		"MESSAGE to no executor":               {Type: calls.Call_MESSAGE, Message: &calls.Call_Message{AgentID: agent, Data: []byte{1}}},
		"a short UUID":                         {Type: calls.Call_ACKNOWLEDGE_OPERATION_STATUS, AcknowledgeOperationStatus: &calls.Call_AcknowledgeOperationStatus{AgentID: &agent, UUID: []byte{1}, OperationID: mesos.OperationID{Value: "o"}}},
		"an acknowledgement for no agent":      {Type: calls.Call_ACKNOWLEDGE_OPERATION_STATUS, AcknowledgeOperationStatus: &calls.Call_AcknowledgeOperationStatus{UUID: make([]byte, 16), OperationID: mesos.OperationID{Value: "o"}}},
		"an operation without ID":              {Type: calls.Call_RECONCILE_OPERATIONS, ReconcileOperations: &calls.Call_ReconcileOperations{Operations: []calls.Call_ReconcileOperations_Operation{{}}}},
	} {
		t.Run(why, func(t *testing.T) {
			withHarness(t, mesostest.Config{}, scheduler.Config{}, func(ctx context.Context, h *harness) {
				h.at(time.Second)
				before := h.master.Snapshot().Calls
				var refused *scheduler.CallError
				require.ErrorAs(h, h.sched.Call(ctx, c), &refused)
				require.Zero(h, refused.Status)
				require.NotEmpty(h, refused.Message)
				require.Equal(h, before, h.master.Snapshot().Calls)
				require.Empty(h, h.master.Snapshot().Deadly)
			})
		})
	}
}

// deadlyBuilder makes what a real master would end itself over.
type deadlyBuilder struct {
	taskbuilder.Standard
	change func(executor *mesos.ExecutorInfo, tasks []mesos.TaskInfo) // executor: of a pod
}

func (b deadlyBuilder) Build(in task.BuildInput) (mesos.TaskInfo, error) {
	info, err := b.Standard.Build(in)
	tasks := []mesos.TaskInfo{info}
	b.change(&mesos.ExecutorInfo{}, tasks)
	return tasks[0], err
}

func (b deadlyBuilder) BuildPod(in task.PodBuildInput) (mesos.ExecutorInfo, []mesos.TaskInfo, error) {
	executor, tasks, err := b.Standard.BuildPod(in)
	b.change(&executor, tasks)
	return executor, tasks, err
}

// What a builder makes is refused before it is sent, if a real master would end itself over it.
func TestBuildersThatWouldEndAMaster(t *testing.T) {
	text := mesos.Resource{Name: "cpus", Type: mesos.TEXT.Enum()}
	for why, change := range map[string]func(*mesos.ExecutorInfo, []mesos.TaskInfo){
		"a resource of type TEXT": func(_ *mesos.ExecutorInfo, ts []mesos.TaskInfo) { ts[0].Resources = append(ts[0].Resources, text) },
		"a resource of a type nobody knows": func(_ *mesos.ExecutorInfo, ts []mesos.TaskInfo) {
			ts[0].Resources[0].Type = mesos.Value_Type(99).Enum()
		},
		"a resource without a type": func(_ *mesos.ExecutorInfo, ts []mesos.TaskInfo) { ts[0].Resources[0].Type = nil },
		"a scalar without a value":  func(_ *mesos.ExecutorInfo, ts []mesos.TaskInfo) { ts[0].Resources[0].Scalar = nil },
		"one in the executor of a task": func(_ *mesos.ExecutorInfo, ts []mesos.TaskInfo) {
			ts[0].Executor = &mesos.ExecutorInfo{Resources: []mesos.Resource{text}}
		},
		"one in the executor of a pod": func(e *mesos.ExecutorInfo, _ []mesos.TaskInfo) { e.Resources = append(e.Resources, text) },
		"one ID for all tasks":         func(_ *mesos.ExecutorInfo, ts []mesos.TaskInfo) { ts[len(ts)-1].TaskID = mesos.TaskID{Value: "a"} },
		"the ID of a task that runs":   func(_ *mesos.ExecutorInfo, ts []mesos.TaskInfo) { ts[0].TaskID = mesos.TaskID{Value: "other"} },
	} {
		t.Run(why, func(t *testing.T) {
			config := scheduler.Config{Builder: deadlyBuilder{change: change}}
			withHarness(t, mesostest.Config{Agents: agents(1)}, config, func(ctx context.Context, h *harness) {
				a, b := sleeper("a"), sleeper("b")
				a.Pod, b.Pod = "p", "p"
				var failed *scheduler.TaskError
				_, err := h.sched.LaunchPod(ctx, a, b)
				require.ErrorAs(h, err, &failed)
				require.ErrorContains(h, failed.Err, "the builder")
				if why != "one in the executor of a pod" && why != "one ID for all tasks" {
					_, err := h.sched.Launch(ctx, sleeper("alone"))
					require.ErrorAs(h, err, &failed)
					require.ErrorContains(h, failed.Err, "the builder")
				}
				require.Zero(h, h.master.Snapshot().Calls[calls.Call_ACCEPT])
				require.Empty(h, h.master.Snapshot().Deadly)
			})
		})
	}
}
