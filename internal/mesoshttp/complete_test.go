package mesoshttp

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// An ID that is longer than any is not taken, wherever it is: it could be neither cut nor kept.
func TestIDsThatAreTooLong(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long with the race detector; it runs without -short")
	}
	for path, text := range map[string]string{
		"offers.offers.id":                             `{"type":"OFFERS","offers":{"offers":[{"id":{"value":"X"},"framework_id":{"value":"fw"},"agent_id":{"value":"a"},"hostname":"h"}]}}`,
		"offers.offers.agent_id":                       `{"type":"OFFERS","offers":{"offers":[{"id":{"value":"o"},"framework_id":{"value":"fw"},"agent_id":{"value":"X"},"hostname":"h"}]}}`,
		"offers.offers.hostname":                       `{"type":"OFFERS","offers":{"offers":[{"id":{"value":"o"},"framework_id":{"value":"fw"},"agent_id":{"value":"a"},"hostname":"X"}]}}`,
		"offers.offers.url.address.hostname":           `{"type":"OFFERS","offers":{"offers":[{"id":{"value":"o"},"framework_id":{"value":"fw"},"agent_id":{"value":"a"},"hostname":"h","url":{"scheme":"http","address":{"hostname":"X","port":5051}}}]}}`,
		"offers.offers.url.address.ip":                 `{"type":"OFFERS","offers":{"offers":[{"id":{"value":"o"},"framework_id":{"value":"fw"},"agent_id":{"value":"a"},"hostname":"h","url":{"scheme":"http","address":{"ip":"X","port":5051}}}]}}`,
		"inverse_offers.inverse_offers.id":             `{"type":"INVERSE_OFFERS","inverse_offers":{"inverse_offers":[{"id":{"value":"X"},"framework_id":{"value":"fw"},"unavailability":{"start":{"nanoseconds":1}}}]}}`,
		"inverse_offers.inverse_offers.agent_id.value": `{"type":"INVERSE_OFFERS","inverse_offers":{"inverse_offers":[{"id":{"value":"i"},"framework_id":{"value":"fw"},"agent_id":{"value":"X"},"unavailability":{"start":{"nanoseconds":1}}}]}}`,
		"rescind.offer_id":                             `{"type":"RESCIND","rescind":{"offer_id":{"value":"X"}}}`,
		"rescind_inverse_offer.inverse_offer_id":       `{"type":"RESCIND_INVERSE_OFFER","rescind_inverse_offer":{"inverse_offer_id":{"value":"X"}}}`,
		"message.agent_id":                             `{"type":"MESSAGE","message":{"agent_id":{"value":"X"},"executor_id":{"value":"e"},"data":"AAEC"}}`,
		"message.executor_id":                          `{"type":"MESSAGE","message":{"agent_id":{"value":"a"},"executor_id":{"value":"X"},"data":"AAEC"}}`,
		"failure.agent_id":                             `{"type":"FAILURE","failure":{"agent_id":{"value":"X"}}}`,
		"failure.executor_id.value":                    `{"type":"FAILURE","failure":{"agent_id":{"value":"a"},"executor_id":{"value":"X"}}}`,
		"update.status.task_id":                        `{"type":"UPDATE","update":{"status":{"task_id":{"value":"X"},"state":"TASK_RUNNING"}}}`,
		"update.status.agent_id":                       `{"type":"UPDATE","update":{"status":{"task_id":{"value":"t"},"state":"TASK_RUNNING","agent_id":{"value":"X"}}}}`,
		"update.status.executor_id":                    `{"type":"UPDATE","update":{"status":{"task_id":{"value":"t"},"state":"TASK_RUNNING","executor_id":{"value":"X"}}}}`,
		"update.status.uuid":                           `{"type":"UPDATE","update":{"status":{"task_id":{"value":"t"},"state":"TASK_RUNNING","agent_id":{"value":"a"},"uuid":"X"}}}`,
	} {
		t.Run(path, func(t *testing.T) {
			of := func(size int) *scheduler.Event {
				id := strings.Repeat("x", size)
				if strings.HasSuffix(path, "uuid") {
					encoded, err := json.Marshal(make([]byte, size))
					require.NoError(t, err)
					id = strings.Trim(string(encoded), `"`)
				}
				event := new(scheduler.Event)
				require.NoError(t, json.Unmarshal([]byte(strings.Replace(text, "X", id, 1)), event))
				return event
			}
			require.NoError(t, complete(of(255)))
			require.NoError(t, complete(of(1024)))
			require.EqualError(t, complete(of(1025)), path+" has 1025 bytes: at most 1024")
			require.EqualError(t, complete(of(10_000_000)), path+" has 10000000 bytes: at most 1024")
		})
	}
}
