package scheduler

import (
	"fmt"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/offerfilter"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
)

// action is something that the machine wants done. Actions are performed in the order in which
// step returns them. The machine guarantees:
//
//  1. a framework is on record before its first SUBSCRIBE, and its ID before anything is launched under it;
//  2. a task is stored as launched before its ACCEPT is sent;
//  3. an update with a uuid is acknowledged after its change of state was stored and delivered to the watchers;
//  4. nothing is sent on a stream that is not the current one.
//
// Without a store nothing waits. With one, records are written by the action store, and the actions that depend on
// them come after the input stored.
type action interface {
	isAction()
	fmt.Stringer
}

type (
	// subscribe opens subscription number stream, replacing any earlier one.
	subscribe struct {
		stream      int
		call        *scheduler.Call
		constraints offerfilter.Constraints
		// find is the nonce of a framework without ID whose SUBSCRIBE may have reached a master before: if that knows a
		// framework with this label, it is the one. "": there was none before.
		find string
	}
	// closeStream breaks the subscription, because of err if that is not nil.
	closeStream struct {
		stream int
		err    error
	}
	// send makes a call on a stream. Acknowledgements may overtake other calls and each
	// other, and all others keep their order, but for TEARDOWN: calls that have not been made by then are not made any more.
	send struct {
		stream      int
		call        *scheduler.Call
		constraints offerfilter.Constraints // of UPDATE_FRAMEWORK
		ref         ref                     // the caller that asked for it; 0: the machine itself
		// Of an ACCEPT: the role of its offers, and demand.Book.Arrivals of that role when it was decided on.
		role     string
		arrivals int
	}
	// takeBack removes the machine's own calls of a kind that wait in the lanes. For each there is a callDone, with unsent.
	takeBack struct {
		stream int
		kind   callKind
	}
	// dropping says, once in a subscription, that calls of a kind are dropped, since too many of them wait.
	dropping struct{ kind callKind }
	// register is never performed: the machine keeps it until the framework ID is stored, and then subscribes again.
	register struct{ stream int }
	// subscribeNext is never performed: the machine keeps it until the framework is on record, and then subscribes.
	subscribeNext struct{}
	// store writes records. There is no other store before the input stored has reported all of it.
	store struct{ changes []change }
	// reply answers a caller.
	reply struct {
		ref  ref
		info *record.Info // a copy, which nobody changes; nil: none
		err  error
		// submitted is the serial number of the task, or of the first member of the pod, of which this says that it is
		// recorded; 0: it says something else.
		submitted int
	}
	// notify delivers an event to the watchers.
	notify struct{ event Event }
	// warn logs something odd that has no event.
	warn struct{ text string }
	// stop ends the run.
	stop struct{ err error }
)

func (subscribe) isAction()     {}
func (closeStream) isAction()   {}
func (send) isAction()          {}
func (takeBack) isAction()      {}
func (dropping) isAction()      {}
func (register) isAction()      {}
func (subscribeNext) isAction() {}
func (store) isAction()         {}
func (reply) isAction()         {}
func (warn) isAction()          {}
func (notify) isAction()        {}
func (stop) isAction()          {}

func (a subscribe) String() string {
	s := fmt.Sprintf("subscribe stream %d", a.stream)
	if id := a.call.GetFrameworkID().GetValue(); id != "" {
		s += " as " + id
	}
	if a.find != "" {
		s += " as the one with the nonce, if there is one,"
	}
	if roles := a.call.GetSubscribe().GetSuppressedRoles(); len(roles) > 0 {
		s += " suppressing " + strings.Join(roles, ",")
	}
	return s + offerfilter.MinimumText(a.call.GetSubscribe().GetFrameworkInfo().GetOfferFilters()) + a.constraints.String()
}

func (a closeStream) String() string { return fmt.Sprintf("close stream %d", a.stream) }

func (a send) String() string {
	return fmt.Sprintf("send %d %s%s", a.stream, describeCall(a.call), a.constraints)
}

func (a takeBack) String() string { return fmt.Sprintf("take back %v", a.kind) }

func (a dropping) String() string { return fmt.Sprintf("dropping %v", a.kind) }

func (a register) String() string { return fmt.Sprintf("register %d", a.stream) }

func (subscribeNext) String() string { return "subscribe next" }

func (a store) String() string {
	s := "store"
	for i, c := range a.changes {
		if i > 0 {
			s += ","
		}
		s += " " + c.String()
	}
	return s
}

func (a reply) String() string {
	if a.err != nil {
		return fmt.Sprintf("reply %d error: %v", a.ref, a.err)
	}
	if a.info == nil || a.info.Spec.ID == "" {
		return fmt.Sprintf("reply %d ok", a.ref)
	}
	return fmt.Sprintf("reply %d %s %s", a.ref, a.info.Spec.ID, a.info.State)
}

func (a notify) String() string { return fmt.Sprintf("notify %v", a.event) }

func (a warn) String() string { return "warn: " + a.text }

func (a stop) String() string {
	if a.err == nil {
		return "stop"
	}
	return "stop: " + a.err.Error()
}

// mostNamed is how many IDs of a call a text has: one offer has some 40 bytes, and a DECLINE may have 20,000 of them.
const mostNamed = 10

// describeCall returns the type of a call and what it is about, with at most some IDs.
func describeCall(c *scheduler.Call) string {
	if about := describePayload(c); about != "" {
		return c.GetType().String() + " " + about
	}
	return c.GetType().String()
}

func describePayload(c *scheduler.Call) string {
	offer := func(id mesos.OfferID) string { return id.Value }
	switch c.GetType() {
	case scheduler.Call_ACCEPT:
		launch := func(t *mesos.TaskInfo) string { return fmt.Sprintf("launch %s on %s", t.TaskID.Value, t.AgentID.Value) }
		return words(named(c.Accept.OfferIDs, offer), named(launchedBy(c), launch), describeFilters(c.Accept.Filters))
	case scheduler.Call_DECLINE:
		return words(named(c.Decline.OfferIDs, offer), describeFilters(c.Decline.Filters))
	case scheduler.Call_REVIVE:
		return describeRoles(c.GetRevive().GetRoles())
	case scheduler.Call_SUPPRESS:
		return describeRoles(c.GetSuppress().GetRoles())
	case scheduler.Call_KILL:
		return fmt.Sprintf("%s on %s", c.Kill.TaskID.Value, c.Kill.GetAgentID().GetValue())
	case scheduler.Call_RECONCILE:
		return named(c.Reconcile.Tasks, func(t scheduler.Call_Reconcile_Task) string {
			return fmt.Sprintf("%s on %s", t.TaskID.Value, t.AgentID.GetValue())
		})
	case scheduler.Call_ACCEPT_INVERSE_OFFERS:
		return named(c.AcceptInverseOffers.InverseOfferIDs, offer)
	case scheduler.Call_DECLINE_INVERSE_OFFERS:
		return words(named(c.DeclineInverseOffers.InverseOfferIDs, offer), describeFilters(c.DeclineInverseOffers.Filters))
	case scheduler.Call_UPDATE_FRAMEWORK:
		suppressing := ""
		if roles := c.UpdateFramework.SuppressedRoles; len(roles) > 0 {
			suppressing = "suppressing " + describeRoles(roles)
		}
		return words(suppressing, strings.TrimPrefix(offerfilter.MinimumText(c.UpdateFramework.FrameworkInfo.OfferFilters), " "))
	case scheduler.Call_ACKNOWLEDGE:
		return fmt.Sprintf("%s on %s uuid %x", c.Acknowledge.TaskID.Value, c.Acknowledge.AgentID.Value, c.Acknowledge.UUID)
	}
	return ""
}

// words joins texts that are not empty.
func words(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), " ")
}

// named returns the names of the first ones, and how many more there are.
func named[T any](all []T, name func(T) string) string {
	names := make([]string, 0, mostNamed+1)
	for _, one := range all[:min(len(all), mostNamed)] {
		names = append(names, name(one))
	}
	if more := len(all) - mostNamed; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, " ")
}

// describeRoles returns the roles of a call as text, empty if it is for all.
func describeRoles(roles []string) string {
	if more := len(roles) - mostNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(roles[:mostNamed], ","), more)
	}
	return strings.Join(roles, ",")
}

func describeFilters(f *mesos.Filters) string {
	if f == nil || f.RefuseSeconds == nil {
		return ""
	}
	return "refuse " + time.Duration(*f.RefuseSeconds*float64(time.Second)).String()
}

// launchedBy returns the tasks that an ACCEPT launches.
func launchedBy(c *scheduler.Call) []*mesos.TaskInfo {
	operations := c.GetAccept().GetOperations()
	tasks := make([]*mesos.TaskInfo, 0, len(operations))
	for i := range operations {
		tasks = append(tasks, launchedIn(&operations[i])...)
	}
	return tasks
}

// launchedIn returns the tasks that one operation launches.
func launchedIn(o *mesos.Offer_Operation) []*mesos.TaskInfo {
	launched := o.GetLaunch().GetTaskInfos()
	if o.LaunchGroup != nil {
		launched = o.LaunchGroup.TaskGroup.Tasks
	}
	tasks := make([]*mesos.TaskInfo, len(launched))
	for i := range launched {
		tasks[i] = &launched[i]
	}
	return tasks
}
