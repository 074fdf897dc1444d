package record

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// For any bytes Decode returns an error that names a record, or tasks. Tasks that were decoded can be encoded; decoded
// again they are the same, and encoded again they have the same bytes. An empty record counts as none.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"version1.txt", "version2.txt"} {
		records := readStore(f, name)
		for _, sample := range samples() {
			id := sample.Info.Spec.ID
			f.Add(id, records[FrameworkKey], records[SpecKey(id)], records[TaskKey(id)])
		}
	}
	for _, framework := range readStore(f, "framework.txt") {
		f.Add("a", framework, []byte(spec2), []byte(state2))
	}
	for _, state := range []string{
		`{"version":2,"state":"running","agent":null,"status":"","uuids":[1]}`,
		`{"version":2,"state":"running","agent":{"attributes":[]},"agentID":"","hostname":null}`,
		`{"version":2,"state":"running","status":"CgIKABAB+v////////////8B"}`, // an unknown field whose length overflows
		`{"version":2,"state":"running","updated":"0000-01-01T00:00:00+01:00"}`,
		`{"Version":1,"Spec":{"ID":"a"},"State":"running","AgentID":"b","Doubtful":true,"Launches":-2147483648}`,
		`{"version":3}`, `{"version":1,"VERSION":2}`, `null`, `[]`,
	} {
		f.Add("a", []byte(`{"version":2,"id":"f"}`), []byte(`{"version":2,"spec":{}}`), []byte(state))
	}
	f.Fuzz(func(t *testing.T, id string, framework, spec, state []byte) {
		records := map[string][]byte{}
		for key, value := range map[string][]byte{FrameworkKey: framework, SpecKey(id): spec, TaskKey(id): state} {
			if len(value) > 0 {
				records[key] = value
			}
		}
		name, tasks, err := decodeAll(records)
		if err != nil {
			var bad *Error
			require.ErrorAs(t, err, &bad)
			require.Contains(t, records, bad.Key)
			require.Error(t, bad.Err)
			return
		}
		again := encodeAll(t, name, tasks)
		nameAgain, tasksAgain, err := decodeAll(again)
		require.NoError(t, err)
		require.Equal(t, name, nameAgain)
		require.Equal(t, again, encodeAll(t, name, tasksAgain))
		for i := range tasks { // one at most
			tasks[i].SpecStored = false
			requireEqual(t, tasks[i], tasksAgain[i])
		}
	})
}
