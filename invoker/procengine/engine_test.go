//go:build linux

package procengine

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/enginetest"
)

// config returns the configuration of an engine in a directory of the test, whose containers serve enginetest.Handler. Others run
// a script of the shell.
func config(t *testing.T) Config {
	return Config{Dir: filepath.Join(t.TempDir(), "engine"), Kinds: map[string][]string{
		"test": {os.Args[0], "container"}, "missing": {"/nonexistent/program"}, "unexecutable": {"/etc/passwd"},
	}}
}

// testSpec is for a container that serves enginetest.Handler. Under the race detector a program would take a second to end.
func testSpec() invoker.Spec {
	return invoker.Spec{Shape: invoker.Shape{Kind: "test", Memory: 16}, Env: map[string]string{"GORACE": "atexit_sleep_ms=0"}}
}

// open returns an engine that is closed, and whose processes are killed, at the end of the test.
func open(t *testing.T, cfg Config) *Engine {
	e, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		list, _ := e.Instances(context.Background()) // none if the test has closed it
		for _, in := range list {
			require.NoError(t, e.Destroy(context.Background(), in.ID))
		}
		require.NoError(t, e.Close())
	})
	return e
}

// running counts the processes of the containers in a directory, as the kernel sees them.
func running(t *testing.T, dir string) int {
	dirs, err := os.ReadDir(dir)
	require.NoError(t, err)
	count := 0
	for _, d := range dirs {
		pids, _, err := members(filepath.Join(dir, d.Name()), identity{}, false)
		require.NoError(t, err)
		count += len(pids)
	}
	return count
}

func TestEngineKeepsItsPromises(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) enginetest.Fixture {
		cfg := config(t)
		e := open(t, cfg)
		return enginetest.Fixture{
			Engine:  e,
			Spec:    testSpec(),
			Running: func() int { return running(t, cfg.Dir) },
			OutOfMemory: func(in invoker.Instance) {
				_, err := http.Post("http://"+in.Address+"/exit?code=137", "", nil)
				require.Error(t, err, "it ends without an answer")
			},
			Refused: []enginetest.Refused{
				{Why: "a kind that is not configured", Spec: invoker.Spec{Shape: invoker.Shape{Kind: "unknown"}}, Want: invoker.ErrImage},
				{Why: "a program that does not exist", Spec: invoker.Spec{Shape: invoker.Shape{Kind: "missing"}}, Want: invoker.ErrStart},
				{Why: "a file that is no program", Spec: invoker.Spec{Shape: invoker.Shape{Kind: "unexecutable"}}, Want: invoker.ErrStart},
				{Why: "more memory than there is", Spec: invoker.Spec{Shape: invoker.Shape{Kind: "test", Memory: 1 << 30}}, Want: invoker.ErrNoCapacity},
			},
			Restart: func() invoker.Engine {
				require.NoError(t, e.Close())
				e = open(t, cfg)
				return e
			},
		}
	})
}
