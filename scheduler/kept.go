package scheduler

import (
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

const (
	// keptPart is the largest size, in bytes as encoded by Mesos, of a part of a status that is kept.
	keptPart = printable.Max
	// keptElements is how many elements its lists have at most. Empty networks, of two bytes each, would take 88 each in memory.
	keptElements = 100
	// keptNetworks is of up to how many networks the addresses are kept if the container status is too large.
	keptNetworks = 32
)

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
	if s.CheckStatus != nil && isSmall(s.CheckStatus, 0) {
		kept.CheckStatus = s.CheckStatus
	}
	if s.Labels != nil && isSmall(s.Labels, len(s.Labels.Labels)) {
		kept.Labels = s.Labels
	}
	if s.Limitation != nil && isSmall(s.Limitation, len(s.Limitation.Resources)) {
		kept.Limitation = s.Limitation
	}
	if c := s.ContainerStatus; c != nil && isSmall(c, elementsOf(c)) {
		kept.ContainerStatus = c
	} else if c != nil && len(c.NetworkInfos) <= keptNetworks {
		if c = addressesOf(c); isSmall(c, elementsOf(c)) {
			kept.ContainerStatus = c
		}
	}
	return kept
}

// isSmall reports whether a part of a status, whose lists have so many elements, is kept.
func isSmall(part interface{ Size() int }, elements int) bool {
	return elements <= keptElements && part.Size() <= keptPart
}

// elementsOf returns how many elements the lists of a container status have.
func elementsOf(c *mesos.ContainerStatus) int {
	n := len(c.NetworkInfos)
	for i := range c.NetworkInfos {
		info := &c.NetworkInfos[i]
		n += len(info.IPAddresses) + len(info.Groups) + len(info.PortMappings) + len(info.GetLabels().GetLabels())
	}
	return n
}

// addressesOf returns of a container status what programs need most: its ID, and the names and addresses of its networks.
func addressesOf(c *mesos.ContainerStatus) *mesos.ContainerStatus {
	short := &mesos.ContainerStatus{ContainerID: c.ContainerID, ExecutorPID: c.ExecutorPID}
	for i := range c.NetworkInfos {
		n := &c.NetworkInfos[i]
		short.NetworkInfos = append(short.NetworkInfos, mesos.NetworkInfo{Name: n.Name, IPAddresses: n.IPAddresses})
	}
	return short
}
