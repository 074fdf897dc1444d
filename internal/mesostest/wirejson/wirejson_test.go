package wirejson_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

func TestParseErrors(t *testing.T) {
	for body, want := range map[string]string{
		"":          "syntax error at line 1 near: ",
		"{\n\n x}":  "syntax error at line 3 near: x}",
		`{"a": 1`:   "syntax error at line 1 near: ",
		`["\x"]`:    `syntax error at line 1 near: "]`,
		"{} {}":     "Parsed JSON included non-whitespace trailing characters:  {}",
		" {} \t\n ": "",
	} {
		_, err := wirejson.Parse([]byte(body))
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, want)
	}
}

func decode(t *testing.T, text string, message any) error {
	t.Helper()
	v, err := wirejson.Parse([]byte(text))
	require.NoError(t, err)
	return wirejson.Decode(v, message)
}

// What libprocess tolerates beside the plain form.
func TestDecodeTolerates(t *testing.T) {
	var r mesos.Resource
	require.NoError(t, decode(t, `{"name":"cpus","type":"SCALAR","scalar":{"value":"1.5"},"reservations":{"role":"a"},"unknown":[1]}`, &r))
	require.Equal(t, 1.5, r.Scalar.Value, "a number in a string")
	require.Equal(t, "a", r.Reservations[0].GetRole(), "one value for a list")

	var s mesos.TaskStatus
	require.NoError(t, decode(t, `{"task_id":{"value":"t"},"state":"TASK_RUNNING","reason":"REASON_OF_THE_FUTURE","uuid":"AQI D="}`, &s))
	require.Nil(t, s.Reason, "an enum value that is not known is dropped")
	require.Equal(t, []byte{1, 2, 3}, s.UUID, "white space in base64")
}

func TestDecodeErrors(t *testing.T) {
	for text, want := range map[string]string{
		`1`:                           "Expecting a JSON object",
		`{}`:                          "Missing required fields: task_id, state",
		`{"task_id":{},"state":"X"}`:  "Failed to find enum for 'X'",
		`{"task_id":{}}`:              "Missing required fields: state, task_id.value",
		`{"task_id":"t"}`:             "Not expecting a JSON string for field 'task_id'",
		`{"healthy":"maybe"}`:         "Failed to parse 'maybe' as a JSON boolean for field 'healthy': syntax error at line 1 near: maybe",
		`{"timestamp":[]}`:            "Not expecting a JSON array for field 'timestamp'",
		`{"uuid":"?"}`:                "Failed to base64 decode bytes field 'uuid': Invalid character '?'",
		`{"timestamp":{},"uuid":"?"}`: "Not expecting a JSON object for field 'timestamp'",
	} {
		require.EqualError(t, decode(t, text, &mesos.TaskStatus{}), want, text)
	}
}

func TestEncode(t *testing.T) {
	kind, infinite := mesos.SCALAR, mesos.Value_Scalar{Value: math.Inf(1)}
	require.JSONEq(t, `{"name":"x","type":"SCALAR","scalar":{"value":"Infinity"}}`,
		string(wirejson.Encode(&mesos.Resource{Name: "x", Type: &kind, Scalar: &infinite})))
	require.Equal(t, `{"value":4.0}`, string(wirejson.Encode(mesos.Value_Scalar{Value: 4})), "a reader sees a floating-point number")
	require.Equal(t, "{\"value\":\"\ufffd\"}", string(wirejson.Encode(&mesos.TaskID{Value: "\xff"})))
	update := scheduler.Event_Update{Status: mesos.TaskStatus{TaskID: mesos.TaskID{Value: "t"}, State: mesos.TASK_LOST.Enum(), UUID: []byte{1, 2, 3}}}
	text := wirejson.Encode(&update)
	require.True(t, json.Valid(text))
	require.Equal(t, `{"status":{"task_id":{"value":"t"},"state":"TASK_LOST","uuid":"AQID"}}`, string(text))
}

func TestDebugString(t *testing.T) {
	name, shell := "it's \"x\"\n\x01", false
	c := mesos.ExecutorInfo{ExecutorID: mesos.ExecutorID{Value: "e"}, Name: &name, Type: mesos.ExecutorInfo_CUSTOM, Command: &mesos.CommandInfo{Shell: &shell}}
	require.Equal(t, `executor_id {
  value: "e"
}
command {
  shell: false
}
name: "it\'s \"x\"\n\001"
type: CUSTOM
`, wirejson.DebugString(&c))
}

func TestLacks(t *testing.T) {
	c := &scheduler.Call{Kill: &scheduler.Call_Kill{}}
	require.True(t, wirejson.Lacks(c, "accept"))
	require.False(t, wirejson.Lacks(c, "kill"))
	require.False(t, wirejson.Lacks(c, "nope"), "there is no such field to be set")
}
