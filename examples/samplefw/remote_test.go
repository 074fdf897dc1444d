package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// servedFramework is a framework that runs in this process on a fake cluster, and serves its API.
type servedFramework struct {
	*scheduler.Scheduler
	address string
}

func serve(t *testing.T, tokens ...string) servedFramework {
	t.Helper()
	cluster := mesosfake.Start(t, mesosfake.Config{Listen: "127.0.0.1:0", Agents: []mesosfake.Agent{{Hostname: "agent1", Attributes: "rack:r1"}}})
	s, err := scheduler.New(scheduler.Config{Master: cluster.Master(), Framework: scheduler.Framework{Name: "shop"}, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	api, err := controlapi.New(controlapi.Config{Framework: s, Name: "shop", Tokens: tokens})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	var services sync.WaitGroup
	t.Cleanup(func() { stop(); services.Wait() })
	services.Go(func() { _ = s.Run(ctx) })
	services.Go(func() { _ = api.Serve(ctx, listener) })
	return servedFramework{s, listener.Addr().String()}
}

// tool runs the tool with arguments, and returns what it has printed.
func tool(ctx context.Context, stdin string, args ...string) (stdout string, err error) {
	root := newRoot()
	var out, said bytes.Buffer
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&said)
	root.SetArgs(withTwoDashes(root, args))
	err = root.ExecuteContext(ctx)
	return out.String() + said.String(), err
}

// run runs the tool against the framework.
func (s servedFramework) run(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return tool(ctx, "", append([]string{args[0], "--at", s.address}, args[1:]...)...)
}

// An interrupt is said in one word, whatever the command waits for.
func TestInterruptedWhileNobodyAnswers(t *testing.T) {
	asked := make(chan string)
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case asked <- r.URL.Path:
		case <-t.Context().Done():
		}
		select {
		case <-r.Context().Done():
		case <-t.Context().Done():
		}
	}))
	t.Cleanup(silent.Close)
	at := []string{"--at", strings.TrimPrefix(silent.URL, "http://")}
	for command, words := range map[string]string{
		"ls":        "interrupted",
		"kill a":    "interrupted; tasks that were asked to end still do so",
		"members":   "interrupted",
		"explain a": "interrupted",
		"history a": "interrupted",
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- perform(ctx, append(strings.Fields(command), at...)) }()
		<-asked
		interrupt()
		err := <-ended
		require.EqualError(t, err, words, command)
		require.Equal(t, exitFailure, exitCode(err))
	}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	require.EqualError(t, perform(ctx, append([]string{"ls"}, at...)), "interrupted", "before it has connected")
}

// Tasks are listed with filters, in an order, as a table, as IDs or as JSON.
func TestList(t *testing.T) {
	s := serve(t)
	out, err := s.run(t, "ls")
	require.NoError(t, err)
	require.Equal(t, "ID  STATE  FOR  HOST  CPUS  MEM  GROUP  MESSAGE\n", out)
	for i := range 3 {
		_, err := s.Launch(t.Context(), task.Spec{ID: fmt.Sprint("x", i), Group: fmt.Sprint("g", i/2), CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "sleep 100"}})
		require.NoError(t, err)
	}
	require.NoError(t, s.Submit(t.Context(), task.Spec{ID: "big", Mem: 1e6, Labels: map[string]string{"size": "XL"}, Command: task.Command{Shell: "true"}}))
	for args, ids := range map[string]string{
		"":                        "x0 x1 x2 big",
		"--state pending":         "big",
		"--state running,staging": "x0 x1 x2",
		"--group g0":              "x0 x1",
		"--agent agent1":          "x0 x1 x2",
		"--label size=XL":         "big",
		"--text X1":               "x1",
		"--sort -id":              "x2 x1 x0 big",
		"--limit 2":               "x0 x1",
		"--group none":            "",
	} {
		out, err := s.run(t, append([]string{"ls", "-o", "id"}, strings.Fields(args)...)...)
		require.NoError(t, err)
		require.Equal(t, ids, strings.Join(strings.Fields(out), " "), args)
	}
	out, err = s.run(t, "ls", "--text", "x0")
	require.NoError(t, err)
	require.Regexp(t, `^ID  STATE    FOR  HOST    CPUS  MEM  GROUP  MESSAGE\nx0  running  \d+s   agent1  0.1   32   g0\n$`, out)
	out, err = s.run(t, "ls", "--text", "big")
	require.NoError(t, err)
	require.Regexp(t, `\nbig  pending  \d+s   -     0     1000000  -\n`, out)
	out, err = s.run(t, "ls", "-o", "json", "--group", "g1")
	require.NoError(t, err)
	var all []controlapi.Summary
	require.NoError(t, json.Unmarshal([]byte(out), &all))
	require.Len(t, all, 1)
	require.Equal(t, task.StateRunning, all[0].State)
	for args, text := range map[string]string{"--state up": `--state: `, "--limit -1": "--limit -1 (not negative)", "--output wide": `--output "wide"`, "more": "arguments"} {
		_, err := s.run(t, append([]string{"ls"}, strings.Fields(args)...)...)
		require.ErrorContains(t, err, text)
		require.Equal(t, exitUsage, exitCode(err))
	}
}

// More tasks than there are on a page of the API are all listed.
func TestListOfSeveralPages(t *testing.T) {
	s := serve(t)
	const n = 2*mostOnPage + 1
	require.NoError(t, each(n, func(i int) error {
		return s.Submit(t.Context(), task.Spec{ID: fmt.Sprint("t", i), Mem: 1e6, Command: task.Command{Shell: "true"}})
	}))
	for args, want := range map[string]int{"": n, "--limit 1500": 1500, "--limit 1000": 1000} {
		out, err := s.run(t, append([]string{"ls", "-o", "id"}, strings.Fields(args)...)...)
		require.NoError(t, err)
		require.Equal(t, want, strings.Count(out, "\n"), args)
	}
}

// Tasks are killed by their IDs; all of them only if somebody has said yes.
func TestKill(t *testing.T) {
	s := serve(t)
	launch := func(ids ...string) {
		for _, id := range ids {
			_, err := s.Launch(t.Context(), task.Spec{ID: id, CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "sleep 100"}})
			require.NoError(t, err)
		}
	}
	launch("a", "b", "c", "d")
	out, err := s.run(t, "kill", "a", "b")
	require.NoError(t, err)
	require.Contains(t, out, "task a killed on agent1")
	require.Contains(t, out, "task b killed on agent1")
	_, err = s.run(t, "kill", "none")
	require.ErrorContains(t, err, `"samplefw ls" lists the tasks`)
	require.Equal(t, exitFailure, exitCode(err))
	for _, args := range [][]string{{"kill"}, {"kill", "--all", "c"}} {
		_, err = s.run(t, args...)
		require.Equal(t, exitUsage, exitCode(err), "%v", err)
	}
	t.Setenv("SAMPLEFW_YES", "true") // does not count
	_, err = s.run(t, "kill", "--all")
	require.ErrorContains(t, err, "nothing was killed: answer yes, or add --yes")
	out, err = s.run(t, "kill", "--all", "--yes", "-o", "json")
	require.NoError(t, err)
	var infos []task.Info
	require.NoError(t, json.Unmarshal([]byte(out), &infos))
	require.Len(t, infos, 2)
	out, err = s.run(t, "kill", "--all")
	require.NoError(t, err)
	require.Empty(t, out, "there is nothing left")
}

// A pending task is explained with a line for each reason, another one with its state.
func TestExplain(t *testing.T) {
	s := serve(t)
	require.NoError(t, s.Submit(t.Context(), task.Spec{ID: "picky", Mem: 1e6, Command: task.Command{Shell: "true"},
		Constraints: []task.Constraint{{Attribute: "rack", Operator: task.OpIs, Value: "r9"}}}))
	require.NoError(t, until(t.Context(), demoPatience, func(ctx context.Context) error {
		out, err := s.run(t, "explain", "picky")
		if err == nil && !strings.Contains(out, "\n  - rack IS r9: does not hold on 1 agent\n") {
			err = fmt.Errorf("it says %q", out)
		}
		return err
	}))
	out, err := s.run(t, "explain", "picky", "-o", "json")
	require.NoError(t, err)
	var why scheduler.Explanation
	require.NoError(t, json.Unmarshal([]byte(out), &why))
	require.Equal(t, "picky", why.Task.Spec.ID)
	_, err = s.Kill(t.Context(), "picky")
	require.NoError(t, err)
	out, err = s.run(t, "explain", "picky")
	require.NoError(t, err)
	require.Equal(t, "task picky killed\n", out)
	_, err = s.run(t, "explain", "none")
	require.ErrorContains(t, err, "unknown task")
	_, err = s.run(t, "explain")
	require.Equal(t, exitUsage, exitCode(err))
}

// What has become of a task is listed, the oldest first.
func TestHistory(t *testing.T) {
	s := serve(t)
	require.NoError(t, s.Submit(t.Context(), task.Spec{ID: "bad", CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "exit 3"}}))
	_, err := s.Wait(t.Context(), "bad", scheduler.UntilEnded)
	require.NoError(t, err)
	out, err := s.run(t, "history", "bad")
	require.NoError(t, err)
	require.Regexp(t, `^AT +STATE +HOST +MESSAGE\n`, out)
	require.Regexp(t, `(?s) pending .* staging .* running .* failed +agent1 +Command exited with status 3\n$`, out)
	out, err = s.run(t, "history", "bad", "-o", "json")
	require.NoError(t, err)
	var all []task.Transition
	require.NoError(t, json.Unmarshal([]byte(out), &all))
	require.Equal(t, task.StateFailed, all[len(all)-1].State)
	_, err = s.run(t, "history", "none")
	require.ErrorContains(t, err, "unknown task")
}

// Events are printed as they come: those of the tasks that were asked for.
func TestWatch(t *testing.T) {
	s := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	lines := make(chan string, 1000)
	ended := make(chan error, 1)
	go func() {
		root := newRoot()
		root.SetArgs([]string{"watch", "mine", "-o", "json", "--at", s.address})
		root.SetOut(lineWriter(lines))
		ended <- root.ExecuteContext(ctx)
	}()
	require.NoError(t, until(t.Context(), demoPatience, func(ctx context.Context) error { // until the watching has begun
		const id = "mine"
		_, _ = s.Launch(ctx, task.Spec{ID: "other", CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "sleep 100"}})
		_ = s.Forget(ctx, id)
		if _, err := s.Launch(ctx, task.Spec{ID: id, CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "sleep 100"}}); err != nil {
			return err
		}
		if _, err := s.Kill(ctx, id); err != nil {
			return err
		}
		var states []task.State
		for {
			select {
			case line := <-lines:
				var e struct {
					Event string
					Data  scheduler.TaskEvent
				}
				require.NoError(t, json.Unmarshal([]byte(line), &e), line)
				require.Equal(t, "task", e.Event)
				require.Equal(t, id, e.Data.Task.Spec.ID)
				states = append(states, e.Data.Task.State)
				if slices.Contains(states, task.StateRunning) && e.Data.Task.State == task.StateKilled {
					return nil
				}
			case <-time.After(time.Second):
				return fmt.Errorf("only %v", states)
			}
		}
	}))
	cancel()
	require.NoError(t, <-ended)
}

// lineWriter sends what is written: a line at a time.
type lineWriter chan string

func (w lineWriter) Write(line []byte) (int, error) {
	w <- string(line)
	return len(line), nil
}

// Without the token the API says nothing, and the tool what to do. The token comes from a flag, a file or the environment.
func TestTokenOfTheAPI(t *testing.T) {
	s := serve(t, "s3cret")
	_, err := s.run(t, "ls")
	require.ErrorContains(t, err, "set SAMPLEFW_TOKEN, --token or --token-file")
	_, err = s.run(t, "watch")
	require.ErrorContains(t, err, "set SAMPLEFW_TOKEN, --token or --token-file")
	for _, args := range [][]string{{"--token", "s3cret"}, {"--token-file", file(t, "s3cret\n")}} {
		_, err = s.run(t, append([]string{"ls"}, args...)...)
		require.NoError(t, err)
	}
	_, err = s.run(t, "ls", "--token", "wrong")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "wrong")
	_, err = s.run(t, "ls", "--token-file", "/no/s3cret")
	require.ErrorContains(t, err, "--token-file: the file cannot be read")
	require.NotContains(t, err.Error(), "s3cret")
	t.Setenv("SAMPLEFW_TOKEN", "s3cret")
	t.Setenv("SAMPLEFW_AT", "127.0.0.1:1,"+s.address)
	_, err = tool(t.Context(), "", "ls")
	require.NoError(t, err, "one of two addresses answers")
}

// Where nobody answers the tool says so at once, and where to look.
func TestNobodyAnswers(t *testing.T) {
	_, err := tool(t.Context(), "", "ls", "--at", "127.0.0.1:1")
	require.ErrorContains(t, err, "nobody answers at --at 127.0.0.1:1")
	require.ErrorContains(t, err, `"samplefw run" and "samplefw ha" say where their API is`)
}

// Completion asks the API for the IDs of tasks.
func TestCompletionOfIDs(t *testing.T) {
	s := serve(t)
	for _, id := range []string{"web-1", "web-2"} {
		require.NoError(t, s.Submit(t.Context(), task.Spec{ID: id, Mem: 1e6, Command: task.Command{Shell: "true"}}))
	}
	t.Setenv("SAMPLEFW_AT", s.address)
	for args, want := range map[string]string{
		"kill,":            "web-1\tpending\nweb-2\tpending\n:4",
		"kill,web-1,w":     "web-2",
		"explain,":         "web-1\tpending",
		"explain,web-1,":   ":4",
		"ls,--state,":      "unreachable",
		"submit,--wait,":   "running\nended\n:4",
		"ls,-o,":           "table\nid\njson\n:4",
		"":                 "submit\tSubmits tasks, and prints their IDs",
		"watch,":           "web-2\tpending",
		"kill,--at,x:1,we": ":4",
	} {
		out, err := tool(t.Context(), "", append([]string{"__complete"}, strings.Split(args, ",")...)...)
		require.NoError(t, err)
		require.Contains(t, out, want, args)
	}
	out, err := tool(t.Context(), "", "__complete", "kill", "web-1", "")
	require.NoError(t, err)
	require.NotContains(t, out, "web-1", "it is there already")
	odd := task.Spec{ID: "web-\u202e3", CPUs: 0.1, Mem: 32, Command: task.Command{Shell: "true"}}
	require.NoError(t, s.Submit(t.Context(), odd))
	out, err = tool(t.Context(), "", "__complete", "kill", "web")
	require.NoError(t, err)
	require.NotContains(t, out, odd.ID, "no shell prints it")
	_ = os.Unsetenv("SAMPLEFW_AT")
}
