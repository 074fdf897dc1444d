package controlapi

import (
	"encoding/json"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// EventName returns the name that an event of the scheduler has in GET /v1/events, such as "task", and "" for a type that it
// does not know.
func EventName(e scheduler.Event) string {
	switch e.(type) {
	case scheduler.TaskEvent:
		return "task"
	case scheduler.RemovedEvent:
		return "removed"
	case scheduler.ConnectionEvent:
		return "connection"
	case scheduler.OfferEvent:
		return "cycle"
	case scheduler.InverseOfferEvent:
		return "inverse_offer"
	case scheduler.FailureEvent:
		return "failure"
	case scheduler.UnknownTaskEvent:
		return "unknown_task"
	case scheduler.NeverOfferedEvent:
		return "never_offered"
	case scheduler.StoreEvent:
		return "store"
	case scheduler.LagEvent:
		return "lag"
	}
	return ""
}

// decodeEvent returns the event of the framework in a frame, nil if there is none, or one of a later version.
func decodeEvent(f frame) scheduler.Event {
	switch f.name {
	case "task":
		return eventOf[scheduler.TaskEvent](f)
	case "removed":
		return eventOf[scheduler.RemovedEvent](f)
	case "connection":
		return eventOf[scheduler.ConnectionEvent](f)
	case "cycle":
		return eventOf[scheduler.OfferEvent](f)
	case "inverse_offer":
		return eventOf[scheduler.InverseOfferEvent](f)
	case "failure":
		return eventOf[scheduler.FailureEvent](f)
	case "unknown_task":
		return eventOf[scheduler.UnknownTaskEvent](f)
	case "never_offered":
		return eventOf[scheduler.NeverOfferedEvent](f)
	case "store":
		return eventOf[scheduler.StoreEvent](f)
	case "lag":
		return eventOf[scheduler.LagEvent](f)
	}
	return nil
}

func eventOf[E scheduler.Event](f frame) scheduler.Event {
	var e E
	if json.Unmarshal(f.data, &e) != nil {
		return nil
	}
	return e
}
