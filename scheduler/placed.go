package scheduler

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// placed keeps what was placed while a builder works on it, in encoded form: a builder may change what it is given. Mostly
// it only passes that on, which is found out without decoding anything.
type placed struct {
	buffer []byte
	ends   []int // of the lists in buffer
	other  []byte
}

// keep keeps the resources of placements, and for each those of its executor.
func (p *placed) keep(placements []task.Placement) {
	p.buffer, p.ends = p.buffer[:0], p.ends[:0]
	for i := range placements {
		for _, resources := range [...][]mesos.Resource{placements[i].Resources, placements[i].ExecutorResources} {
			p.buffer = appendResources(p.buffer, resources)
			p.ends = append(p.ends, len(p.buffer))
		}
	}
}

// differs returns what placement n had, or if executor is set, its executor, and reports whether that is something else.
func (p *placed) differs(n int, executor bool, resources []mesos.Resource) ([]mesos.Resource, bool) {
	list := 2 * n
	if executor {
		list++
	}
	begin := 0
	if list > 0 {
		begin = p.ends[list-1]
	}
	kept := p.buffer[begin:p.ends[list]]
	if p.other = appendResources(p.other[:0], resources); bytes.Equal(p.other, kept) {
		return nil, false
	}
	before := decodeResources(kept)
	left := newLeftovers(before)
	return before, left.take(resources) != nil || len(left.resources()) > 0
}

// appendResources appends resources, each behind its length.
func appendResources(b []byte, resources []mesos.Resource) []byte {
	for i := range resources {
		size := resources[i].Size()
		b = binary.AppendUvarint(b, uint64(size))
		b = slices.Grow(b, size)
		n, err := resources[i].MarshalTo(b[len(b) : len(b)+size])
		if err != nil {
			n = 0 // it differs from all others
		}
		b = b[:len(b)+n]
	}
	return b
}

// decodeResources decodes what appendResources has encoded.
func decodeResources(b []byte) []mesos.Resource {
	var all []mesos.Resource
	for len(b) > 0 {
		size, n := binary.Uvarint(b)
		end := n + int(size)
		if n <= 0 || end > len(b) {
			return all
		}
		var r mesos.Resource
		if r.Unmarshal(b[n:end]) != nil {
			return all
		}
		all, b = append(all, r), b[end:]
	}
	return all
}

// checkBuilt returns an error if a builder made something else of tasks than what was placed: an update would be about a
// task, or come from an agent, that is not on record, or a master would refuse what was not offered. Parts are the
// placements of the members, and of a pod also its executor's.
func (p *placed) checkBuilt(e *entry, operation *mesos.Offer_Operation, parts []task.Placement) error {
	launched := launchedIn(operation)
	members := e.members()
	if len(launched) != len(members) {
		return fmt.Errorf("scheduler: the builder made %d tasks for a pod of %d", len(launched), len(members))
	}
	for i, e := range members {
		t := launched[i]
		if t.TaskID.Value != e.Info.Spec.ID || t.AgentID.Value != parts[i].AgentID {
			return fmt.Errorf("scheduler: the builder made task %q on agent %q", t.TaskID.Value, t.AgentID.Value)
		}
		if err := checkPrintable(t); err != nil { // a master would end itself
			return fmt.Errorf("scheduler: what the builder made of task %q: %w", e.Info.Spec.ID, err)
		}
		if before, differ := p.differs(i, false, t.Resources); differ {
			return fmt.Errorf("scheduler: the builder gave task %q %s", e.Info.Spec.ID, describeDifference(t.Resources, before))
		}
		var own []mesos.Resource
		if t.Executor != nil && operation.LaunchGroup == nil {
			own = t.Executor.Resources
		}
		if before, differ := p.differs(i, true, own); differ {
			return fmt.Errorf("scheduler: the builder gave the executor of task %q %s", e.Info.Spec.ID, describeDifference(own, before))
		}
	}
	if e.pod == nil {
		return nil
	}
	executor := &operation.LaunchGroup.Executor
	if err := checkResources(executor.Resources); err != nil {
		return fmt.Errorf("scheduler: the executor that the builder made of pod %q: %w", members[0].Info.Spec.Pod, err)
	}
	if name := members[0].Info.Spec.Pod; executor.ExecutorID.Value != name {
		return fmt.Errorf("scheduler: the builder gave pod %q an executor with ID %q", name, executor.ExecutorID.Value)
	}
	if before, differ := p.differs(len(members), false, executor.Resources); differ {
		return fmt.Errorf("scheduler: the builder gave the executor of pod %q %s", executor.ExecutorID.Value, describeDifference(executor.Resources, before))
	}
	return nil
}

// describeDifference returns text such as "cpus:2;mem:32 instead of cpus:1;mem:32".
func describeDifference(got, before []mesos.Resource) string {
	a, b := describeResources(got), describeResources(before)
	if a == b { // they are allocated to different roles
		a, b = mesos.Resources(got).Format(showAllocated), mesos.Resources(before).Format(showAllocated)
	}
	return a + " instead of " + b
}

func showAllocated(o *mesos.ResourcesFormatOptions) { o.ShowAllocated = true }
