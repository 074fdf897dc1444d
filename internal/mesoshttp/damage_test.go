package mesoshttp

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// samples returns an event of each type in JSON with the parts that it cannot do without. Where a part is needed, so is
// what it is in.
func samples() map[string][]string {
	return map[string][]string{
		`{"type":"SUBSCRIBED","subscribed":{"framework_id":{"value":"fw"},"heartbeat_interval_seconds":15,"master_info":{"id":"m","ip":1,"port":5050,"version":"1.11.0"}}}`: {"type", "subscribed.framework_id.value", "subscribed.master_info.id?", "subscribed.master_info.ip?", "subscribed.master_info.port?"},
		`{"type":"OFFERS","offers":{"offers":[{"id":{"value":"o"},"framework_id":{"value":"fw"},"agent_id":{"value":"a"},"hostname":"h","allocation_info":{"role":"*"},` +
			`"url":{"scheme":"http","address":{"hostname":"h","port":5051}},"unavailability":{"start":{"nanoseconds":1},"duration":{"nanoseconds":1}},` +
			`"domain":{"fault_domain":{"region":{"name":"r"},"zone":{"name":"z"}}},"executor_ids":[{"value":"e"}],` +
			`"attributes":[{"name":"rack","type":"TEXT","text":{"value":"r1"}}],"resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":1},"role":"*"},` +
			`{"name":"ports","type":"RANGES","ranges":{"range":[{"begin":1,"end":2}]}},{"name":"disks","type":"SET","set":{"item":["d"]}}]}]}}`: {
			"type", "offers.offers.id.value", "offers.offers.framework_id.value", "offers.offers.agent_id.value", "offers.offers.hostname",
			"offers.offers.resources.name", "offers.offers.resources.type", "offers.offers.resources.scalar.value", "offers.offers.resources.ranges", "offers.offers.resources.set",
			"offers.offers.resources.ranges.range.begin?", "offers.offers.resources.ranges.range.end?",
			"offers.offers.url.scheme?", "offers.offers.url.address?", "offers.offers.url.address.port?", "offers.offers.unavailability.start?", "offers.offers.unavailability.start.nanoseconds?",
			"offers.offers.unavailability.duration.nanoseconds?", "offers.offers.executor_ids.value?",
			"offers.offers.domain.fault_domain.region?", "offers.offers.domain.fault_domain.zone?", "offers.offers.domain.fault_domain.region.name?", "offers.offers.domain.fault_domain.zone.name?",
			"offers.offers.attributes.name?", "offers.offers.attributes.type?", "offers.offers.attributes.text.value?",
		},
		`{"type":"INVERSE_OFFERS","inverse_offers":{"inverse_offers":[{"id":{"value":"i"},"framework_id":{"value":"fw"},"agent_id":{"value":"a"},"unavailability":{"start":{"nanoseconds":1}}}]}}`: {
			"type", "inverse_offers.inverse_offers.id.value", "inverse_offers.inverse_offers.framework_id.value", "inverse_offers.inverse_offers.agent_id.value?",
			"inverse_offers.inverse_offers.unavailability.start.nanoseconds",
		},
		`{"type":"RESCIND","rescind":{"offer_id":{"value":"o"}}}`:                                                                           {"type", "rescind.offer_id.value"},
		`{"type":"RESCIND_INVERSE_OFFER","rescind_inverse_offer":{"inverse_offer_id":{"value":"o"}}}`:                                       {"type", "rescind_inverse_offer.inverse_offer_id.value"},
		`{"type":"MESSAGE","message":{"agent_id":{"value":"a"},"executor_id":{"value":"e"},"data":"AAEC"}}`:                                 {"type", "message.agent_id.value", "message.executor_id.value", "message.data"},
		`{"type":"FAILURE","failure":{"agent_id":{"value":"a"},"executor_id":{"value":"e"},"status":1}}`:                                    {"type", "failure.agent_id.value", "failure.executor_id.value?"},
		`{"type":"ERROR","error":{"message":"no"}}`:                                                                                         {"type", "error.message"},
		`{"type":"UPDATE_OPERATION_STATUS","update_operation_status":{"status":{"state":"OPERATION_FAILED","operation_id":{"value":"o"}}}}`: {"type", "update_operation_status.status.state", "update_operation_status.status.operation_id.value?"},
		`{"type":"UPDATE","update":{"status":{"task_id":{"value":"t"},"state":"TASK_RUNNING","uuid":"AAECAwQFBgcICQoLDA0ODw==","agent_id":{"value":"a"},"message":"m","healthy":true,` +
			`"container_status":{"network_infos":[{"ip_addresses":[{"ip_address":"10.0.0.1"}]}]}}}}`: {"type", "update.status.task_id.value", "update.status.state", "update.status.agent_id.value"},
	}
}

// needed reports whether an event without that part is to be skipped, since the part is needed or has one that is. A part
// with a question mark is needed only where the part exists that it is in.
func needed(path string, parts []string) bool {
	if slices.Contains([]string{"offers.offers", "offers.offers.resources", "inverse_offers.inverse_offers"}, path) {
		return false // lists, which may be empty
	}
	return slices.ContainsFunc(parts, func(part string) bool {
		return part == path || part == path+"?" || !strings.HasSuffix(part, "?") && strings.HasPrefix(part, path+".")
	})
}

// Whatever part of an event is missing: it is skipped if it cannot do without, in both codecs, and the next one is read.
func TestMissingParts(t *testing.T) {
	for text, parts := range samples() {
		whole, _, err := newDecoder(JSON).decode([]byte(text))
		require.NoError(t, err)
		require.NoError(t, complete(whole), text)
		frame, err := whole.Marshal()
		require.NoError(t, err)
		seen := map[string]bool{}
		for n := 0; ; n++ {
			damaged, path := withoutJSON(t, text, n)
			if path == "" {
				require.GreaterOrEqual(t, n, 3)
				break
			}
			seen[path] = true
			requireSkipped(t, needed(path, parts), JSON, damaged, path)
		}
		for n := 0; ; n++ {
			damaged, path := withoutField(frame, n)
			if path == "" {
				break
			}
			requireSkipped(t, needed(path, parts), Protobuf, damaged, path)
		}
		for _, part := range parts {
			require.True(t, seen[strings.TrimSuffix(part, "?")], "%s is in no sample", part)
		}
	}
}

func requireSkipped(t *testing.T, want bool, codec Codec, frame []byte, path string) {
	events, errs := readBoth(t, codec, frame)
	require.Equal(t, want, len(errs) == 1, "%s without %s: %s", codec, path, errs)
	require.Len(t, events, 2-len(errs))
	require.Equal(t, scheduler.Event_HEARTBEAT, events[len(events)-1].Type, "the stream goes on")
}

// readBoth reads a stream of that frame and a heartbeat.
func readBoth(t require.TestingT, codec Codec, frame []byte) (events []*scheduler.Event, errs []error) {
	heartbeat, err := (&scheduler.Event{Type: scheduler.Event_HEARTBEAT}).Marshal()
	require.NoError(t, err)
	if codec == JSON {
		heartbeat = []byte(`{"type":"HEARTBEAT"}`)
	}
	for _, f := range [][]byte{frame, heartbeat} {
		event, _, err := newDecoder(codec).event(f)
		if err != nil {
			errs = append(errs, err)
		} else {
			events = append(events, event)
		}
	}
	return events, errs
}

// Events of which nothing is left but the type, or not even that.
func TestBareEvents(t *testing.T) {
	for name, number := range scheduler.Event_Type_value {
		for codec, frame := range map[Codec][]byte{JSON: []byte(`{"type":"` + name + `"}`), Protobuf: {0x08, byte(number)}} {
			_, _, err := newDecoder(codec).event(frame)
			require.Equal(t, name == "HEARTBEAT", err == nil, "%s %s: %v", codec, name, err)
		}
	}
	for _, text := range []string{
		`{}`, `null`, `{"type":null}`, `{"type":"OFFERS","offers":null}`, `{"type":"OFFERS","offers":{"offers":[null]}}`, `{"type":"OFFERS","offers":{"offers":[{}]}}`,
		`{"type":"UPDATE","update":{"status":null}}`, `{"type":"INVERSE_OFFERS","inverse_offers":{"inverse_offers":[null]}}`,
		`{"type":"SUBSCRIBED","subscribed":{}}`, `{"type":"SUBSCRIBED","subscribed":{"framework_id":{}}}`,
		`{"type":"UPDATE","update":{"status":{"task_id":{"value":""},"state":"TASK_RUNNING"}}}`, `{"type":"NEW","new":{}}`,
	} {
		_, _, err := newDecoder(JSON).event([]byte(text))
		require.Error(t, err, text)
	}
	for _, frame := range [][]byte{{}, {0x08, 99}, {0x08, 1, 0x12, 0}, {0x08, 1, 0x12, 2, 0x0a, 0}, {0x08, 5, 0x32, 0}} {
		_, _, err := newDecoder(Protobuf).event(frame)
		require.Error(t, err, "%x", frame)
	}
}

// withoutJSON returns the text without its n-th part, and the part's name with those of the parts around it; "": it has
// no more.
func withoutJSON(t require.TestingT, text string, n int) (damaged []byte, path string) {
	var value any
	require.NoError(t, json.Unmarshal([]byte(text), &value))
	path = dropJSON(value, &n, "")
	damaged, err := json.Marshal(value)
	require.NoError(t, err)
	return damaged, path
}

func dropJSON(value any, n *int, prefix string) string {
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			if path := dropJSON(v, n, prefix); path != "" {
				return path
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if *n--; *n < 0 {
				delete(value, name)
				return prefix + name
			}
			if path := dropJSON(value[name], n, prefix+name+"."); path != "" {
				return path
			}
		}
	}
	return ""
}

// withoutField does the same with an event in protobuf.
func withoutField(frame []byte, n int) (damaged []byte, path string) {
	return dropField(frame, newDecoder(Protobuf).events, &n, "")
}

func dropField(message []byte, of *shape, n *int, prefix string) (damaged []byte, path string) {
	for at := 0; at < len(message); {
		tag, size := binary.Uvarint(message[at:])
		start, body := at, at+size
		switch tag & 7 {
		case 0:
			_, size = binary.Uvarint(message[body:])
			at = body + size
		case 1:
			at = body + 8
		case 2:
			length, size := binary.Uvarint(message[body:])
			body += size
			at = body + int(length)
		case 5:
			at = body + 4
		}
		field := of.byNumber[tag>>3]
		if *n--; *n < 0 {
			return slices.Concat(message[:start], message[at:]), prefix + field.name
		}
		if field.message == nil {
			continue
		}
		if rest, path := dropField(message[body:at], field.message, n, prefix+field.name+"."); path != "" {
			var b bytes.Buffer
			b.Write(message[:start])
			b.Write(binary.AppendUvarint(binary.AppendUvarint(nil, tag), uint64(len(rest))))
			b.Write(rest)
			b.Write(message[at:])
			return b.Bytes(), path
		}
	}
	return nil, ""
}

// FuzzDamagedEvents holds for an event of any type of which any parts are missing: it is skipped or decoded, without a
// panic, and what comes after it is read.
func FuzzDamagedEvents(f *testing.F) {
	texts := slices.Sorted(maps.Keys(samples()))
	for i := range texts {
		f.Add(uint8(i), []byte{0, 1, 5})
	}
	f.Fuzz(func(t *testing.T, which uint8, drops []byte) {
		text := []byte(texts[int(which)%len(texts)])
		whole, _, err := newDecoder(JSON).decode(text)
		require.NoError(t, err)
		frame, err := whole.Marshal()
		require.NoError(t, err)
		for _, n := range drops[:min(len(drops), 16)] {
			text, _ = withoutJSON(t, string(text), int(n))
			if less, path := withoutField(frame, int(n)); path != "" {
				frame = less
			}
		}
		for codec, damaged := range map[Codec][]byte{JSON: text, Protobuf: frame} {
			events, errs := readBoth(t, codec, damaged)
			require.Equal(t, 2, len(events)+len(errs))
			require.Equal(t, scheduler.Event_HEARTBEAT, events[len(events)-1].Type)
			for _, e := range events {
				require.NoError(t, complete(e))
			}
		}
	})
}
