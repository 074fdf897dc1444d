package scheduler_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// Config.Master names m1, which redirects to the leader m0. What m0 then refuses, breaks off or garbles is said of m0.
func TestErrorsNameTheMasterThatAnswered(t *testing.T) {
	const asked, leader = "m1.example:5050", "http://m0.example:5050"
	with := func(t *testing.T, f func(ctx context.Context, h *harness)) {
		withMasters(t, threeMasters(), mesostest.Config{Agents: agents(1)}, scheduler.Config{Master: asked}, f)
	}
	// refuse answers the calls of a type with a status, from now on.
	refuse := func(h *harness, call calls.Call_Type, status int) {
		h.master.Intercept(func(c *calls.Call) mesostest.Fault {
			if c.Type == call {
				return mesostest.Fault(status)
			}
			return mesostest.Pass
		})
	}
	// last requires that the newest ConnectionEvent is an error of the leader.
	last := func(h *harness) {
		events, _ := h.connections()
		err := events[len(events)-1].Err
		require.ErrorContains(h, err, leader)
		require.NotContains(h, err.Error(), asked)
	}
	for _, status := range []int{400, 401, 403, 404, 429, 500, 503} {
		t.Run(fmt.Sprint("SUBSCRIBE ", status), func(t *testing.T) {
			with(t, func(_ context.Context, h *harness) {
				h.at(time.Second)
				refuse(h, calls.Call_SUBSCRIBE, status)
				h.master.CutStreams()
				h.at(time.Second + 1)
				last(h) // of the stream
				h.at(time.Minute)
				last(h)
			})
		})
	}
	for _, status := range []int{307, 400, 403, 429, 500, 503} {
		t.Run(fmt.Sprint("a call ", status), func(t *testing.T) {
			with(t, func(ctx context.Context, h *harness) {
				h.at(time.Second)
				refuse(h, calls.Call_MESSAGE, status)
				err := h.sched.Call(ctx, &calls.Call{Type: calls.Call_MESSAGE, Message: &calls.Call_Message{
					AgentID: mesos.AgentID{Value: "a"}, ExecutorID: mesos.ExecutorID{Value: "e"}, Data: []byte("hello"),
				}})
				var refused *scheduler.CallError
				require.ErrorAs(h, err, &refused)
				require.Equal(h, leader, refused.Master)
				require.ErrorContains(h, err, fmt.Sprintf("MESSAGE refused: status %d: %s", status, leader))
			})
		})
	}
	t.Run("an acknowledgement", func(t *testing.T) {
		with(t, func(ctx context.Context, h *harness) {
			h.at(time.Second)
			refuse(h, calls.Call_ACKNOWLEDGE, http.StatusForbidden) // the subscription is not known: it ends
			require.NoError(h, h.sched.Submit(ctx, sleeper("a")))   // its first update cannot be acknowledged
			h.at(2 * time.Second)
			events, _ := h.connections()
			require.ErrorContains(h, events[1].Err, "ACKNOWLEDGE refused: status 403: "+leader)
		})
	})
	t.Run("silence", func(t *testing.T) {
		with(t, func(_ context.Context, h *harness) {
			h.at(time.Second)
			h.master.FreezeMaster(0)
			h.at(2 * time.Minute)
			events, _ := h.connections()
			require.ErrorContains(h, events[1].Err, "the stream of "+leader+": the master said nothing for 1m15s")
		})
	})
	t.Run("the end of the stream", func(t *testing.T) {
		with(t, func(_ context.Context, h *harness) {
			h.at(time.Second)
			h.master.LoseMaster(0)
			h.at(time.Second + 1)
			last(h)
		})
	})
}
