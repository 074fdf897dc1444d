package scheduler

import (
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// keptPart is the largest size, in bytes as encoded by Mesos, of a part of a status that is kept.
const keptPart = printable.Max

// keptStatus returns what is kept of a status, and told: its message is cut, its data is left out, and so are those other
// parts that have no bound in Mesos and are large. What is left has some 20 KiB at most, since longer IDs have never come
// so far. It does not share memory with what is left out.
func keptStatus(s mesos.TaskStatus) mesos.TaskStatus {
	kept := mesos.TaskStatus{
		TaskID: s.TaskID, AgentID: s.AgentID, ExecutorID: s.ExecutorID, UUID: s.UUID,
		State: s.State, Source: s.Source, Reason: s.Reason, Message: s.Message, Healthy: s.Healthy,
		Timestamp: s.Timestamp, UnreachableTime: s.UnreachableTime,
	}
	if len(s.GetMessage()) > printable.Max {
		message := printable.Cut(*s.Message)
		kept.Message = &message
	}
	if s.CheckStatus != nil && s.CheckStatus.Size() <= keptPart {
		kept.CheckStatus = s.CheckStatus
	}
	if s.Labels != nil && s.Labels.Size() <= keptPart {
		kept.Labels = s.Labels
	}
	if s.ContainerStatus != nil && s.ContainerStatus.Size() <= keptPart {
		kept.ContainerStatus = s.ContainerStatus
	}
	if s.Limitation != nil && s.Limitation.Size() <= keptPart {
		kept.Limitation = s.Limitation
	}
	return kept
}
