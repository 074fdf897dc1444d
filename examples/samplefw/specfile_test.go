package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Tasks are read from YAML and JSON: one, several in a list, or several documents.
func TestReadSpecs(t *testing.T) {
	one := task.Spec{ID: "a", CPUs: 0.5, Mem: 64, Command: task.Command{Shell: "sleep 9", Env: map[string]string{"X": "1"}},
		Constraints: []task.Constraint{{Attribute: "rack", Operator: task.OpLike, Value: "r[12]"}},
		KillPolicy:  &task.KillPolicy{GracePeriod: 5 * time.Second}}
	two := task.Spec{ID: "b", Mem: 32, Container: &task.Container{Image: "nginx"}, Ports: []task.Port{{Container: 80, Name: "http"}}}
	const asYAML = `id: a
cpus: 0.5
mem: 64
command: {shell: sleep 9, env: {X: "1"}}
constraints:
- {attribute: rack, operator: LIKE, value: "r[12]"}
killPolicy: {gracePeriod: 5000000000}
`
	const asJSON = `{"id": "b", "mem": 32, "container": {"image": "nginx"}, "ports": [{"container": 80, "name": "http"}]}`
	for _, row := range []struct {
		text string
		want []task.Spec
	}{
		{asYAML, []task.Spec{one}},
		{asJSON, []task.Spec{two}},
		{asYAML + "---\n" + asJSON + "\n", []task.Spec{one, two}},
		{"[" + asJSON + "," + asJSON + "]", []task.Spec{two, two}},
		{"- id: c\n  mem: 1\n- id: d\n  mem: 2\n", []task.Spec{{ID: "c", Mem: 1}, {ID: "d", Mem: 2}}},
	} {
		got, err := readSpecs("-", strings.NewReader(row.text))
		require.NoError(t, err)
		require.Equal(t, row.want, got)
		got, err = readSpecs(file(t, row.text), nil)
		require.NoError(t, err)
		require.Equal(t, row.want, got)
	}
}

// What is wrong in a file is said with its line and field.
func TestMistakesInSpecs(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "-: there is no task in it",
		"[]":                             "-: there is no task in it",
		"id: a\nmemory: 3":               `-: the task in line 1: there is no field "memory"`,
		"id: a\n---\nid: b\nmem: lots":   "-: the task in line 3: mem is a string in place of a float64",
		"- id: a\n- x":                   "-: the task in line 2: ",
		"id: a\ncommand: {env: {X: 1}}":  "-: the task in line 1: command.env is a number in place of a string",
		"id: [":                          "-: yaml: ",
		"just text":                      "-: the task in line 1: ",
		"id: a\ncommand: {env: {1: x}}":  "-: the task in line 1: ",
		"id: a\nkillPolicy:\n  grace: 5": `-: the task in line 1: there is no field "grace"`,
	} {
		_, err := readSpecs("-", strings.NewReader(text))
		require.ErrorContains(t, err, want, text)
	}
	_, err := readSpecs("/no/such/file", nil)
	require.ErrorContains(t, err, "no such file")
}
