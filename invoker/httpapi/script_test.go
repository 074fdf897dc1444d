//go:build linux

package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/internal/actionruntime"
	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/httpapi"
	"github.com/mesos-actor/mesos-actor-go/invoker/procengine"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// TestMain runs the test's program as a container, if it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "container" {
		os.Exit(actionruntime.Main())
	}
	os.Exit(m.Run())
}

// script runs testdata/client.py, and returns what it has printed, and how to end it: by the end of its input, or by a kill.
func script(t *testing.T, url string) (line string, finish func() error, kill func()) {
	python, err := exec.LookPath("python3")
	if os.Getenv("CI") == "" && err != nil {
		t.Skip("there is no python3")
	}
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), python, "testdata/client.py", url, "secret")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	finish = func() error {
		_ = in.Close()
		return cmd.Wait()
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	return line, finish, kill
}

// TestAScriptInPython is a program in another language with a pool of its own: it has a container started, runs an action in it, and reads
// its logs. One that is killed leaves nothing behind.
func TestAScriptInPython(t *testing.T) {
	if testing.Short() {
		t.Skip("a session lasts 10 s")
	}
	t.Parallel()
	engine, err := procengine.New(procengine.Config{Dir: t.TempDir(), Kinds: map[string][]string{"script": {os.Args[0], "container"}}})
	require.NoError(t, err)
	defer engine.Close()
	quiet := slog.New(slog.DiscardHandler)
	inv, err := invoker.New(invoker.Config{Owner: "script", Engine: engine, Logger: quiet})
	require.NoError(t, err)
	idle, err := scheduler.New(scheduler.Config{Master: "127.0.0.1:5050", Framework: scheduler.Framework{Name: "shop"}, Logger: quiet})
	require.NoError(t, err)
	server, err := controlapi.New(controlapi.Config{Framework: idle, Tokens: []string{"secret"}, Routes: httpapi.Routes(inv)})
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = inv.Run(ctx) })
	running.Go(func() { _ = server.Serve(ctx, listener) })
	defer func() {
		closing, stop := context.WithTimeout(context.Background(), time.Minute)
		defer stop()
		require.NoError(t, inv.Close(closing))
		cancel()
		running.Wait()
	}()
	_, err = inv.Stats(ctx) // when the run has begun
	require.NoError(t, err)
	left := func() int {
		all, err := engine.Instances(ctx)
		require.NoError(t, err)
		return len(all)
	}
	watching, enough := context.WithTimeout(ctx, time.Minute)
	defer enough()
	events := inv.Events(watching)

	line, finish, _ := script(t, "http://"+listener.Addr().String())
	var said struct {
		Same   bool
		Result json.RawMessage
		Logs   []string
		Cursor string
	}
	require.NoError(t, json.Unmarshal([]byte(line), &said))
	require.True(t, said.Same)
	require.JSONEq(t, `{"greeting":"Hello, Ann!"}`, string(said.Result))
	require.Equal(t, []string{"stderr: brr", "stdout: Hello, Ann!", "stdout: it is cold today"}, said.Logs)
	require.Equal(t, 1, left())
	require.NoError(t, finish())

	_, _, kill := script(t, "http://"+listener.Addr().String())
	kill()
	gone := 0
	for e := range events {
		if e.Kind == invoker.EventGone {
			if gone++; gone == 2 {
				break
			}
		}
	}
	require.Equal(t, 2, gone)
	require.Zero(t, left())
}
