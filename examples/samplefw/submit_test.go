package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// A task is submitted by flags, and with --wait ended the tool exits with its status.
func TestSubmit(t *testing.T) {
	s := serve(t)
	out, err := s.run(t, "submit", "--id", "web", "--cmd", "sleep 100", "--group", "g", "--env", "A=b=c", "--label", "team=blue", "--constraint", "rack:LIKE:r.",
		"--constraint", "rack IS r1", "--cpus", "0.5", "--mem", "64", "--disk", "10", "--port", "0", "--user", "nobody", "--role", "*", "--wait", "running")
	require.NoError(t, err)
	require.Equal(t, "web\n", out)
	info, err := s.Task(t.Context(), "web")
	require.NoError(t, err)
	info.Spec.RequestID = ""
	require.Equal(t, task.Spec{
		ID: "web", CPUs: 0.5, Mem: 64, Disk: 10, Group: "g", Role: "*", Labels: map[string]string{"team": "blue"}, Ports: []task.Port{{}},
		Command:     task.Command{Shell: "sleep 100", Env: map[string]string{"A": "b=c"}, User: "nobody"},
		Constraints: []task.Constraint{{Attribute: "rack", Operator: task.OpLike, Value: "r."}, {Attribute: "rack", Operator: task.OpIs, Value: "r1"}},
	}, info.Spec)
	require.Equal(t, task.StateRunning, info.State)

	for command, code := range map[string]int{"true": 0, "exit 7": 7, "exit 2": 2} {
		out, err := s.run(t, "submit", "--command", command, "--wait", "ended")
		require.Regexp(t, `^task-[a-z0-9]{8}\n$`, out)
		require.Equal(t, code, exitCode(err), command)
	}
	out, err = s.run(t, "submit", "--count", "3", "--id", "many", "-o", "json", "--", "sleep", "100")
	require.NoError(t, err)
	var infos []task.Info
	require.NoError(t, json.Unmarshal([]byte(out), &infos))
	require.Equal(t, []string{"many-1", "many-2", "many-3"}, []string{infos[0].Spec.ID, infos[1].Spec.ID, infos[2].Spec.ID})
	require.Equal(t, []string{"sleep", "100"}, infos[2].Spec.Command.Argv)
}

// Tasks are submitted from a file or the standard input, also as a pod.
func TestSubmitFile(t *testing.T) {
	s := serve(t)
	const two = "- {id: a, cpus: 0.1, mem: 32, command: {shell: 'exit 4'}}\n- {id: b, cpus: 0.1, mem: 32, command: {shell: 'true'}}\n"
	out, err := s.run(t, "submit", "--file", file(t, two), "--wait", "ended")
	require.Equal(t, 4, exitCode(err), "%v", err)
	require.Equal(t, "a\nb\n", out)
	out, err = tool(t.Context(), strings.ReplaceAll(strings.ReplaceAll(two, "id: ", "pod: p, id: p-"), "exit 4", "sleep 100"), "submit", "-f", "-", "--pod", "--wait", "running", "--at", s.address)
	require.NoError(t, err)
	require.Equal(t, "p-a\np-b\n", out)
	info, err := s.Task(t.Context(), "p-a")
	require.NoError(t, err)
	require.Equal(t, "p", info.Spec.Pod)
}

// What is wrong with a submission is said before anything is sent, or in the words of the framework, with what to do.
func TestSubmitMistakes(t *testing.T) {
	s := serve(t)
	require.NoError(t, s.Submit(t.Context(), task.Spec{ID: "there", Mem: 1, Command: task.Command{Shell: "true"}}))
	for args, want := range map[string]struct {
		text string
		code int
	}{
		"":                                        {"there is nothing to run: --command, --image, --file or a program after --", exitUsage},
		"--command x --mem -1":                    {"Mem", exitUsage},
		"--command x --id a/b":                    {"ID", exitUsage},
		"--command x -- y":                        {"Command", exitUsage},
		"--command x --env A":                     {`--env "A" (NAME=VALUE)`, exitUsage},
		"--command x --constraint rack":           {`--constraint "rack"`, exitUsage},
		"--command x --port many":                 {`--port "many" (a number up to 65535)`, exitUsage},
		"--command x --count 0":                   {"--count 0 (at least 1)", exitUsage},
		"--command x --wait long":                 {`--wait "long" (running or ended)`, exitUsage},
		"--command x --pod":                       {"--pod without --file", exitUsage},
		"--command x --file f":                    {"--file has whole tasks, to which --command cannot be added", exitUsage},
		"--file f --count 2":                      {"--file has whole tasks, to which --count cannot be added", exitUsage},
		"--file /no/file":                         {"no such file", exitFailure},
		"--command x -o xml":                      {`--output "xml" (id or json)`, exitUsage},
		"--command false --id there":              {"duplicate task ID", exitFailure},
		"--command false --id there --wait ended": {"take another --id", exitFailure},
	} {
		_, err := s.run(t, append([]string{"submit"}, strings.Fields(args)...)...)
		require.ErrorContains(t, err, want.text, args)
		require.Equal(t, want.code, exitCode(err), args)
	}
}

// An interrupt ends the waiting, and the task goes on.
func TestInterruptedSubmit(t *testing.T) {
	s := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := tool(ctx, "", "submit", "--id", "long", "--cmd", "sleep 100", "--wait", "ended", "--at", s.address)
		ended <- err
	}()
	require.NoError(t, until(t.Context(), demoPatience, func(ctx context.Context) error {
		_, err := s.Wait(ctx, "long", scheduler.UntilRunning)
		return err
	}))
	cancel()
	require.ErrorContains(t, <-ended, "interrupted; the tasks go on")
	info, err := s.Task(t.Context(), "long")
	require.NoError(t, err)
	require.Equal(t, task.StateRunning, info.State)
}
