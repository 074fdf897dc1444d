package mesosfake

import (
	"strconv"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
)

// Fault is what happens to a call. A positive one is the HTTP status of the answer, such as
// Fault(http.StatusServiceUnavailable); the call then has no effect.
type Fault int

// The faults other than HTTP statuses.
const (
	FaultNone      Fault = 0  // the call is handled
	FaultSwallow   Fault = -1 // the call is answered 202 and has no effect
	FaultHang      Fault = -2 // the call is never answered and has no effect
	FaultCut       Fault = -3 // the connection breaks, and the call has no effect
	FaultHangAfter Fault = -4 // the call has its effect, but is never answered
	FaultCutAfter  Fault = -5 // the call has its effect, but the connection breaks before the answer
)

// String returns the name of the fault, such as "hang", or the HTTP status, such as "503".
func (f Fault) String() string {
	switch f {
	case FaultNone:
		return "none"
	case FaultSwallow:
		return "swallow"
	case FaultHang:
		return "hang"
	case FaultCut:
		return "cut"
	case FaultHangAfter:
		return "hang after"
	case FaultCutAfter:
		return "cut after"
	}
	return strconv.Itoa(int(f))
}

// Call is a call of a framework.
type Call struct {
	Type        string          // such as "SUBSCRIBE" or "ACCEPT"
	FrameworkID string          // "" in the first SUBSCRIBE of a framework
	Message     *scheduler.Call // all of it; must not be changed
}

// Intercept has f decide what happens to each call. It must not block and must not call methods of the Cluster. nil
// ends it.
func (c *Cluster) Intercept(f func(Call) Fault) {
	if f == nil {
		c.master.Intercept(nil)
		return
	}
	c.master.Intercept(func(call *scheduler.Call) mesostest.Fault {
		return mesostest.Fault(f(Call{Type: call.Type.String(), FrameworkID: call.GetFrameworkID().GetValue(), Message: call}))
	})
}

// Disconnect breaks the connection of every framework that is subscribed.
func (c *Cluster) Disconnect() { c.master.CutStreams() }

// Silence keeps all subscriptions open and sends nothing on them, not even heartbeats, as if packets were lost. Calls are
// answered. Silence(false) sends what was kept back.
func (c *Cluster) Silence(on bool) { c.master.Silence(on) }

// RescindOffers takes all offers back. They are made again within a second.
func (c *Cluster) RescindOffers() { c.master.RescindOffers() }

// Failover kills the leading master and starts it again after down. A single master then leads again; of several another
// one leads 10 s after the kill, when ZooKeeper has noticed. Agents register with the new leader within 2 s. The error wraps
// [ErrNotFound] when no master leads.
func (c *Cluster) Failover(down time.Duration) error {
	return found(c.master.Failover(down), "master", "leader")
}

// EndTask has the command of a running task exit with a status, whatever it is; this is how a task with a container image
// ends, which otherwise runs until it is killed.
func (c *Cluster) EndTask(id string, status uint8) error {
	return found(c.master.EndTask(id, status), "task", id)
}

// KillTask kills the executor of a task, as the kernel does when memory runs out: the task fails.
func (c *Cluster) KillTask(id string) error {
	return found(c.master.KillExecutor(id), "task", id)
}

// SetHealth decides how the health check of a running task ends from the next time on. By default checks over HTTP and
// TCP succeed. The task must have one.
func (c *Cluster) SetHealth(id string, healthy bool) error {
	return found(c.master.SetHealth(id, healthy), "task with a health check", id)
}

// Teardown removes a framework and its tasks, as an operator does.
func (c *Cluster) Teardown(frameworkID string) error { return operated(c.master.Teardown(frameworkID)) }
