package mesoshttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

// quotaV2 is the number of the MasterInfo capability QUOTA_V2, the one enum value in the recordings that
// mesos-go has no name for.
const quotaV2 = mesos.MasterInfo_Capability_Type(3)

// recordings returns the names of the recorded streams of a real master.
func recordings(t testing.TB) []string {
	files, err := filepath.Glob("testdata/protobuf/*.recordio")
	require.NoError(t, err)
	require.Len(t, files, 12)
	for i := range files {
		files[i] = strings.TrimSuffix(files[i], ".recordio")
	}
	return files
}

// decode decodes a frame, of which parts may be missing, and returns about how many bytes the event takes in memory.
func (d decoder) decode(frame []byte) (event *scheduler.Event, size int, err error) {
	e, err := d.inspect(frame)
	if err == nil {
		event, err = d.unmarshal(e)
	}
	return event, e.memory, err
}

// event decodes a frame, of which no part may be missing.
func (d decoder) event(frame []byte) (event *scheduler.Event, size int, err error) {
	if event, size, err = d.decode(frame); err == nil {
		err = complete(event)
	}
	return event, size, err
}

// decodeAll decodes a whole RecordIO stream.
func decodeAll(t testing.TB, codec Codec, stream []byte) []*scheduler.Event {
	var events []*scheduler.Event
	for _, frame := range frames(t, stream) {
		event, _, err := newDecoder(codec).decode(frame)
		require.NoError(t, err)
		events = append(events, event)
	}
	return events
}

// frames returns the frames of a whole RecordIO stream.
func frames(t testing.TB, stream []byte) (all [][]byte) {
	for r := recordio.NewReader(bytes.NewReader(stream), 0); ; {
		frame, err := r.ReadFrame()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, bytes.Clone(frame))
	}
}

// jsonValue parses JSON for the comparison of values: member order and the form of numbers do not matter. Members that
// are null are removed: mesos-go writes empty lists so, and to Mesos null means absent.
func jsonValue(t testing.TB, text []byte) any {
	var value any
	require.NoError(t, json.Unmarshal(text, &value), "%s", text)
	return withoutEmpty(value)
}

func withoutEmpty(value any) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = withoutEmpty(value[i])
		}
	case map[string]any:
		for name, v := range value {
			if list, ok := v.([]any); v == nil || ok && len(list) == 0 {
				delete(value, name)
			} else {
				value[name] = withoutEmpty(v)
			}
		}
	}
	return value
}

// The recorded protobuf streams and the JSON recorded with them have the same meaning. Both are compared as JSON
// values, as a whole. There is one exception: mesos-go keeps the number of the capability QUOTA_V2 but has no name for
// it, and writes it as the text "3". The expectation has that text at the only place where the name may be.
func TestRecordedProtobufStreams(t *testing.T) {
	for _, file := range recordings(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			stream, err := os.ReadFile(file + ".recordio")
			require.NoError(t, err)
			want := recordedJSON(t, file)
			got := decodeAll(t, Protobuf, stream)
			require.Len(t, got, len(want))
			for i, frame := range frames(t, stream) {
				require.Equal(t, got[i].Type == scheduler.Event_OFFERS, requireInspected(t, frame))
				expected := bytes.Replace(want[i], []byte(`{"type":"QUOTA_V2"}`), []byte(`{"type":"3"}`), 1)
				require.NotContains(t, string(expected), "QUOTA_V2")
				require.Equal(t, got[i].Type == scheduler.Event_SUBSCRIBED, !bytes.Equal(expected, want[i]))
				text, err := json.Marshal(got[i])
				require.NoError(t, err)
				require.Equal(t, jsonValue(t, expected), jsonValue(t, text))
			}
		})
	}
}

// The JSON form of an event decodes to the same message as its protobuf form, except that the name of an unknown enum
// value is dropped, of which protobuf keeps the number.
func TestRecordedJSONStreams(t *testing.T) {
	for _, file := range recordings(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			stream, err := os.ReadFile(file + ".recordio")
			require.NoError(t, err)
			want := decodeAll(t, Protobuf, stream)
			got := decodeAll(t, JSON, framed(t, recordedJSON(t, file)...))
			require.Len(t, got, len(want))
			for i := range got {
				if want[i].Type == scheduler.Event_SUBSCRIBED {
					unknown := &want[i].Subscribed.MasterInfo.Capabilities[2].Type
					require.Equal(t, quotaV2, *unknown)
					*unknown = mesos.MasterInfo_Capability_UNKNOWN
				}
				require.Equal(t, want[i], got[i])
			}
		})
	}
}

// recordedJSON returns the events of a recording, one text each.
func recordedJSON(t testing.TB, file string) [][]byte {
	text, err := os.ReadFile(file + ".json")
	require.NoError(t, err)
	return bytes.Split(bytes.TrimSpace(text), []byte("\n"))
}

// framed returns the frames in RecordIO.
func framed(t testing.TB, frames ...[]byte) []byte {
	var b bytes.Buffer
	w := recordio.NewWriter(&b)
	for _, frame := range frames {
		require.NoError(t, w.WriteFrame(frame))
	}
	return b.Bytes()
}

// Each recorded call was accepted by a real master in its protobuf form; the JSON beside it is what the same
// call looks like in Mesos' own JSON.
func TestRecordedCalls(t *testing.T) {
	text, err := os.ReadFile("testdata/calls.jsonl")
	require.NoError(t, err)
	for _, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		var recorded struct {
			Call json.RawMessage `json:"call"`
			Body []byte          `json:"body_base64"`
		}
		require.NoError(t, json.Unmarshal(line, &recorded))
		var call scheduler.Call
		require.NoError(t, call.Unmarshal(recorded.Body))
		t.Run(call.Type.String(), func(t *testing.T) {
			body, err := JSON.encode(&call, nil)
			require.NoError(t, err)
			want := bytes.Replace(recorded.Call, []byte(`,"offer_constraints":{}`), nil, 1)
			require.Equal(t, jsonValue(t, want), jsonValue(t, body))

			body, err = Protobuf.encode(&call, nil)
			require.NoError(t, err)
			var again scheduler.Call
			require.NoError(t, again.Unmarshal(body))
			require.Equal(t, call, again)
		})
	}
}

func TestDecodeJSON(t *testing.T) {
	heartbeat := &scheduler.Event{Type: scheduler.Event_HEARTBEAT}
	update := func(s mesos.TaskStatus) *scheduler.Event {
		return &scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: s}}
	}
	for _, test := range []struct {
		why, text string
		want      *scheduler.Event
	}{
		{"the shortest event", `{"type":"HEARTBEAT"}`, heartbeat},
		{"blanks around and inside", " {\n\"type\" : \"HEARTBEAT\" }\n", heartbeat},
		{"unknown fields of any form are skipped", `{"x":{"type":"Y","z":[1,[],{}]},"type":"HEARTBEAT","y":null}`, heartbeat},
		{"an event of a later Mesos", `{"type":"SOMETHING_NEW","something_new":{}}`, &scheduler.Event{}},
		{"an unknown name spares the rest; a required field is there all the same", `{"type":"UPDATE","update":{"status":{"task_id":{"value":"t"},"reason":"REASON_NEW","state":"TASK_NEW","message":"m"}}}`,
			update(mesos.TaskStatus{TaskID: mesos.TaskID{Value: "t"}, State: mesos.TaskState(-1).Enum(), Message: proto.String("m")})},
		{"bytes are base64", `{"type":"UPDATE","update":{"status":{"task_id":{"value":"t"},"state":"TASK_RUNNING","uuid":"AAEC/w=="}}}`,
			update(mesos.TaskStatus{TaskID: mesos.TaskID{Value: "t"}, State: mesos.TASK_RUNNING.Enum(), UUID: []byte{0, 1, 2, 255}})},
		{"integers beyond the precision of a double", `{"type":"OFFERS","offers":{"offers":[{"id":{"value":"o"},"framework_id":{"value":"f"},"agent_id":{"value":"a"},"hostname":"h","resources":[{"name":"n","type":"RANGES","ranges":{"range":[{"begin":9007199254740993,"end":18446744073709551615}]}}]}]}}`,
			&scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: []mesos.Offer{{
				ID: mesos.OfferID{Value: "o"}, FrameworkID: mesos.FrameworkID{Value: "f"}, AgentID: mesos.AgentID{Value: "a"}, Hostname: "h",
				Resources: []mesos.Resource{{Name: "n", Type: mesos.RANGES.Enum(), Ranges: &mesos.Value_Ranges{
					Range: []mesos.Value_Range{{Begin: 9007199254740993, End: 18446744073709551615}}}}},
			}}}}},
	} {
		t.Run(test.why, func(t *testing.T) {
			event, _, err := newDecoder(JSON).decode([]byte(test.text))
			require.NoError(t, err)
			require.Equal(t, test.want, event)
		})
	}
	for why, text := range map[string]string{
		"empty":           "",
		"not JSON":        "heartbeat",
		"cut":             `{"type":"HEARTBEAT"`,
		"two events":      `{"type":"HEARTBEAT"}{"type":"HEARTBEAT"}`,
		"garbage after":   `{"type":"HEARTBEAT"}x`,
		"a list":          `[]`,
		"a number":        `7`,
		"enum of numbers": `{"type":{}}`,
		"bad base64":      `{"type":"UPDATE","update":{"status":{"task_id":{"value":"t"},"state":"TASK_RUNNING","uuid":"!"}}}`,
	} {
		t.Run("refused/"+why, func(t *testing.T) {
			event, _, err := newDecoder(JSON).decode([]byte(text))
			require.Error(t, err)
			require.Nil(t, event)
		})
	}
}

// A field 100 whose length overflows mesos-go's index, CVE-2021-3121: it does not get as far as that.
func TestDecodeSurvivesAnOverflow(t *testing.T) {
	hostile := []byte{0x08, 0x08, 0xa2, 0x06, 0xf4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}
	require.Panics(t, func() { _ = new(scheduler.Event).Unmarshal(hostile) }, "control")
	event, _, err := newDecoder(Protobuf).decode(hostile)
	require.Nil(t, event)
	require.ErrorIs(t, err, errMalformed)
}

// A panic of mesos-go's decoder, for a reason that is not known yet, is an error.
func TestDecodeSurvivesTheDecodersPanic(t *testing.T) {
	event, _, err := decoder{events: nil}.decode([]byte{0x08, 0x08})
	require.Nil(t, event)
	require.ErrorContains(t, err, "decoder panicked")
}

// An event must not share memory with the frame it came from, which the next one overwrites.
func TestEventsAreIndependentOfTheirFrame(t *testing.T) {
	for _, codec := range []Codec{Protobuf, JSON} {
		frame := encodeEvent(t, codec, &scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{
			Status: mesos.TaskStatus{TaskID: mesos.TaskID{Value: "task"}, State: mesos.TASK_RUNNING.Enum(), UUID: []byte("uuid"), Data: []byte("data")},
		}})
		event, _, err := newDecoder(codec).decode(frame)
		require.NoError(t, err)
		again, _, err := newDecoder(codec).decode(bytes.Clone(frame))
		require.NoError(t, err)
		clear(frame)
		require.Equal(t, again, event, codec)
	}
}

func encodeEvent(t testing.TB, codec Codec, event *scheduler.Event) []byte {
	var frame []byte
	var err error
	if codec == JSON {
		frame, err = json.Marshal(event)
	} else {
		frame, err = event.Marshal()
	}
	require.NoError(t, err)
	return frame
}

// What prepare assumes about mesos-go's messages: every enum in an event is registered under the name in its tag,
// and none is in a list or a map.
func TestEnumsOfEvents(t *testing.T) {
	enums := 0
	seen := map[reflect.Type]bool{}
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		require.NotEqual(t, reflect.Map, typ.Kind())
		if typ.Kind() != reflect.Struct || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			field := typ.Field(i)
			if _, enum, ok := strings.Cut(field.Tag.Get("protobuf"), "enum="); ok {
				enums++
				enum, _, _ = strings.Cut(enum, ",")
				require.NotEmpty(t, proto.EnumValueMap(enum), "%s.%s", typ, field.Name)
				require.NotEqual(t, reflect.Slice, field.Type.Kind(), "%s.%s", typ, field.Name)
			}
			visit(field.Type)
		}
	}
	visit(reflect.TypeFor[scheduler.Event]())
	require.Greater(t, enums, 10)
}

func TestCodecString(t *testing.T) {
	require.Equal(t, "Protobuf JSON Codec(2)", Protobuf.String()+" "+JSON.String()+" "+Codec(2).String())
}
