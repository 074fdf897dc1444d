package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the demonstration believes to be true is checked against the master: each harm is noticed.
func TestMasterViewCheck(t *testing.T) {
	const one = `{"id": "f", "tasks": [{"id": "t", "slave_id": "a", "state": "TASK_RUNNING", "statuses": [{"timestamp": 1.5}]}]}`
	view := func(text string) (v masterView) {
		require.NoError(t, json.Unmarshal([]byte(text), &v))
		return v
	}
	before := view(`{"frameworks": [` + one + `]}`)
	require.NoError(t, before.check(before))
	for now, fault := range map[string]string{
		`{"frameworks": [` + one + `, {"id": "g"}]}`:                                         "2 frameworks, 0 of them ended, in place of one",
		`{"frameworks": [` + one + `], "completed_frameworks": [{"id": "g"}]}`:               "2 frameworks, 1 of them ended, in place of one",
		`{"frameworks": [{"id": "g"}]}`:                                                      "1 frameworks, 0 of them ended, in place of one; t is lost",
		`{"frameworks": [{"id": "f"}]}`:                                                      "t is lost",
		`{"frameworks": [{"id": "f", "tasks": [{"id": "t", "state": "TASK_UNREACHABLE"}]}]}`: "t is lost",
		`{"frameworks": [{"id": "f", "tasks": [{"id": "t", "slave_id": "b", "state": "TASK_RUNNING", "statuses": [{"timestamp": 1.5}]}]}]}`: "t was started again",
		`{"frameworks": [{"id": "f", "tasks": [{"id": "t", "slave_id": "a", "state": "TASK_RUNNING", "statuses": [{"timestamp": 2}]}]}]}`:   "t was started again",
		`{"frameworks": [{"id": "f", "completed_tasks": [{"id": "t"}]}]}`:                                                                   "t is lost; t has ended",
	} {
		require.EqualError(t, view(now).check(before), "the master says: "+fault)
	}
}
