package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

const (
	spec2  = `{"version":2,"spec":{"cpus":1}}`
	state2 = `{"version":2,"state":"running"}`
)

// The error for an invalid record has its key and what is wrong.
func TestBadRecords(t *testing.T) {
	for reason, c := range map[string]struct{ key, value, text string }{
		"not JSON":                   {"task/a", "?", "invalid character"},
		"nothing":                    {"task/a", "", "unexpected end"},
		"null":                       {"task/a", "null", "version 0"},
		"not an object":              {"task/a", "[]", "cannot unmarshal array"},
		"no version":                 {"task/a", `{"state":"running"}`, "version 0"},
		"an impossible version":      {"task/a", `{"version":-1,"state":"running"}`, "version -1"},
		"of later":                   {"task/a", `{"version":3,"state":["running"]}`, "version 3"},
		"no state":                   {"task/a", `{"version":2}`, `no state is named ""`},
		"an unknown state":           {"task/a", `{"version":2,"state":"resting"}`, "resting"},
		"a status cut off":           {"task/a", `{"version":2,"state":"running","status":"CgM="}`, "status"},
		"a status with a bad length": {"task/a", `{"version":2,"state":"running","status":"+v////////////8B"}`, "status"},
		"a bad agent":                {"task/a", `{"version":2,"state":"running","agent":[]}`, "agent"},
		"an attribute cut off":       {"task/a", `{"version":2,"state":"running","agent":{"attributes":["CgM="]}}`, "attribute"},
		"a time of year 10000":       {"task/a", `{"version":2,"state":"running","updated":"9999-12-31T23:59:59-01:00"}`, "time"},
		"a negative count":           {"task/a", `{"version":2,"state":"running","lost":-1}`, "negative"},
		"too large a count":          {"task/a", `{"version":2,"state":"running","lost":2147483648}`, "lost"},
		"no ID":                      {"task/", state2, "no ID"},
		"a spec that is not JSON":    {"spec/a", "?", "invalid character"},
		"a spec without version":     {"spec/a", `{"spec":{}}`, "version 0"},
		"a spec of version 1":        {"spec/a", `{"version":1,"spec":{}}`, "version 1"},
		"a spec of later":            {"spec/a", `{"version":3,"spec":[]}`, "version 3"},
		"no spec in it":              {"spec/a", `{"version":2}`, "no spec"},
		"another task's spec":        {"spec/a", `{"version":2,"spec":{"id":"b"}}`, `"b"`},
		"a spec without a task":      {"spec/b", spec2, "state"},
		"a task without a spec":      {"task/b", state2, "spec"},
		"a framework of later":       {"framework", `{"version":4,"id":1}`, "version 4"},
		"a framework's odd state":    {"framework", `{"version":3,"id":"f","state":"resting"}`, "resting"},
		"a framework without state":  {"framework", `{"version":3,"id":"f"}`, `unknown state ""`},
		"a framework in state none":  {"framework", `{"version":3,"id":"f","state":"none"}`, "none"},
		"an active one without ID":   {"framework", `{"version":3,"state":"active"}`, "no ID"},
		"a new one with an ID":       {"framework", `{"version":3,"id":"f","state":"registering","nonce":"n"}`, "registering"},
		"a new one without nonce":    {"framework", `{"version":3,"state":"registering"}`, "nonce"},
		"a framework without ID":     {"framework", `{"version":2}`, "no ID"},
		"1: unknown state":           {"task/a", `{"Version":1,"Spec":{"ID":"a"},"State":"resting"}`, "resting"},
		"1: another task":            {"task/a", `{"Version":1,"Spec":{"ID":"b"},"State":"running"}`, `"b"`},
		"1: no spec":                 {"task/a", `{"Version":1,"State":"running"}`, "no spec"},
		"1: a status cut off":        {"task/a", `{"Version":1,"Spec":{"ID":"a"},"State":"running","Status":"CgM="}`, "status"},
		"1: an attribute cut off":    {"task/a", `{"Version":1,"Spec":{"ID":"a"},"State":"running","AgentID":"a1","Attributes":["CgM="]}`, "attribute"},
		"1: no framework ID":         {"framework", `{"Version":1}`, "no ID"},
	} {
		t.Run(reason, func(t *testing.T) {
			records := map[string][]byte{"framework": []byte(`{"version":2,"id":"f"}`), "spec/a": []byte(spec2), "task/a": []byte(state2)}
			_, _, err := decodeAll(records)
			require.NoError(t, err, "control")
			records[c.key] = []byte(c.value)
			framework, tasks, err := decodeAll(records)
			var bad *Error
			require.ErrorAs(t, err, &bad)
			require.Equal(t, c.key, bad.Key)
			require.ErrorContains(t, err, c.text)
			require.ErrorContains(t, err, fmt.Sprintf("%q", c.key))
			require.Empty(t, framework)
			require.Empty(t, tasks)
		})
	}
}

// What cannot be written is an error, too.
func TestEncodeErrors(t *testing.T) {
	_, err := EncodeFramework(Framework{State: Active})
	var bad *Error
	require.ErrorAs(t, err, &bad)
	require.Equal(t, "framework", bad.Key)
	_, err = EncodeSpec(&task.Spec{ID: "a", CPUs: math.NaN()})
	require.ErrorAs(t, err, &bad)
	require.Equal(t, "spec/a", bad.Key)
	var unsupported *json.UnsupportedValueError
	require.ErrorAs(t, err, &unsupported)
	x := fullTask("a")
	x.Agent.Attributes[0].Text = nil
	_, err = EncodeTask(x.task())
	require.NoError(t, err)
}

// A status that is too large to be read again is left out, and one that would exhaust the stack is refused.
func TestLargeStatus(t *testing.T) {
	x := plainTask{Info: task.Info{Spec: task.Spec{ID: "a"}, State: task.StateFailed, Status: sampleStatus("a")}}
	x.Info.Status.Message = ptr(strings.Repeat("x", maxMessage-200))
	_, tasks, err := decodeAll(encodeAll(t, Framework{}, []plainTask{x}))
	require.NoError(t, err)
	require.NotNil(t, tasks[0].Info.Status)
	x.Info.Status.Message = ptr(strings.Repeat("x", maxMessage))
	_, tasks, err = decodeAll(encodeAll(t, Framework{}, []plainTask{x}))
	require.NoError(t, err)
	require.Nil(t, tasks[0].Info.Status)

	groups := bytes.Repeat([]byte{0xa3, 0x06}, 5_000_000) // field 100 is a group that has field 100, …
	record, err := json.Marshal(map[string]any{"version": 2, "state": "failed", "status": groups})
	require.NoError(t, err)
	_, _, err = decodeAll(map[string][]byte{"spec/a": []byte(spec2), "task/a": record})
	require.ErrorContains(t, err, "too many")
}

// Other keys are ignored, and a store may be empty.
func TestOthersRecords(t *testing.T) {
	framework, tasks, err := decodeAll(map[string][]byte{"": nil, "task": nil, "specs/a": nil, "frameworks": nil, "ha/epoch": []byte("?")})
	require.NoError(t, err)
	require.Empty(t, framework)
	require.Empty(t, tasks)
}

// Alike tasks have equal records of their specs, and share their parts. Equal agents are the same pointer.
func TestSharing(t *testing.T) {
	const n = 3 * tasksEach // on several goroutines
	all := make([]plainTask, n)
	for i := range all {
		all[i] = service(i, true)
	}
	records := encodeAll(t, Framework{}, all)
	require.Equal(t, string(records[SpecKey(all[0].Info.Spec.ID)]), string(records[SpecKey(all[1].Info.Spec.ID)]))
	_, tasks, err := decodeAll(records)
	require.NoError(t, err)
	require.Len(t, tasks, n)
	ids, agents, containers := map[string]bool{}, map[string]*task.Agent{}, map[*task.Container]bool{}
	for _, x := range tasks {
		ids[x.Info.Spec.ID] = true
		containers[x.Info.Spec.Container] = true
		if a := agents[x.Agent.ID]; a != nil {
			require.Same(t, a, x.Agent)
		}
		agents[x.Agent.ID] = x.Agent
	}
	require.Len(t, ids, n)
	require.Len(t, agents, n/100)
	require.LessOrEqual(t, len(containers), runtime.GOMAXPROCS(0), "one for each goroutine")

	old := newBaseline() // version 1: agents are shared all the same
	first, second := service(1, true), service(2, true)
	records = map[string][]byte{}
	for _, x := range []plainTask{first, second} {
		records[TaskKey(x.Info.Spec.ID)], err = old.encode(&x, 1)
		require.NoError(t, err)
	}
	_, tasks, err = decodeAll(records)
	require.NoError(t, err)
	require.Same(t, tasks[0].Agent, tasks[1].Agent)
}

// A memo drops a value only when it is full, and keeps no errors.
func TestMemo(t *testing.T) {
	m, calls := memo[int]{}, 0
	length := func(b []byte) (int, error) {
		calls++
		if len(b) == 0 {
			return 0, errNoSpec
		}
		return len(b), nil
	}
	for range 2 {
		for _, text := range []string{"a", "bb", "ccc"} {
			n, err := m.decode([]byte(text), 3, length)
			require.NoError(t, err)
			require.Len(t, text, n)
		}
		require.Equal(t, 3, calls)
	}
	_, err := m.decode(nil, 3, length)
	require.ErrorIs(t, err, errNoSpec)
	_, err = m.decode([]byte("dddd"), 3, length)
	require.NoError(t, err)
	require.Len(t, m.known, 3)
	require.Contains(t, m.known, "dddd")
}

// An error in any record ends the decoding, also on another goroutine.
func TestErrorAmongMany(t *testing.T) {
	const n = 3 * tasksEach
	all := make([]plainTask, n)
	for i := range all {
		all[i] = plainTask{Info: task.Info{Spec: task.Spec{ID: fmt.Sprint(i)}}}
	}
	records := encodeAll(t, Framework{}, all)
	for _, id := range []string{"0", "1234", "2999"} {
		good := records[TaskKey(id)]
		records[TaskKey(id)] = []byte("?")
		_, _, err := decodeAll(records)
		var bad *Error
		require.ErrorAs(t, err, &bad)
		require.Equal(t, TaskKey(id), bad.Key)
		records[TaskKey(id)] = good
	}
	_, _, err := decodeAll(records)
	require.NoError(t, err)
}

// A record of a spec beside a state of version 1 is ignored, since the state has its own. But it must be valid.
func TestVersion1BesideSpec(t *testing.T) {
	records := map[string][]byte{
		"spec/a": []byte(spec2),
		"task/a": []byte(`{"Version":1,"Spec":{"ID":"a","CPUs":4},"State":"pending"}`),
	}
	_, tasks, err := decodeAll(records)
	require.NoError(t, err)
	require.Equal(t, []plainTask{{Info: task.Info{Spec: task.Spec{ID: "a", CPUs: 4}}}}, tasks)
	records["spec/a"] = []byte(`{"version":3}`)
	_, _, err = decodeAll(records)
	require.ErrorContains(t, err, "version 3")
}

// Doubtful launches of version 1 become lost ones: all but the present one, and at least one.
func TestVersion1Lost(t *testing.T) {
	for _, c := range []struct {
		state    string
		launches int
		doubtful bool
		lost     int32
	}{
		{"pending", 2, true, 2}, {"pending", 0, true, 1}, {"pending", 2, false, 0},
		{"running", 3, true, 2}, {"running", 1, true, 1}, {"unreachable", 3, true, 2}, {"running", 3, false, 0},
		{"lost", 3, true, 3}, {"lost", 3, false, 0}, {"running", math.MinInt32, true, 1},
	} {
		value := fmt.Sprintf(`{"Version":1,"Spec":{"ID":"a"},"State":%q,"Launches":%d,"Doubtful":%t}`, c.state, c.launches, c.doubtful)
		_, tasks, err := decodeAll(map[string][]byte{"task/a": []byte(value)})
		require.NoError(t, err)
		require.Equal(t, c.lost, tasks[0].Lost, value)
	}
}

func TestUUIDs(t *testing.T) {
	var u UUIDs
	uuid := func(n byte) []byte { return append(make([]byte, 15), n) }
	require.False(t, u.Seen(nil), "no uuid is never a repetition")
	require.False(t, u.Seen(nil))
	for n := byte(1); n <= 5; n++ {
		require.False(t, u.Seen(uuid(n)))
		require.True(t, u.Seen(uuid(n)))
	}
	require.True(t, u.Seen(uuid(2)))
	require.False(t, u.Seen(uuid(1)), "four are remembered")
	u = UUIDs{}
	for _, odd := range []string{"aaaaaaaaaaaaaaaa", string(make([]byte, 16)), "short", "longer than any uuid is"} {
		require.False(t, u.Seen([]byte(odd)))
		require.True(t, u.Seen([]byte(odd)))
	}
}
