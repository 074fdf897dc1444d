package invoker

import "github.com/mesos-actor/mesos-actor-go/invoker/internal/victims"

// agentState is a machine on which containers run.
type agentState struct {
	id          string
	containers  []*container               // in no order
	used        int                        // MiB that they take
	removing    int                        // MiB of those that are being removed
	memory      int                        // MiB that containers can have, if known
	known       bool                       // the engine has said so
	planned     int                        // MiB of starts that are expected to come here
	claimed     int                        // MiB of what is free soon that somebody waits for, in the current step
	sweeps      int                        // containers that are being swept
	idle        *victims.Agent[*container] // those that may be removed
	emptying    bool                       // it has little to lose, and gets nothing new while others have room
	draining    bool                       // the engine says so
	drained     bool                       // the operator has asked for it
	unreachable bool
}

// add counts a container that has been started here.
func (a *agentState) add(c *container) {
	c.agent, c.agentIndex = a, len(a.containers)
	a.containers = append(a.containers, c)
	a.used += c.shape.Memory
}

// remove counts a container no longer.
func (a *agentState) remove(c *container) {
	last := len(a.containers) - 1
	moved := a.containers[last]
	a.containers[c.agentIndex], moved.agentIndex = moved, c.agentIndex
	a.containers[last] = nil
	a.containers = a.containers[:last]
	a.used -= c.shape.Memory
}

// drains reports whether nothing new may be started here.
func (a *agentState) drains() bool { return a.draining || a.drained }

// usable reports whether containers may be started here.
func (a *agentState) usable() bool { return a.known && !a.drains() && !a.unreachable }

// free returns how many MiB further starts can have.
func (a *agentState) free() int { return a.memory - a.used - a.planned }
