package scheduler_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// What users show or store is read again as it was written. Of an error that is the text.
func TestJSON(t *testing.T) {
	at := time.Date(2026, 11, 29, 1, 2, 3, 456789, time.UTC)
	failed := errors.New("out of <cheese>")
	status := int32(9)
	info := task.Info{Spec: sleeper("a"), State: task.StateLost, Version: 7, Err: failed, Submitted: at, Updated: at}
	rejection := task.Rejection{TaskID: "a", Others: 2, Reasons: []task.Reason{
		{Kind: task.ReasonConstraint, Constraint: task.Constraint{Attribute: "rack", Operator: task.OpLike, Value: "r[12]"}, Agents: 3},
		{Kind: task.ReasonShortage, Resource: "mem", Agents: 1, Short: 112.5, Hostname: "agent7"},
	}}
	finding := scheduler.Finding{At: at, Offers: 43, Reasons: rejection.Reasons}
	agent := task.Agent{
		ID: "S1", Hostname: "agent1.example", Address: "agent1.example:5051", Region: "eu", Zone: "eu-1",
		Attributes:  []mesos.Attribute{{Name: "rack", Type: mesos.TEXT, Text: &mesos.Value_Text{Value: "r1"}}},
		Unavailable: at, UnavailableFor: 90 * time.Minute,
	}
	amounts := scheduler.Amounts{CPUs: 0.5, Mem: 128, Disk: 1, GPUs: 2, Ports: 3, Scalars: map[string]float64{"licences": 1}}
	offer := scheduler.InverseOffer{AgentID: "S1", Start: at, Duration: time.Hour, Tasks: []string{"a"}}
	for _, want := range []any{
		info, rejection, finding, agent, amounts, offer,
		scheduler.TaskEvent{Task: info, Previous: task.StateRunning, Err: failed},
		scheduler.TaskEvent{Task: task.Info{Spec: sleeper("b")}},
		scheduler.TaskEvent{Task: info, Message: "why", Launch: &scheduler.LaunchTimes{Submitted: at, Placed: at, Stored: at, Accepted: at, Running: at}, Err: failed},
		scheduler.RemovedEvent{Tasks: []string{"a"}, Version: 9},
		task.Transition{At: at, State: task.StateRunning, AgentID: "S1", Hostname: "agent1.example", Message: "healthy"},
		scheduler.OfferAtHand{ID: "o1", Agent: agent, Role: "*", Resources: amounts, Since: at},
		scheduler.ConnectionEvent{Connected: true, FrameworkID: "f"},
		scheduler.ConnectionEvent{FrameworkID: "f", Err: failed, NextAttempt: at},
		scheduler.OfferEvent{Offers: 4, Placed: 3, Pending: 2, Rejections: []task.Rejection{rejection}, Err: failed},
		scheduler.InverseOfferEvent{Offer: offer, Accepted: true, Err: failed},
		scheduler.InverseOfferEvent{},
		scheduler.FailureEvent{AgentID: "S1", ExecutorID: "e", Status: &status},
		scheduler.UnknownTaskEvent{Status: mesos.TaskStatus{TaskID: mesos.TaskID{Value: "a"}, State: mesos.TASK_RUNNING.Enum(), UUID: []byte{0, 255}}},
		scheduler.NeverOfferedEvent{Err: failed, Tasks: []string{"a", "b"}},
		scheduler.StoreEvent{Err: failed, NextAttempt: at},
		scheduler.StoreEvent{},
		scheduler.LagEvent{Missed: 3},
		scheduler.Status{FrameworkID: "f", Connected: true, Master: "http://m1.example:5050", Since: at},
		scheduler.Status{Err: failed, Since: at, StoreErr: failed},
		scheduler.AgentStats{Agent: agent, Offered: amounts, OfferedAt: at, Roles: []string{"*"}, Free: amounts, Tasks: 2, Taken: amounts},
		scheduler.Explanation{
			Task: info, Findings: []scheduler.Finding{finding}, Cycles: 3, NeverOffered: failed, Subscribed: true, SubscribeErr: failed,
			LastOffers: at, NotBefore: at, StoreErr: failed, MatcherErr: failed, Maintenance: 4, Filtered: true, TearingDown: true,
		},
		scheduler.Explanation{},
	} {
		encoded, err := json.Marshal(want)
		require.NoError(t, err)
		requireSmallNames(t, encoded)
		got := reflect.New(reflect.TypeOf(want))
		require.NoError(t, json.Unmarshal(encoded, got.Interface()), string(encoded))
		require.Equal(t, want, got.Elem().Interface(), string(encoded))
		require.Error(t, json.Unmarshal([]byte(`[1]`), got.Interface()))
	}
}

// requireSmallNames requires that each name in a JSON object begins with a small letter, which fields without tag do not.
func requireSmallNames(t *testing.T, encoded []byte) {
	var value any
	require.NoError(t, json.Unmarshal(encoded, &value))
	var check func(any)
	check = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, of := range value {
				require.Regexp(t, "^[a-z]", name, string(encoded))
				check(of)
			}
		case []any:
			for _, of := range value {
				check(of)
			}
		}
	}
	check(value)
}

// Errors and durations are texts, the former of one line.
func TestJSONText(t *testing.T) {
	for want, value := range map[string]any{
		`{"connected":false,"err":"two\\nlines"}`:                          scheduler.ConnectionEvent{Err: errors.New("two\nlines")},
		`{"connected":false}`:                                              scheduler.Status{},
		`{"offer":{"agentID":"S1","duration":"1h30m0s"},"accepted":false}`: scheduler.InverseOfferEvent{Offer: scheduler.InverseOffer{AgentID: "S1", Duration: 90 * time.Minute}},
		`{"id":"S1","unavailableFor":"1m0s"}`:                              task.Agent{ID: "S1", UnavailableFor: time.Minute},
		`{"tasks":["a"],"err":"no"}`:                                       scheduler.NeverOfferedEvent{Err: errors.New("no"), Tasks: []string{"a"}},
	} {
		got, err := json.Marshal(value)
		require.NoError(t, err)
		require.JSONEq(t, want, string(got))
	}
}
