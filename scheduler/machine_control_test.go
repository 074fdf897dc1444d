package scheduler

import (
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// TestCheckerControl is the negative test of the checker: each row is what a broken machine could return.
func TestCheckerControl(t *testing.T) {
	connected := notify{ConnectionEvent{Connected: true}}
	ack := send{call: &scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE, Acknowledge: &scheduler.Call_Acknowledge{}}}
	accept := func(offer, id string) send {
		return send{call: &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
			OfferIDs: []mesos.OfferID{{Value: offer}},
			Operations: []mesos.Offer_Operation{{Launch: &mesos.Offer_Operation_Launch{
				TaskInfos: []mesos.TaskInfo{{TaskID: mesos.TaskID{Value: id}}},
			}}},
		}}}
	}
	pending := notify{&taskChange{info: record.Info{Spec: record.Spec{ID: "t"}, State: task.StatePending}}}
	maintenance := send{call: &scheduler.Call{Type: scheduler.Call_ACCEPT_INVERSE_OFFERS, AcceptInverseOffers: &scheduler.Call_AcceptInverseOffers{
		InverseOfferIDs: []mesos.OfferID{{Value: "i1"}}, // of the agent without an ID
	}}}
	update := streamEvent{event: &scheduler.Event{Type: scheduler.Event_UPDATE}}
	for name, actions := range map[string][]action{
		"a call without a subscription":     {ack},
		"a call after the end":              {connected, closeStream{}, ack},
		"a call on an old stream":           {connected, send{stream: -1, call: ack.call}},
		"an update told after it was acked": {connected, ack, pending},
		"an update acknowledged twice":      {connected, pending, ack, ack},
		"an update not acknowledged":        {connected, pending},
		"a caller answered twice":           {reply{ref: 1}, reply{ref: 1}},
		"a task launched twice":             {connected, pending, accept("o1", "t"), accept("o2", "t")},
		"a launch despite maintenance":      {connected, pending, maintenance, accept("o1", "t")},
		"an offer used twice":               {connected, pending, accept("o1", "t"), pending, accept("o1", "t")},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChecker(t)
			c.observe(wake{}, []action{connected})
			c.open = name != "a call without a subscription"
			recorder := &recorder{}
			c.t = recorder
			func() {
				defer func() { _ = recover() }()
				c.observe(update, actions)
			}()
			require.True(t, recorder.failed)
		})
	}
}

// recorder is a test that is expected to fail.
type recorder struct{ failed bool }

func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) FailNow()              { panic("failed") }
