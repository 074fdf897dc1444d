package scheduler

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// eventTexts are events that concern the tasks and offers of FuzzDamagedEvents.
func eventTexts() []string {
	return []string{
		`{"type":"SUBSCRIBED","subscribed":{"framework_id":{"value":"other"},"heartbeat_interval_seconds":15,"master_info":{"version":"1.11.0"}}}`,
		`{"type":"OFFERS","offers":{"offers":[{"id":{"value":"o9"},"framework_id":{"value":"fw"},"agent_id":{"value":"a9"},"hostname":"h","allocation_info":{"role":"*"},` +
			`"unavailability":{"start":{"nanoseconds":1},"duration":{"nanoseconds":1}},"domain":{"fault_domain":{"region":{"name":"r"},"zone":{"name":"z"}}},` +
			`"attributes":[{"name":"rack","type":"TEXT","text":{"value":"r1"}}],"resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":1},"allocation_info":{"role":"*"}},` +
			`{"name":"mem","type":"SCALAR","scalar":{"value":4096}},{"name":"ports","type":"RANGES","ranges":{"range":[{"begin":1,"end":2}]}},{"name":"disks","type":"SET","set":{"item":["d"]}}]}]}}`,
		`{"type":"INVERSE_OFFERS","inverse_offers":{"inverse_offers":[{"id":{"value":"i"},"framework_id":{"value":"fw"},"agent_id":{"value":"a1"},"unavailability":{"start":{"nanoseconds":1}}}]}}`,
		`{"type":"RESCIND","rescind":{"offer_id":{"value":"o2"}}}`,
		`{"type":"RESCIND_INVERSE_OFFER","rescind_inverse_offer":{"inverse_offer_id":{"value":"i"}}}`,
		`{"type":"MESSAGE","message":{"agent_id":{"value":"a1"},"executor_id":{"value":"e"},"data":"AAEC"}}`,
		`{"type":"FAILURE","failure":{"agent_id":{"value":"a1"},"executor_id":{"value":"e"},"status":1}}`,
		`{"type":"UPDATE_OPERATION_STATUS","update_operation_status":{"status":{"state":"OPERATION_FAILED"}}}`,
		`{"type":"UPDATE","update":{"status":{"task_id":{"value":"a"},"state":"TASK_RUNNING","uuid":"AAECAwQFBgcICQoLDA0ODw==","agent_id":{"value":"a1"},"healthy":true,` +
			`"container_status":{"network_infos":[{"ip_addresses":[{"ip_address":"10.0.0.1"}]}]}}}}`,
		`{"type":"HEARTBEAT"}`,
	}
}

// FuzzDamagedEvents holds for events of a subscription of which any parts are missing, also those without which the client
// of the master would not have let them pass: the machine does not panic, the framework stays the one that it is, also on
// record, and all counts agree.
func FuzzDamagedEvents(f *testing.F) {
	texts := eventTexts()
	for i := range texts {
		f.Add([]byte{byte(i), 0, byte(i), 1, byte(i), 2, byte(i), 3, byte(i), 200})
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		s := durableStage(t, "submit a", "stored", "submit big cpus=64", "stored", "offers o1@a1:4:1024 o2@a2:4:1024", "stored")
		for ; len(program) >= 2; program = program[2:] {
			event := damagedEvent(t, texts[int(program[0])%len(texts)], int(program[1]))
			s.actions(streamEvent{stream: s.machine.conn.stream, event: event})
			s.actions(stored{records: 1 << 20})
			s.wait("10ms")
			require.Equal(t, "fw", s.machine.conn.frameworkID)
			require.Equal(t, "fw", s.machine.storage.durable.ID)
			require.True(t, s.machine.conn.connected(), "no part of them ends a subscription")
			recount(t, s.machine)
		}
	})
}

// damagedEvent returns the event without its n-th part.
func damagedEvent(t *testing.T, text string, n int) *scheduler.Event {
	var value any
	require.NoError(t, json.Unmarshal([]byte(text), &value))
	dropPart(value, &n)
	damaged, err := json.Marshal(value)
	require.NoError(t, err)
	event := new(scheduler.Event)
	require.NoError(t, json.Unmarshal(damaged, event))
	return event
}

func dropPart(value any, n *int) {
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			dropPart(v, n)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if *n--; *n == -1 {
				delete(value, name)
			}
			dropPart(value[name], n)
		}
	}
}

// SUBSCRIBED on a stream that is subscribed changes nothing, whatever framework it names, and the first one of a
// subscription as a known framework must name that one.
func TestSubscribedForAnotherFramework(t *testing.T) {
	for name, lines := range map[string][]string{
		"twice with the same":       {"subscribed fw"},
		"twice with another":        {"subscribed other"},
		"again, and then something": {"subscribed other", "submit a", "stored"},
	} {
		t.Run(name, func(t *testing.T) {
			s := durableStage(t)
			for _, line := range lines {
				out := s.play(strings.Fields(line))
				require.NotContains(t, out, "other")
			}
			require.Empty(t, s.actions(streamEvent{stream: s.machine.conn.stream, event: &scheduler.Event{Type: scheduler.Event_SUBSCRIBED}}))
			require.Equal(t, "fw", s.machine.conn.frameworkID)
			require.Equal(t, "fw", s.machine.storage.durable.ID)
			require.True(t, s.machine.conn.connected())
		})
	}
	s := durableStage(t, "close error=gone", "wait 1s")
	out := s.play(strings.Fields("subscribed other"))
	require.Contains(t, out, ` has subscribed framework "fw" as "other"`)
	require.NotContains(t, out, "store")
	s.play(strings.Fields("wait 1s"))
	require.Contains(t, s.play(strings.Fields("subscribed fw")), "subscribed as fw")
}
