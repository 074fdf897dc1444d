//go:build linux

package procengine

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// invokerIn returns an invoker whose engine and store are in dir. There is room for half of the actions, so that containers
// come and go.
func invokerIn(dir string) (*invoker.Invoker, error) {
	e, err := New(engineIn(dir))
	if err != nil {
		return nil, err
	}
	store, err := ha.OpenFile(filepath.Join(dir, "store"))
	if err != nil {
		return nil, err
	}
	return invoker.New(invoker.Config{Owner: "killed", Engine: e, Store: store, Pool: invoker.PoolConfig{
		Memory: actions / 2 * invoker.DefaultMemory, Stems: []invoker.StemCells{{Kind: "action", Initial: 1}},
	}})
}

func engineIn(dir string) Config {
	cfg := Config{Dir: filepath.Join(dir, "engine"), Kinds: map[string][]string{"action": {os.Args[0], "action"}}}
	cfg.MinPort, cfg.MaxPort = ownPorts(dir)
	return cfg
}

const actions = 8

// embedInvoker is a program that embeds an invoker. It runs activations of several actions at once until it is killed.
func embedInvoker(dir string) {
	inv, err := invokerIn(dir)
	if err != nil {
		fmt.Println("failed", err)
		return
	}
	ctx := context.Background()
	var all sync.WaitGroup
	all.Go(func() { fmt.Println("failed", inv.Run(ctx)) })
	for w := range 4 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(os.Getpid()), uint64(w)))
			for n := 0; ; n++ {
				name := fmt.Sprintf("/guest/a%d", random.IntN(actions))
				action := &invoker.Action{
					Namespace: "guest", Name: name, Kind: "action", Code: "out code " + name + "\nlines 1\necho", Timeout: 20 * time.Second,
				}
				id := fmt.Sprintf("run-%d-%d-%d", os.Getpid(), w, n)
				result, err := inv.Invoke(ctx, action, invoker.Activation{ID: id})
				if err != nil || result.Status != invoker.Success {
					fmt.Println("failed", id, result, err)
				}
				fmt.Println("done", id)
			}
		})
	}
	all.Wait()
}

// A process that embeds an invoker is killed at any moment: no process is left that the next one does not know, no container
// serves two actions, no activation runs twice, and each one whose result was returned has run.
func TestInvokerKilledAnywhere(t *testing.T) {
	dir := t.TempDir()
	t.Cleanup(func() { destroyAll(t, engineIn(dir)) }) // of a test that failed
	random := rand.New(rand.NewPCG(11, 12))
	done := map[string]bool{}
	for range killCount(t, 10) {
		runInvokerAndKill(t, dir, time.Duration(random.IntN(300))*time.Millisecond, done)
		checkOutput(t, filepath.Join(dir, "engine"), done)
	}
	t.Logf("%d activations done", len(done))

	cfg := engineIn(dir)
	e, err := New(cfg)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		list, err := e.Instances(t.Context())
		return err == nil && len(list) == running(t, cfg.Dir)
	}, time.Minute, 10*time.Millisecond, "an orphan runs, or what was being killed is listed when it has ended")
	require.NoError(t, e.Close())
	destroyAll(t, cfg)
	require.Zero(t, running(t, cfg.Dir))
}

// runInvokerAndKill runs a process that embeds an invoker, kills it some time after its first activation, and notes which were done.
func runInvokerAndKill(t *testing.T, dir string, after time.Duration, done map[string]bool) {
	cmd := exec.Command(os.Args[0], "invoker", dir)
	cmd.Stderr = io.Discard // its warnings
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // of a test that failed
	first := true
	for lines := bufio.NewScanner(out); lines.Scan(); {
		id, ok := strings.CutPrefix(lines.Text(), "done ")
		require.True(t, ok, lines.Text())
		done[id] = true
		if first {
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
			first = false
		}
	}
	require.False(t, first, "nothing was done")
	require.Error(t, cmd.Wait(), "it was killed")
}

// Each activation prints what its container was initialised with, and what it was called for.
var printed = regexp.MustCompile(`(?m)^code (\S+)\n(\S+) (\S+) 1 ?$`)

// checkOutput checks what all containers have printed, one file for each.
func checkOutput(t *testing.T, dir string, done map[string]bool) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "stdout"))
	require.NoError(t, err)
	ran := map[string]string{} // file by activation
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		names := map[string]bool{}
		found := printed.FindAllSubmatch(data, -1)
		require.LessOrEqual(t, bytes.Count(data, []byte("code "))-len(found), 1, "one may be running:\n%s", data)
		for _, run := range found {
			names[string(run[1])], names[string(run[2])] = true, true
			require.NotContains(t, ran, string(run[3]), "%s ran twice", run[3])
			ran[string(run[3])] = file
		}
		require.LessOrEqual(t, len(names), 1, "%s served %v", file, names)
	}
	for id := range done {
		require.Contains(t, ran, id, "its result was returned")
	}
}

// An idle container is frozen, and goes on with the next activation.
func TestIdleContainersAreSuspended(t *testing.T) {
	cfg := config(t)
	cfg.Kinds["action"] = []string{os.Args[0], "action"}
	e := open(t, cfg)
	inv, err := invoker.New(invoker.Config{Owner: "idle", Engine: e, Pool: invoker.PoolConfig{PauseGrace: 10 * time.Millisecond}})
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- inv.Run(t.Context()) }()
	events := inv.Events(t.Context())
	action := &invoker.Action{Namespace: "guest", Name: "/guest/count", Kind: "action", Code: "count"}
	for run, start := range []invoker.StartKind{invoker.Cold, invoker.Warm, invoker.Warm} {
		result, err := inv.Invoke(t.Context(), action, invoker.Activation{})
		require.NoError(t, err)
		require.Equal(t, start, result.Start)
		require.JSONEq(t, fmt.Sprintf(`{"runs":%d}`, run+1), string(result.Body))
		for event := range events {
			if event.Kind == invoker.EventSuspended {
				break
			}
		}
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", e.containers[result.Container].state.Process.PID))
		require.NoError(t, err)
		require.Contains(t, string(data), ") T ")
		events = inv.Events(t.Context())
	}
	require.NoError(t, inv.Close(t.Context()))
	require.NoError(t, <-ended)
	require.Zero(t, running(t, cfg.Dir))
}
