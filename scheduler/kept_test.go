package scheduler

import (
	"fmt"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// hugeParts returns the parts of a status that Mesos does not bound, each of some megabytes.
func hugeParts() mesos.TaskStatus {
	labels := make([]mesos.Label, 1_000_000)
	networks := make([]mesos.NetworkInfo, 1_000_000)
	for i := range labels {
		labels[i].Key = "key"
		networks[i].IPAddresses = []mesos.NetworkInfo_IPAddress{{IPAddress: proto("10.0.0.1")}}
	}
	return mesos.TaskStatus{
		Message: proto(strings.Repeat("oops ", 6_000_000)), Data: make([]byte, 10_000_000),
		Labels:          &mesos.Labels{Labels: labels},
		ContainerStatus: &mesos.ContainerStatus{NetworkInfos: networks},
		Limitation:      &mesos.TaskResourceLimitation{Resources: make([]mesos.Resource, 1_000_000)},
		CheckStatus:     &mesos.CheckStatusInfo{Type: mesos.CheckInfo_HTTP.Enum(), HTTP: &mesos.CheckStatusInfo_Http{StatusCode: proto(uint32(200))}},
	}
}

// updateOf returns an update about a task on agent a1.
func updateOf(id string, state mesos.TaskState, s mesos.TaskStatus) *scheduler.Event {
	s.TaskID, s.AgentID, s.State = mesos.TaskID{Value: id}, &mesos.AgentID{Value: "a1"}, state.Enum()
	s.UUID = []byte(id + state.String())
	return &scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: s}}
}

// Of a status with huge parts little is kept, told and stored.
func TestStatusOf30MB(t *testing.T) {
	s, e := launched(t)
	actions := s.actions(streamEvent{stream: s.machine.conn.stream, event: updateOf("t", mesos.TASK_RUNNING, hugeParts())})
	status := e.Info.Status()
	require.Len(t, status.GetMessage(), printable.Max-40+len("… (29995944 more bytes)"))
	require.True(t, strings.HasSuffix(status.GetMessage(), "… (29995944 more bytes)"), "it says what is left out")
	require.Nil(t, status.Data)
	require.Nil(t, status.Labels)
	require.Nil(t, status.ContainerStatus)
	require.Nil(t, status.Limitation)
	require.NotNil(t, status.CheckStatus, "a small part is kept")
	require.Empty(t, e.Info.IPs())
	require.Less(t, status.Size(), 5000)
	told := false
	for _, a := range actions {
		if n, ok := a.(notify); ok {
			told = true
			require.Less(t, eventSize(n.event), 7000)
			require.Less(t, len(n.event.String()), 10_000)
		}
	}
	require.True(t, told)
	encoded, err := record.EncodeTask(e.snapshot())
	require.NoError(t, err)
	require.Less(t, len(encoded), 10_000)
}

// The same holds for the status of a task that is not on record.
func TestUnknownTaskWithStatusOf30MB(t *testing.T) {
	s, _ := launched(t)
	told := 0
	for _, a := range s.actions(streamEvent{stream: s.machine.conn.stream, event: updateOf("other", mesos.TASK_RUNNING, hugeParts())}) {
		switch a := a.(type) {
		case notify:
			told++
			status := a.event.(UnknownTaskEvent).Status
			require.Less(t, status.Size(), 5000)
			require.Contains(t, status.GetMessage(), "more bytes)")
		case send:
			require.Less(t, a.call.Size(), 200)
		}
	}
	require.Equal(t, 1, told)
}

// An ordinary status is kept as it is, but for its data.
func TestOrdinaryStatusIsKept(t *testing.T) {
	status := statusOf("a1", "an-ordinary-task-1", mesos.TASK_RUNNING, 8<<10).Update.Status
	status.Labels = &mesos.Labels{Labels: []mesos.Label{{Key: "a", Value: proto("b")}}}
	status.Limitation = &mesos.TaskResourceLimitation{}
	status.UnreachableTime = &mesos.TimeInfo{Nanoseconds: 1}
	status.CheckStatus = &mesos.CheckStatusInfo{Type: mesos.CheckInfo_TCP.Enum()}
	status.Healthy, status.Reason = proto(true), mesos.REASON_TASK_CHECK_STATUS_UPDATED.Enum()
	want := status
	want.Data = nil
	require.Equal(t, want, keptStatus(status))
}

// What is kept of a status does not keep the rest of its event in memory.
func TestKeptStatusSharesNothingWithItsEvent(t *testing.T) {
	const updates, size = 50, 1_000_000
	m := pendingMachine(time.Unix(0, 0), updates, "1")
	before := liveHeap()
	for i := range updates {
		update := updateOf(fmt.Sprint("t", i), mesos.TASK_RUNNING, mesos.TaskStatus{Message: proto(strings.Repeat("x", size)), Data: make([]byte, size)})
		frame, err := update.Marshal()
		require.NoError(t, err)
		received := new(scheduler.Event)
		require.NoError(t, received.Unmarshal(frame))
		m.tasks.byID[fmt.Sprint("t", i)].Lost = 1 // so that it may have been launched
		m.step(time.Unix(0, 0), streamEvent{stream: 1, event: received})
	}
	grown := liveHeap() - before
	running := 0
	for _, e := range m.tasks.byID {
		if e.Info.State == task.StateRunning {
			running++
		}
	}
	require.Equal(t, updates, running)
	require.Less(t, grown, int64(size), "bytes for %d updates of %d", updates, 2*size)
}

// Why a master ends a subscription is kept in errors and events.
func TestErrorMessageOf30MB(t *testing.T) {
	s, _ := launched(t)
	told := 0
	event := &scheduler.Event{Type: scheduler.Event_ERROR, Error: &scheduler.Event_Error{Message: strings.Repeat("oops ", 6_000_000)}}
	for _, a := range s.actions(streamEvent{stream: s.machine.conn.stream, event: event}) {
		switch a := a.(type) {
		case notify:
			told++
			text := a.event.(ConnectionEvent).Err.Error()
			require.Contains(t, text, "more bytes)")
			require.Less(t, len(text), 5000)
		case closeStream:
			require.Less(t, len(a.err.Error()), 5000)
		}
	}
	require.Equal(t, 1, told)
	require.Less(t, len(s.machine.conn.status().Err.Error()), 5000)
}

// Parts that are small on the wire and large in memory are left out: 4 KiB of empty networks take 180 KB.
func TestStatusThatIsSmallOnTheWire(t *testing.T) {
	many := make([]mesos.NetworkInfo_IPAddress, 1000)
	for what, s := range map[string]mesos.TaskStatus{
		"networks":  {ContainerStatus: &mesos.ContainerStatus{NetworkInfos: make([]mesos.NetworkInfo, 1000)}},
		"addresses": {ContainerStatus: &mesos.ContainerStatus{NetworkInfos: []mesos.NetworkInfo{{IPAddresses: many}}}},
		"labels":    {Labels: &mesos.Labels{Labels: make([]mesos.Label, 500)}},
		"resources": {Limitation: &mesos.TaskResourceLimitation{Resources: make([]mesos.Resource, 500)}},
	} {
		require.LessOrEqual(t, s.Size(), keptPart, what)
		require.Equal(t, mesos.TaskStatus{}, keptStatus(s), what)
	}
}

// The addresses of a container are kept although the rest of its status is too large.
func TestAddressesInALargeContainerStatus(t *testing.T) {
	s, e := launched(t)
	name, labels := proto("cni"), &mesos.Labels{Labels: make([]mesos.Label, 5000)}
	addresses := []mesos.NetworkInfo_IPAddress{{IPAddress: proto("10.0.0.1")}}
	status := mesos.TaskStatus{ContainerStatus: &mesos.ContainerStatus{
		ContainerID: &mesos.ContainerID{Value: "c"}, ExecutorPID: proto(uint32(7)),
		NetworkInfos: []mesos.NetworkInfo{{Name: name, IPAddresses: addresses, Labels: labels}},
	}}
	s.actions(streamEvent{stream: s.machine.conn.stream, event: updateOf("t", mesos.TASK_RUNNING, status)})
	require.Equal(t, []string{"10.0.0.1"}, e.Info.IPs())
	require.Equal(t, &mesos.ContainerStatus{
		ContainerID: &mesos.ContainerID{Value: "c"}, ExecutorPID: proto(uint32(7)),
		NetworkInfos: []mesos.NetworkInfo{{Name: name, IPAddresses: addresses}},
	}, e.Info.Status().ContainerStatus)
}
