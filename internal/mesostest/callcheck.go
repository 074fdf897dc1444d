package mesostest

import (
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// checkCall is the part of validation that needs only the call itself. It returns the master's
// words, or "".
func checkCall(r *request, principal string) string {
	fault := callFault(r, principal)
	if fault == "" {
		return ""
	}
	return "Failed to validate scheduler::Call: " + fault
}

func callFault(r *request, principal string) string {
	c := &r.call
	if !r.hasType {
		return absent("type")
	}
	if c.Type == scheduler.Call_SUBSCRIBE {
		return subscribeFault(c, principal)
	}
	if c.FrameworkID == nil {
		return absent("framework_id")
	}
	if name, ok := payload(c); !ok {
		return absent(name)
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
			return absent("agent_id")
		}
	case scheduler.Call_UPDATE_FRAMEWORK:
		if c.UpdateFramework.FrameworkInfo.GetID().GetValue() != c.FrameworkID.GetValue() {
			return "'framework_id' differs from 'update_framework.framework_info.id'"
		}
	}
	return ""
}

func absent(name string) string { return "Expecting '" + name + "' to be present" }

func subscribeFault(c *scheduler.Call, principal string) string {
	if c.Subscribe == nil {
		return absent("subscribe")
	}
	info := c.Subscribe.FrameworkInfo
	if info.GetID().GetValue() != c.GetFrameworkID().GetValue() {
		return "'framework_id' differs from 'subscribe.framework_info.id'"
	}
	if principal != "" && info.Principal != nil && *info.Principal != principal {
		return principalMismatch(principal, *info.Principal)
	}
	return ""
}

func principalMismatch(authenticated, stated string) string {
	return "Authenticated principal '" + authenticated + "' does not match principal '" + stated + "' set in `FrameworkInfo`"
}

// payload names the part of the call that its type asks for, and says whether it is there. REVIVE,
// SUPPRESS and TEARDOWN ask for none.
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

// validUUID says whether the bytes are a UUID of one of the versions 1 to 5, the only ones that
// Mesos takes.
func validUUID(b []byte) bool {
	return len(b) == 16 && b[6]>>4 >= 1 && b[6]>>4 <= 5
}
