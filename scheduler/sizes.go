package scheduler

import (
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Estimates, in bytes, of what events and offers take without their texts.
const (
	eventOverhead     = 100  // of most
	taskOverhead      = 1000 // of a task.Info; what its Spec points to is shared with the task
	statusOverhead    = 400  // of a mesos.TaskStatus, and of what it points to
	rejectionOverhead = 60
	reasonOverhead    = 100
	idOverhead        = 16  // of an ID that is shared with its task
	errorSize         = 500 // of an error, whose text is not built to find its length
	offerOverhead     = 500
	agentOverhead     = 400 // of what the census keeps
	attributeOverhead = 80
	resourceOverhead  = 250
)

// eventSize returns about how many bytes an event takes. It is quick: it is called for each event that somebody watches.
func eventSize(e Event) int {
	switch e := e.(type) {
	case *taskChange:
		return taskOverhead + max(statusSize(e.status), e.info.StatusSize()) + len(e.message) // status is nil where it is encoded alone
	case TaskEvent:
		return taskOverhead + statusSize(e.Task.Status) + len(e.Message)
	case RemovedEvent:
		return eventOverhead + idOverhead*len(e.Tasks)
	case UnknownTaskEvent:
		return eventOverhead + statusSize(&e.Status)
	case OfferEvent:
		return eventOverhead + rejectionsSize(e.Rejections)
	case InverseOfferEvent:
		return eventOverhead + len(e.Offer.AgentID) + idOverhead*len(e.Offer.Tasks)
	case NeverOfferedEvent:
		return eventOverhead + errorSize + idOverhead*len(e.Tasks)
	case FailureEvent:
		return eventOverhead + len(e.AgentID) + len(e.ExecutorID)
	case ConnectionEvent:
		return eventOverhead + errorSize
	case StoreEvent:
		return eventOverhead + errorSize
	}
	return eventOverhead
}

func rejectionsSize(rejections []task.Rejection) (size int) {
	for i := range rejections {
		size += rejectionOverhead + reasonOverhead*len(rejections[i].Reasons)
	}
	return size
}

// statusSize returns about how many bytes a status takes.
func statusSize(s *mesos.TaskStatus) int {
	if s == nil {
		return 0
	}
	size := statusOverhead + len(s.GetMessage()) + len(s.TaskID.Value) + len(s.GetAgentID().GetValue()) + len(s.GetExecutorID().GetValue())
	if s.Labels != nil {
		size += s.Labels.Size()
	}
	if s.ContainerStatus != nil {
		size += s.ContainerStatus.Size()
	}
	if s.Limitation != nil {
		size += s.Limitation.Size()
	}
	return size
}

// fit reports whether an offer is not too large.
func (l *limits) fit(o *task.Offer) bool {
	about := agentSize(&o.Agent)
	return about <= l.about && about+resourcesSize(o) <= l.offer && len(o.Role) <= l.about
}

// offerSize returns about how many bytes an offer takes in memory.
func offerSize(o *task.Offer) int {
	return offerOverhead + len(o.ID) + agentSize(&o.Agent) + resourcesSize(o)
}

// agentSize returns about how many bytes the description of an agent takes.
func agentSize(a *task.Agent) int {
	size := len(a.ID) + len(a.Hostname) + len(a.Address) + len(a.Region) + len(a.Zone)
	for i := range a.Attributes {
		size += attributeOverhead + a.Attributes[i].Size()
	}
	return size
}

// resourcesSize returns about how many bytes the resources of an offer, and its role, take.
func resourcesSize(o *task.Offer) int {
	size := len(o.Role)
	for i := range o.Resources {
		size += resourceSize(&o.Resources[i])
	}
	return size
}

// resourceSize spares most resources a second look.
func resourceSize(r *mesos.Resource) int {
	size := resourceOverhead + len(r.Name) + len(r.GetRole()) + len(r.AllocationInfo.GetRole())
	if r.Ranges != nil {
		const each = 16
		size += each * len(r.Ranges.Range)
	}
	if r.Set != nil || r.Disk != nil || r.Reservation != nil || len(r.Reservations) > 0 || r.ProviderID != nil {
		const decoded = 3 // times its encoded size
		size += decoded * r.Size()
	}
	return size
}
