package mesostest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gogo/protobuf/proto"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// TestCodecKeepsRecordings takes every recorded event and call through both languages: nothing may
// be lost or changed on the way.
func TestCodecKeepsRecordings(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "recordings", "*.jsonl"))
	require.NoError(t, err)
	c := comparer{ids: regexp.MustCompile(idPattern)}
	same := func(l *recordedLine, recorded any, encoded []byte) {
		v, err := wirejson.Parse(encoded)
		require.NoError(t, err)
		b := newBinding()
		require.NoError(t, c.value(b, "", recorded, v), "line %d", l.number)
	}
	events := 0
	for _, file := range files {
		rec, err := loadRecording(file)
		require.NoError(t, err, file)
		for i := range rec.lines {
			l := &rec.lines[i]
			if l.Event == nil {
				continue
			}
			var e, again scheduler.Event
			require.NoError(t, wirejson.Decode(l.Event, &e), "%s line %d", file, l.number)
			same(l, l.Event, wirejson.Encode(&e))
			binary, err := e.Marshal()
			require.NoError(t, err)
			require.NoError(t, proto.Unmarshal(binary, &again))
			same(l, l.Event, wirejson.Encode(&again))
			events++
		}
	}
	require.Greater(t, events, 1000)
}

func TestCodecErrors(t *testing.T) {
	const (
		parse   = "Failed to parse body into JSON: "
		convert = "Failed to convert JSON into Call protobuf: "
	)
	tests := []struct {
		reason string
		codec  codec
		body   string
		fault  string
	}{
		{"nothing", codecJSON, "", parse + "syntax error at line 1 near: "},
		{"second line", codecJSON, "{\n  x}", parse + "syntax error at line 2 near: x}"},
		{"trailing text", codecJSON, "{} {}", parse + "Parsed JSON included non-whitespace trailing characters:  {}"},
		{"trailing white space is fine", codecJSON, "{} \n", ""},
		{"a number", codecJSON, "1", convert + "Expecting a JSON object"},
		{"fields by name: the first in the alphabet is looked at first", codecJSON, `{"type":1,"kill":1}`, convert + "Not expecting a JSON number for field 'kill'"},
		{"missing fields come after wrong ones", codecJSON, `{"kill":{},"type":true}`, convert + "Not expecting a JSON boolean for field 'type'"},
		{"own fields first, then those of the parts", codecJSON, `{"reconcile":{"tasks":[{},{"task_id":{}}]}}`,
			convert + "Missing required fields: reconcile.tasks[0].task_id, reconcile.tasks[1].task_id.value"},
		{"null is absent", codecJSON, `{"kill":null,"decline":{"offer_ids":null}}`, ""},
		{"an unknown enum of a required field", codecJSON, `{"accept":{"operations":[{"launch":{"task_infos":[{"name":"","task_id":{"value":""},"agent_id":{"value":""},"resources":[{"name":"x","type":"LOTS"}]}]}}]}}`,
			convert + "Failed to find enum for 'LOTS'"},
		{"constraints are looked at as well", codecJSON, `{"subscribe":{"framework_info":{"user":"","name":""},"offer_constraints":{"role_constraints":[]}}}`, ""},
		{"cut short", codecProtobuf, "\x0a\x05ab", "Failed to parse body into Call protobuf"},
		{"empty", codecProtobuf, "", ""},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			_, err := test.codec.decode([]byte(test.body))
			if test.fault == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, test.fault)
		})
	}
}

func TestCodecKnowsWhetherTypeIsThere(t *testing.T) {
	tests := []struct {
		reason string
		codec  codec
		body   string
		has    bool
	}{
		{"absent", codecJSON, `{}`, false},
		{"unknown name", codecJSON, `{"type":"NOPE"}`, false},
		{"the type UNKNOWN is a type", codecJSON, `{"type":"UNKNOWN"}`, true},
		{"absent in protobuf", codecProtobuf, "\x0a\x03\x0a\x01f", false},
		{"UNKNOWN in protobuf, behind another field", codecProtobuf, "\x0a\x03\x0a\x01f\x10\x00", true},
		{"known", codecProtobuf, "\x10\x02", true},
		{"number of the future", codecProtobuf, "\x10\x63", false},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			r, err := test.codec.decode([]byte(test.body))
			require.NoError(t, err)
			require.Equal(t, test.has, r.hasType)
		})
	}
}

// FuzzDecode: no body panics; a call that was understood is written and read again in both
// languages without a change. JSON cannot say the number of an enum that has no name for it.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"type":"KILL","framework_id":{"value":"f"},"kill":{"task_id":{"value":"t"}}}`))
	f.Add([]byte(`{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n","failover_timeout":1e18,"offer_filters":{"a":{}}}}}`))
	f.Add([]byte("\x10\x05\x0a\x03\x0a\x01f"))
	data, err := os.ReadFile(filepath.Join("testdata", "recordings", "launch_errors.jsonl"))
	require.NoError(f, err)
	rec, err := parseRecording("seed", "", data)
	require.NoError(f, err)
	for _, l := range rec.lines[:100] {
		if l.Send != nil {
			f.Add([]byte(l.Send.Call))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, language := range []codec{codecJSON, codecProtobuf} {
			r, err := language.decode(body)
			if err != nil {
				continue
			}
			text := wirejson.Encode(&r.call)
			again, err := codecJSON.decode(text)
			if err != nil && strings.Contains(err.Error(), "Not expecting a JSON number for field") {
				continue
			}
			require.NoError(t, err, "%s", text)
			require.Equal(t, string(text), string(wirejson.Encode(&again.call)))
			binary, err := r.call.Marshal()
			require.NoError(t, err)
			once, err := codecProtobuf.decode(binary)
			require.NoError(t, err)
			require.Equal(t, string(text), string(wirejson.Encode(&once.call)))
		}
	})
}
