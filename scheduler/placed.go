package scheduler

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// placed keeps what was placed while a builder works on it, in encoded form: a builder may change what it is given. Mostly
// it only passes that on, which is found out without decoding anything.
type placed struct {
	buffer []byte
	ends   []int  // of the lists in buffer
	other  []byte // scratch space
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

// change returns how resources differ from the list of that number, such as "cpus:2;mem:32 instead of cpus:1;mem:32", or "".
// Placement n has the lists 2n and, for its executor, 2n+1.
func (p *placed) change(list int, resources []mesos.Resource) string {
	begin := 0
	if list > 0 {
		begin = p.ends[list-1]
	}
	kept := p.buffer[begin:p.ends[list]]
	if p.other = appendResources(p.other[:0], resources); bytes.Equal(p.other, kept) {
		return ""
	}
	before := decodeResources(kept)
	left := newLeftovers(before)
	err := left.take(resources)
	switch {
	case err == nil && len(left.resources()) == 0:
		return ""
	case err != nil && !errors.Is(err, errTooMuch): // it may look the same
		return fmt.Sprintf("%s: %v", describeDifference(resources, before), err)
	}
	return describeDifference(resources, before)
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

// checkComplete returns an error if a part is missing that Mesos requires.
func (p *placed) checkComplete(operation *mesos.Offer_Operation) error {
	size := operation.Size()
	p.other = slices.Grow(p.other[:0], size)
	_, err := operation.MarshalTo(p.other[:size])
	return err
}

// checkBuilt returns an error if a builder made something else of tasks than what was placed: an update would be about a
// task, or come from an agent, that is not on record, and a master would refuse what was not offered, or end itself over it.
// Parts are the placements of the members, and of a pod also its executor's.
func (p *placed) checkBuilt(e *entry, operation *mesos.Offer_Operation, parts []task.Placement) error {
	launched, members := launchedIn(operation), e.members()
	if len(launched) != len(members) {
		return fmt.Errorf("scheduler: the builder made %d tasks for a pod of %d", len(launched), len(members))
	}
	for i, e := range members {
		t, id := launched[i], e.Info.Spec.ID
		if t.TaskID.Value != id || t.AgentID.Value != parts[i].AgentID {
			return fmt.Errorf("scheduler: the builder made task %q on agent %q", t.TaskID.Value, t.AgentID.Value)
		}
		if change := p.change(2*i, t.Resources); change != "" {
			return fmt.Errorf("scheduler: the builder gave task %q %s", id, change)
		}
		executor, own := 2*i+1, []mesos.Resource(nil)
		if t.Executor != nil {
			own = t.Executor.Resources
			if e.pod != nil { // a master takes it only if it is the same as that of the pod
				executor = 2 * len(members)
			}
		}
		if change := p.change(executor, own); change != "" {
			return fmt.Errorf("scheduler: the builder gave the executor of task %q %s", id, change)
		}
	}
	if e.pod == nil {
		return nil
	}
	name, executor := members[0].Info.Spec.Pod(), &operation.LaunchGroup.Executor
	if executor.ExecutorID.Value != name {
		return fmt.Errorf("scheduler: the builder gave pod %q an executor with ID %q", name, executor.ExecutorID.Value)
	}
	if change := p.change(2*len(members), executor.Resources); change != "" {
		return fmt.Errorf("scheduler: the builder gave the executor of pod %q %s", name, change)
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
