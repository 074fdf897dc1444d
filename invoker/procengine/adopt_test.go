//go:build linux

package procengine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// remains are what a killed invoker has left of one container.
type remains struct {
	t   *testing.T
	dir string
	c   *container
}

// directory makes the container's directory, and output that of its streams.
func (r *remains) directory() { require.NoError(r.t, os.MkdirAll(r.c.dir, 0o700)) }

func (r *remains) output() *os.File {
	r.directory()
	f, err := os.Create(filepath.Join(r.c.dir, "stdout"))
	require.NoError(r.t, err)
	return f
}

// process starts the container's process, as start does. The process that a test leaves behind is adopted by the test itself.
func (r *remains) process(script string, env ...string) {
	f := r.output()
	defer f.Close()
	id, err := spawn([]string{"sh", "-c", script}, append(env, "PATH="+os.Getenv("PATH")), r.c.dir, f, f)
	require.NoError(r.t, err)
	r.c.state = state{Incarnation: "first", Process: id, Port: 31100, Started: time.Now()}
	r.t.Cleanup(func() { _ = syscall.Kill(-id.PID, syscall.SIGKILL) })
}

func (r *remains) record() { require.NoError(r.t, r.c.state.write(r.c.dir)) }

// runs reports whether the container's first process runs.
func (r *remains) runs() bool {
	runs, err := r.c.state.Process.runs()
	require.NoError(r.t, err)
	return runs
}

func (r *remains) awaitEnd() {
	require.Eventually(r.t, func() bool { return !r.runs() }, time.Minute, time.Millisecond)
}

// Each step between the decision to start a container and its end, as if the invoker had been killed right after it.
func TestKilledAfterEachStep(t *testing.T) {
	for _, test := range []struct {
		step        string
		leave       func(r *remains)
		found, kept bool // it runs and is listed; its directory is there
	}{
		{"the directory is made", (*remains).directory, false, false},
		{"the files are made", func(r *remains) { r.output().Close() }, false, false},
		{"the process runs", func(r *remains) { r.process("sleep 1000", dirVariable+"="+r.c.dir) }, false, false},
		{"the process runs without its environment", func(r *remains) { r.process("sleep 1000") }, false, false},
		{"a part of the state file is written", func(r *remains) {
			r.process("sleep 1000")
			r.record()
			name := filepath.Join(r.c.dir, stateFile)
			require.NoError(t, os.Rename(name, name+".new"))
			require.NoError(t, os.Truncate(name+".new", 20))
		}, false, false},
		{"the state file was lost with the machine", func(r *remains) {
			r.directory()
			require.NoError(t, os.WriteFile(filepath.Join(r.c.dir, stateFile), nil, 0o600))
		}, false, false},
		{"the state file is written", func(r *remains) { r.process("sleep 1000"); r.record() }, true, true},
		{"it is suspended", func(r *remains) {
			r.process("sleep 1000")
			r.record()
			require.NoError(t, r.c.signal(syscall.SIGSTOP))
		}, true, true},
		{"it is killed", func(r *remains) {
			r.process("sleep 1000")
			r.record()
			require.NoError(t, r.c.signal(syscall.SIGKILL))
			r.awaitEnd()
		}, false, true},
		{"it is killed, and something is left of it", func(r *remains) {
			r.process("sleep 1000 & exit")
			r.record()
			r.awaitEnd()
		}, false, true},
		{"its end is recorded", func(r *remains) {
			r.process("exit")
			r.awaitEnd()
			r.c.state.Ended = time.Now()
			r.record()
		}, false, true},
	} {
		t.Run(test.step, func(t *testing.T) {
			cfg := config(t)
			require.NoError(t, os.MkdirAll(cfg.Dir, 0o700))
			r := &remains{t: t, dir: cfg.Dir, c: newContainer("c", filepath.Join(cfg.Dir, "c"))}
			test.leave(r)
			e := open(t, cfg)
			list, err := e.Instances(t.Context())
			require.NoError(t, err)
			if test.found {
				require.Len(t, list, 1)
				require.True(t, r.runs())
				require.NoError(t, e.Destroy(t.Context(), "c"))
			} else {
				require.Empty(t, list)
			}
			require.False(t, r.runs())
			require.Zero(t, running(t, cfg.Dir))
			_, err = os.Stat(r.c.dir)
			require.Equal(t, test.kept, err == nil)
		})
	}
}

// A process that has got the number of a container's process is neither adopted nor killed.
func TestNumberOfAnotherProcess(t *testing.T) {
	for name, change := range map[string]func(*identity){
		"since then":        func(id *identity) { id.Start-- },
		"before a reboot":   func(id *identity) { id.Boot = "another" },
		"as a later leader": func(id *identity) { id.Start++ },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			other := exec.Command("sleep", "1000")
			other.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			require.NoError(t, other.Start())
			defer other.Wait() //nolint:errcheck // it is killed
			defer other.Process.Kill()
			id, err := identify(other.Process.Pid)
			require.NoError(t, err)
			stranger := id
			change(&id)
			r := &remains{t: t, dir: cfg.Dir, c: newContainer("c", filepath.Join(cfg.Dir, "c"))}
			r.directory()
			r.c.state = state{Incarnation: "first", Process: id, Port: 31100, Started: time.Now()}
			r.record()
			e := open(t, cfg)
			list, err := e.Instances(t.Context())
			require.NoError(t, err)
			require.Empty(t, list)
			require.NoError(t, e.Destroy(t.Context(), "c"))
			runs, err := stranger.runs()
			require.NoError(t, err)
			require.True(t, runs)
		})
	}
}

// A directory has one engine at a time.
func TestSecondEngineIsRefused(t *testing.T) {
	cfg := config(t)
	e := open(t, cfg)
	_, err := New(cfg)
	require.ErrorContains(t, err, "another engine uses "+cfg.Dir)
	require.NoError(t, e.Close())
	_, err = e.Create(t.Context(), "c", testSpec())
	require.ErrorIs(t, err, invoker.ErrUnavailable)
	_, err = e.Instances(t.Context())
	require.ErrorIs(t, err, invoker.ErrUnavailable)
	require.ErrorIs(t, e.Destroy(t.Context(), "c"), invoker.ErrUnavailable)
	open(t, cfg)
}

// An engine that cannot read what was left must not say that there is nothing.
func TestUnreadableStateFailsNew(t *testing.T) {
	cfg := config(t)
	require.NoError(t, os.MkdirAll(filepath.Join(cfg.Dir, "c", stateFile), 0o700)) // a directory in its place
	_, err := New(cfg)
	require.ErrorContains(t, err, "container c")
	require.DirExists(t, filepath.Join(cfg.Dir, "c"))
}

// What a container starts ends with it, however it was started.
func TestNothingIsLeftOfAContainer(t *testing.T) {
	for name, script := range map[string]string{
		"in the same group":           `sleep 1000 & echo $!; exec sleep 1000`,
		"in a group of its own":       `set -m; env -i sleep 1000 >/dev/null 2>&1 & echo $!; exec sleep 1000`,
		"in a session of its own":     `setsid sleep 1000 & echo $!; exec sleep 1000`,
		"without its environment":     `env -i setsid sleep 1000 & echo $!; exec sleep 1000`,
		"as a daemon":                 `setsid sleep 1000 >/dev/null 2>&1 & echo $!; cd /; exec sleep 1000`,
		"after the first one's end":   `setsid sleep 1000 & echo $!`,
		"in the group after that end": `sleep 1000 >/dev/null & echo $!`,
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			require.NoError(t, os.Symlink(t.TempDir(), cfg.Dir)) // the kernel tells other paths than the configuration
			cfg.Kinds["script"] = []string{"sh", "-c", script}
			e := open(t, cfg)
			changes := e.Watch(t.Context())
			in, err := e.Create(t.Context(), "c", invoker.Spec{Shape: invoker.Shape{Kind: "script"}})
			require.NoError(t, err)
			var child identity
			require.Eventually(t, func() bool {
				buf := make([]byte, 32)
				n, _, err := e.ReadOutput(t.Context(), in, invoker.Stdout, 0, buf)
				require.NoError(t, err)
				var pid int
				if got, _ := fmt.Sscanf(string(buf[:n]), "%d\n", &pid); got == 1 {
					child.PID = pid
					child, _ = identify(pid) // it may have been killed already
				}
				return child.PID > 0
			}, time.Minute, time.Millisecond)
			require.Eventually(t, func() bool { // it is what it becomes in the end, or was killed
				line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child.PID))
				return err != nil || len(line) == 0 || strings.HasPrefix(string(line), "sleep")
			}, time.Minute, time.Millisecond)
			if name == "after the first one's end" || name == "in the group after that end" {
				for change := range changes {
					require.Equal(t, "exited with status 0", change.Reason)
					break
				}
			}
			require.NoError(t, e.Destroy(t.Context(), "c"))
			runs, err := child.runs()
			require.NoError(t, err)
			require.False(t, runs)
		})
	}
}
