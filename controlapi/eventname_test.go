package controlapi_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Programs and pages go by these names.
func TestEventsKeepTheirNames(t *testing.T) {
	for name, e := range map[string]scheduler.Event{
		"task": scheduler.TaskEvent{}, "removed": scheduler.RemovedEvent{}, "connection": scheduler.ConnectionEvent{}, "cycle": scheduler.OfferEvent{},
		"inverse_offer": scheduler.InverseOfferEvent{}, "failure": scheduler.FailureEvent{}, "unknown_task": scheduler.UnknownTaskEvent{},
		"never_offered": scheduler.NeverOfferedEvent{}, "store": scheduler.StoreEvent{}, "lag": scheduler.LagEvent{}, "": nil,
	} {
		require.Equal(t, name, controlapi.EventName(e))
	}
}
