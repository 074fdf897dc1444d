package conformance

import (
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func rest() []behaviour {
	return []behaviour{
		{
			name:    "SHUTDOWN, MESSAGE and REQUEST can be made",
			sources: []source{document("scheduler-http-api", "SHUTDOWN"), document("scheduler-http-api", "MESSAGE"), document("scheduler-http-api", "REQUEST"), recording("message_shutdown_request")},
			run: func(w *world) {
				info := w.launch(sleeper("a"))
				agent, executor := mesos.AgentID{Value: info.AgentID}, mesos.ExecutorID{Value: "a"}
				require.NoError(w, w.sched.Call(w.ctx, &calls.Call{Type: calls.Call_REQUEST, Request: &calls.Call_Request{}}))
				require.NoError(w, w.sched.Call(w.ctx, &calls.Call{Type: calls.Call_MESSAGE, Message: &calls.Call_Message{AgentID: agent, ExecutorID: executor, Data: []byte("x")}}))
				require.NoError(w, w.sched.Call(w.ctx, &calls.Call{Type: calls.Call_SHUTDOWN, Shutdown: &calls.Call_Shutdown{AgentID: agent, ExecutorID: executor}}))
				require.Equal(w, task.StateKilled, w.untilOver("a").State)
			},
		},
		{
			name:    "UPDATE_FRAMEWORK can be made, and the next subscription does not undo it",
			sources: []source{document("scheduler-http-api", "UPDATE_FRAMEWORK"), recording("update_framework")},
			run: func(w *world) {
				w.untilConnected(1)
				info := w.made(calls.Call_SUBSCRIBE)[0].Subscribe.FrameworkInfo
				timeout := 12345.0
				changed := *info
				changed.FailoverTimeout = &timeout
				require.NoError(w, w.sched.Call(w.ctx, &calls.Call{Type: calls.Call_UPDATE_FRAMEWORK, UpdateFramework: &calls.Call_UpdateFramework{FrameworkInfo: changed}}))
				f, _ := w.view()
				require.InDelta(w, timeout, f.FailoverTimeout, 0)
				w.wire.cut()
				w.untilConnected(2)
				f, _ = w.view()
				require.InDelta(w, timeout, f.FailoverTimeout, 0)
			},
		},
		{
			name:    "operations can be reconciled, and the master's events can be watched unchanged",
			sources: []source{document("scheduler-http-api", "RECONCILE_OPERATIONS"), document("scheduler-http-api", "UPDATE_OPERATION_STATUS"), recording("pb_operation_status")},
			run: func(w *world) {
				w.untilConnected(1)
				raw := w.sched.WatchRaw(w.ctx)
				require.NoError(w, w.sched.Call(w.ctx, &calls.Call{Type: calls.Call_RECONCILE_OPERATIONS, ReconcileOperations: &calls.Call_ReconcileOperations{
					Operations: []calls.Call_ReconcileOperations_Operation{{OperationID: mesos.OperationID{Value: "nobody"}}},
				}}))
				for e := range raw {
					if e.Type == calls.Event_UPDATE_OPERATION_STATUS {
						require.Equal(w, "nobody", e.UpdateOperationStatus.Status.GetOperationID().GetValue())
						return
					}
				}
				w.fail("the events ended")
			},
		},
		{
			name:    "of an operation that is not known the master says what it knows of the agent, and echoes the resource provider",
			sources: []source{document("scheduler-http-api", "RECONCILE_OPERATIONS"), recording("reserve_create")},
			run: func(w *world) {
				w.launch(sleeper("a"))
				known, nobody := w.task("a").AgentID, "nobody"
				ask := func(agent *string, provider *mesos.ResourceProviderID) mesos.OperationStatus {
					asked := calls.Call_ReconcileOperations_Operation{OperationID: mesos.OperationID{Value: "o"}, ResourceProviderID: provider}
					if agent != nil {
						asked.AgentID = &mesos.AgentID{Value: *agent}
					}
					raw := w.sched.WatchRaw(w.ctx)
					require.NoError(w, w.sched.Call(w.ctx, &calls.Call{Type: calls.Call_RECONCILE_OPERATIONS, ReconcileOperations: &calls.Call_ReconcileOperations{
						Operations: []calls.Call_ReconcileOperations_Operation{asked},
					}}))
					for e := range raw {
						if e.Type == calls.Event_UPDATE_OPERATION_STATUS {
							return e.UpdateOperationStatus.Status
						}
					}
					w.fail("the events ended")
					return mesos.OperationStatus{}
				}
				for _, test := range []struct {
					agent    *string
					provider *mesos.ResourceProviderID
					message  string
				}{
					{nil, nil, "Reconciliation: Operation is unknown and no 'agent_id' was provided"},
					{nil, &mesos.ResourceProviderID{Value: "p"}, "Reconciliation: Operation is unknown and no 'agent_id' was provided"},
					{&nobody, &mesos.ResourceProviderID{Value: "p"}, "Reconciliation: Both operation and agent are unknown"},
					{&known, nil, "Reconciliation: Operation is unknown"},
				} {
					told := ask(test.agent, test.provider)
					require.Equal(w, mesos.OPERATION_UNKNOWN, told.State)
					require.Equal(w, test.message, told.GetMessage())
					require.Equal(w, test.provider, told.ResourceProviderID)
				}
			},
		},
		{
			name:    "a call that masters do not survive is never made",
			sources: []source{document("scheduler-http-api", "Calls")},
			run: func(w *world) {
				w.untilConnected(1)
				text := mesos.Resource{Name: "cpus", Type: mesos.TEXT.Enum()}
				for _, c := range []*calls.Call{
					{Type: calls.Call_UNKNOWN},
					{Type: calls.Call_REQUEST, Request: &calls.Call_Request{Requests: []mesos.Request{{Resources: []mesos.Resource{text}}}}},
				} {
					var refused *scheduler.CallError
					require.ErrorAs(w, w.sched.Call(w.ctx, c), &refused)
					require.Zero(w, refused.Status)
					require.Empty(w, w.made(c.Type))
				}
				w.launch(sleeper("a"))
			},
		},
		{
			name:    "without a subscription no such call is made",
			sources: []source{document("scheduler-http-api", "Disconnections"), recording("bad_stream_id")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.fail()
				w.until("it is noticed", func() bool { told, _ := w.connections(); return len(told) > 1 })
				require.ErrorIs(w, w.sched.Call(w.ctx, &calls.Call{Type: calls.Call_REQUEST, Request: &calls.Call_Request{}}), scheduler.ErrNotSubscribed)
				require.Empty(w, w.made(calls.Call_REQUEST))
			},
		},
		{
			name:    "the loss of an agent or an executor is reported",
			sources: []source{document("scheduler-http-api", "FAILURE"), recording("pb_agent_lost")},
			run: func(w *world) {
				w.untilConnected(1)
				w.wire.inject(&calls.Event{Type: calls.Event_FAILURE, Failure: &calls.Event_Failure{AgentID: &mesos.AgentID{Value: "some-agent"}}})
				w.until("it is told", func() bool {
					entries, _ := w.read()
					return slices.ContainsFunc(entries, func(e entry) bool {
						f, ok := e.told.(scheduler.FailureEvent)
						return ok && f.AgentID == "some-agent" && f.ExecutorID == ""
					})
				})
			},
		},
		{
			name:    "an inverse offer is accepted when nothing runs on its agent, and declined otherwise",
			sources: []source{document("maintenance", "Terminology")},
			run: func(w *world) {
				info := w.launch(sleeper("a"))
				w.wire.inject(inverseOffer("i1", "another-agent"), inverseOffer("i2", info.AgentID))
				require.Equal(w, "i1", ids(w.untilMade(calls.Call_ACCEPT_INVERSE_OFFERS, 1).AcceptInverseOffers.InverseOfferIDs))
				require.Equal(w, "i2", ids(w.untilMade(calls.Call_DECLINE_INVERSE_OFFERS, 1).DeclineInverseOffers.InverseOfferIDs))
				w.until("both are told", func() bool {
					entries, _ := w.read()
					n := 0
					for _, e := range entries {
						if _, ok := e.told.(scheduler.InverseOfferEvent); ok {
							n++
						}
					}
					return n == 2
				})
			},
		},
	}
}

func inverseOffer(id, agent string) *calls.Event {
	return &calls.Event{Type: calls.Event_INVERSE_OFFERS, InverseOffers: &calls.Event_InverseOffers{InverseOffers: []mesos.InverseOffer{{
		OfferID: mesos.OfferID{Value: id}, AgentID: &mesos.AgentID{Value: agent},
		Unavailability: mesos.Unavailability{Start: mesos.TimeInfo{Nanoseconds: 1}},
	}}}}
}
