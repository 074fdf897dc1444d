package validate

import (
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// invalidCall is how the answers to calls begin.
const invalidCall = "Failed to validate scheduler::Call: "

// CallWithoutType is the answer to a call whose type is missing or not known.
const CallWithoutType = invalidCall + "Expecting 'type' to be present"

// Call checks what needs only the call itself, of a known type, and the principal that authenticated, "" for none. It
// returns the body of the answer 400, or "".
func Call(c *scheduler.Call, principal string) string {
	if fault := callFault(c, principal); fault != "" {
		return invalidCall + fault
	}
	return ""
}

func callFault(c *scheduler.Call, principal string) string {
	if c.Type == scheduler.Call_SUBSCRIBE {
		return subscribeFault(c, principal)
	}
	if c.FrameworkID == nil {
		return Absent("framework_id")
	}
	if name, ok := payload(c); !ok {
		return Absent(name)
	}
	switch c.Type {
	case scheduler.Call_ACKNOWLEDGE:
		if !validUUID(c.Acknowledge.UUID) {
			return "Not a valid UUID"
		}
	case scheduler.Call_ACKNOWLEDGE_OPERATION_STATUS:
		if !validUUID(c.AcknowledgeOperationStatus.UUID) {
			return "Not a valid UUID"
		}
		if c.AcknowledgeOperationStatus.AgentID == nil {
			return Absent("agent_id")
		}
	case scheduler.Call_UPDATE_FRAMEWORK:
		if c.UpdateFramework.FrameworkInfo.GetID().GetValue() != c.FrameworkID.GetValue() {
			return "'framework_id' differs from 'update_framework.framework_info.id'"
		}
	}
	return ""
}

// Absent returns what Mesos says about a part of a call that is not there.
func Absent(name string) string { return "Expecting '" + name + "' to be present" }

func subscribeFault(c *scheduler.Call, principal string) string {
	if c.Subscribe == nil {
		return Absent("subscribe")
	}
	info := c.Subscribe.FrameworkInfo
	if info.GetID().GetValue() != c.GetFrameworkID().GetValue() {
		return "'framework_id' differs from 'subscribe.framework_info.id'"
	}
	if principal != "" && info.Principal != nil && *info.Principal != principal {
		return "Authenticated principal '" + principal + "' does not match principal '" + *info.Principal + "' set in `FrameworkInfo`"
	}
	return ""
}

// payload returns the name of the part that the type of the call asks for, and whether it is there. REVIVE, SUPPRESS
// and TEARDOWN ask for none.
func payload(c *scheduler.Call) (name string, ok bool) {
	switch c.Type {
	case scheduler.Call_ACCEPT:
		return "accept", c.Accept != nil
	case scheduler.Call_DECLINE:
		return "decline", c.Decline != nil
	case scheduler.Call_ACCEPT_INVERSE_OFFERS:
		return "accept_inverse_offers", c.AcceptInverseOffers != nil
	case scheduler.Call_DECLINE_INVERSE_OFFERS:
		return "decline_inverse_offers", c.DeclineInverseOffers != nil
	case scheduler.Call_KILL:
		return "kill", c.Kill != nil
	case scheduler.Call_SHUTDOWN:
		return "shutdown", c.Shutdown != nil
	case scheduler.Call_ACKNOWLEDGE:
		return "acknowledge", c.Acknowledge != nil
	case scheduler.Call_ACKNOWLEDGE_OPERATION_STATUS:
		return "acknowledge_operation_status", c.AcknowledgeOperationStatus != nil
	case scheduler.Call_RECONCILE:
		return "reconcile", c.Reconcile != nil
	case scheduler.Call_RECONCILE_OPERATIONS:
		return "reconcile_operations", c.ReconcileOperations != nil
	case scheduler.Call_MESSAGE:
		return "message", c.Message != nil
	case scheduler.Call_REQUEST:
		return "request", c.Request != nil
	case scheduler.Call_UPDATE_FRAMEWORK:
		return "update_framework", c.UpdateFramework != nil
	}
	return "", true
}

// validUUID reports whether the bytes are a UUID of one of the versions 1 to 5, the only ones that Mesos takes.
func validUUID(b []byte) bool {
	return len(b) == 16 && b[6]>>4 >= 1 && b[6]>>4 <= 5
}
