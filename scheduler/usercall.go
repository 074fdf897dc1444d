package scheduler

import (
	"fmt"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// checkedCall returns a copy of a user's call, or a *CallError if it must not be made. Masters end themselves over some
// calls, such as one of type UNKNOWN or with a resource of type TEXT, instead of refusing them.
func checkedCall(call *scheduler.Call) (*scheduler.Call, error) {
	refuse := func(why string) (*scheduler.Call, error) {
		return nil, &CallError{Call: call.GetType().String(), Message: why}
	}
	if why := whyNotMade(call); why != "" {
		return refuse(why)
	}
	withID := *call
	withID.FrameworkID = &mesos.FrameworkID{} // required
	wire, err := withID.Marshal()
	if err != nil {
		return refuse(err.Error())
	}
	copied := &scheduler.Call{}
	if err := copied.Unmarshal(wire); err != nil {
		return refuse(err.Error())
	}
	return copied, nil
}

// whyNotMade returns why a user's call must not be made, or "".
func whyNotMade(call *scheduler.Call) string {
	switch call.GetType() {
	case scheduler.Call_SHUTDOWN:
		return missing(call.Shutdown != nil, call.GetShutdown().GetAgentID().Value, call.GetShutdown().GetExecutorID().Value)
	case scheduler.Call_KILL: // of a task that is not on record
		return missing(call.Kill != nil, call.GetKill().GetTaskID().Value)
	case scheduler.Call_MESSAGE:
		return missing(call.Message != nil, call.GetMessage().GetAgentID().Value, call.GetMessage().GetExecutorID().Value)
	case scheduler.Call_REQUEST:
		for _, r := range call.GetRequest().GetRequests() {
			if err := checkResources(r.Resources); err != nil {
				return err.Error()
			}
		}
		return missing(call.Request != nil)
	case scheduler.Call_UPDATE_FRAMEWORK:
		return missing(call.UpdateFramework != nil)
	case scheduler.Call_ACKNOWLEDGE_OPERATION_STATUS:
		a := call.GetAcknowledgeOperationStatus()
		if a != nil && len(a.UUID) != 16 {
			return "the UUID must have 16 bytes"
		}
		return missing(a != nil, a.GetAgentID().GetValue(), a.GetOperationID().Value)
	case scheduler.Call_RECONCILE_OPERATIONS:
		var ids []string
		for _, o := range call.GetReconcileOperations().GetOperations() {
			ids = append(ids, o.OperationID.Value)
		}
		return missing(call.ReconcileOperations != nil, ids...)
	}
	return "only the scheduler itself makes this call"
}

// missing returns what is wrong with a call without payload, or with one of these IDs empty.
func missing(payload bool, ids ...string) string {
	if !payload {
		return "the call has no payload"
	}
	for _, id := range ids {
		if id == "" {
			return "the call has an empty ID"
		}
	}
	return ""
}

// checkResources returns an error if a master cannot print one of the resources, which ends it: resources are scalars,
// ranges or sets, and have the value that their type says.
func checkResources(resources []mesos.Resource) error {
	for i := range resources {
		r := &resources[i]
		switch {
		case r.Type != nil && *r.Type == mesos.SCALAR && r.Scalar != nil:
		case r.Type != nil && *r.Type == mesos.RANGES && r.Ranges != nil:
		case r.Type != nil && *r.Type == mesos.SET && r.Set != nil:
		default:
			return fmt.Errorf("resource %q is no scalar, ranges or set", r.Name)
		}
	}
	return nil
}
