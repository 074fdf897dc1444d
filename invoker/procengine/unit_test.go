//go:build linux

package procengine

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

func TestEnded(t *testing.T) {
	exited := func(code int) syscall.WaitStatus { return syscall.WaitStatus(code << 8) }
	for _, test := range []struct {
		why       string
		status    syscall.WaitStatus
		oomKilled bool
		reason    string
		err       error
	}{
		{"by itself", exited(0), false, "exited with status 0", nil},
		{"by itself, while another process was out of memory", exited(1), true, "exited with status 1", nil},
		{"out of memory", syscall.WaitStatus(syscall.SIGKILL), true, "the kernel killed it for lack of memory", invoker.ErrMemory},
		{"a child of the program was out of memory", exited(137), false, "exited with status 137: out of memory", invoker.ErrMemory},
		{"kill -9", syscall.WaitStatus(syscall.SIGKILL), false, "ended by signal 9 (killed)", nil},
		{"crashed", syscall.WaitStatus(syscall.SIGSEGV), true, "ended by signal 11 (segmentation fault)", nil},
	} {
		t.Run(test.why, func(t *testing.T) {
			reason, err := ended(test.status, test.oomKilled)
			require.Equal(t, test.reason, reason)
			require.Equal(t, test.err, err)
		})
	}
}

// The ports of these tests are outside of the default range, from which other tests take theirs.
func TestPortsAreNotGivenOutTwice(t *testing.T) {
	first, second := newPorts(31000, 31009), newPorts(31000, 31009) // of two engines
	l, err := net.Listen("tcp", "127.0.0.1:31004")                  // somebody else's
	require.NoError(t, err)
	defer l.Close()
	taken := map[int]bool{}
	for i := range 9 {
		p := first
		if i%2 == 0 {
			p = second
		}
		port, hold, err := p.take()
		require.NoError(t, err)
		defer hold.Close()
		require.False(t, taken[port] || port == 31004 || port < 31000 || port > 31009, port)
		taken[port] = true
	}
	_, _, err = first.take()
	require.EqualError(t, err, "no port is free")
}

// A port comes again after all others: who still has the address of a container that is gone reaches nobody, not another one.
func TestPortsComeAgainLast(t *testing.T) {
	p := newPorts(31010, 31014)
	var order []int
	for range 10 {
		port, hold, err := p.take()
		require.NoError(t, err)
		require.NoError(t, hold.Close())
		order = append(order, port)
	}
	require.Equal(t, order[:5], order[5:])
	require.ElementsMatch(t, []int{31010, 31011, 31012, 31013, 31014}, order[:5])
}

func TestConfigIsValidated(t *testing.T) {
	for want, change := range map[string]func(*Config){
		`Dir: "": is required`:                                  func(c *Config) { c.Dir = "" },
		`Kinds: map[]: is required`:                             func(c *Config) { c.Kinds = nil },
		`Kinds: "a": has no program`:                            func(c *Config) { c.Kinds["a"] = nil },
		`Kinds: "b": has no program`:                            func(c *Config) { c.Kinds["b"] = []string{""} },
		`Host: "localhost": is not the IP address of a machine`: func(c *Config) { c.Host = "localhost" },
		`Host: "0.0.0.0": is not the IP address of a machine`:   func(c *Config) { c.Host = "0.0.0.0" },
		`MinPort: "70000 to 65535": is not a range of ports`:    func(c *Config) { c.MinPort = 70000 },
		`MinPort: "20000 to 19999": is not a range of ports`:    func(c *Config) { c.MaxPort = 19999 },
		`Memory: -1: must not be negative`:                      func(c *Config) { c.Memory = -1 },
		`OutputLimit: -1: must not be negative`:                 func(c *Config) { c.OutputLimit = -1 },
		`KeepOutput: -1s: must not be negative`:                 func(c *Config) { c.KeepOutput = -time.Second },
	} {
		cfg := config(t)
		change(&cfg)
		_, err := New(cfg)
		require.EqualError(t, err, "procengine: invoker: config: "+want)
	}
}

// IDs are names of directories.
func TestIDsAreChecked(t *testing.T) {
	e := open(t, config(t))
	for _, id := range []string{"", ".", "..", "../x", "a/b", "a b", "lock", ".hidden", "a\x00", string(make([]byte, 200))} {
		_, err := e.Create(t.Context(), id, testSpec())
		require.ErrorIs(t, err, invoker.ErrStart, id)
		_, _, err = e.ReadOutput(t.Context(), invoker.Instance{ID: id}, invoker.Stdout, 0, nil)
		require.Error(t, err, id)
		require.NoError(t, e.Destroy(t.Context(), id), id)
	}
}

// The ID of a container that has ended is not used again, and its output is not touched.
func TestIDsAreNotUsedAgain(t *testing.T) {
	cfg := config(t)
	e := open(t, cfg)
	for range 2 {
		_, err := e.Create(t.Context(), "c", testSpec())
		if errors.Is(err, invoker.ErrStart) {
			break
		}
		require.NoError(t, err)
		_, err = e.Create(t.Context(), "c", testSpec())
		require.ErrorIs(t, err, invoker.ErrStart)
		require.Equal(t, 1, running(t, cfg.Dir))
		require.NoError(t, e.Destroy(t.Context(), "c"))
	}
	require.FileExists(t, filepath.Join(cfg.Dir, "c", "stdout"))
}

// Memory is counted: what does not fit is refused, what is given back can be used again.
func TestMemoryIsCounted(t *testing.T) {
	cfg := config(t)
	cfg.Memory = 100
	cfg.Kinds["sleep"] = []string{"sleep", "1000"}
	e := open(t, cfg)
	spec := invoker.Spec{Shape: invoker.Shape{Kind: "sleep", Memory: 60}}
	agents, err := e.Agents(t.Context())
	require.NoError(t, err)
	require.Len(t, agents, 1)
	require.Equal(t, 100, agents[0].Memory)
	_, err = e.Create(t.Context(), "a", spec)
	require.NoError(t, err)
	_, err = e.Create(t.Context(), "b", spec)
	require.ErrorIs(t, err, invoker.ErrNoCapacity)
	require.ErrorContains(t, err, "60 MiB are asked for, 40 of 100 are free")
	require.NoError(t, e.Close())
	e = open(t, cfg)
	require.NoError(t, e.Destroy(t.Context(), "a"))
	_, err = e.Create(t.Context(), "b", spec)
	require.NoError(t, err)
	require.NoError(t, e.Destroy(t.Context(), "b"))
}

// Changes that a watcher does not read are dropped at some point, and it is told so.
func TestSlowWatcherLags(t *testing.T) {
	e := open(t, config(t))
	changes := e.Watch(t.Context())
	for i := range maxQueue + 2 {
		e.watchers.tell(invoker.Change{ID: fmt.Sprint(i), State: invoker.Gone})
	}
	var got []invoker.Change
	for change := range changes {
		if got = append(got, change); len(got) == 3 {
			break
		}
	}
	require.Equal(t, []invoker.Change{
		{State: invoker.Lagged}, {ID: fmt.Sprint(maxQueue), State: invoker.Gone}, {ID: fmt.Sprint(maxQueue + 1), State: invoker.Gone},
	}, got)
	require.Empty(t, e.watchers.all)
}

// A process whose first thread has ended looks like one that has ended, but others run.
func TestFirstThreadEnds(t *testing.T) {
	cfg := config(t)
	cfg.Kinds["headless"] = []string{os.Args[0], "headless"}
	e := open(t, cfg)
	in, err := e.Create(t.Context(), "c", invoker.Spec{Shape: invoker.Shape{Kind: "headless"}})
	require.NoError(t, err)
	pid := e.containers["c"].state.Process.PID
	require.Eventually(t, func() bool {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		require.NoError(t, err)
		return strings.Contains(string(data), ") Z ")
	}, time.Minute, time.Millisecond)
	answers := func() bool {
		resp, err := http.Get("http://" + in.Address)
		return err == nil && resp.Body.Close() == nil
	}
	require.Eventually(t, answers, time.Minute, time.Millisecond)
	require.NoError(t, e.Close())
	e = open(t, cfg)
	list, err := e.Instances(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.NoError(t, e.Suspend(t.Context(), "c"))
	require.NoError(t, e.Destroy(t.Context(), "c"))
	require.False(t, answers())
}

// The directory of a container that was not started is removed.
func TestRefusedStartLeavesNoDirectory(t *testing.T) {
	cfg := config(t)
	e := open(t, cfg)
	for _, kind := range []string{"missing", "unexecutable"} {
		_, err := e.Create(t.Context(), "c", invoker.Spec{Shape: invoker.Shape{Kind: kind}})
		require.ErrorIs(t, err, invoker.ErrStart)
		require.NoDirExists(t, filepath.Join(cfg.Dir, "c"))
	}
}

func TestReadStat(t *testing.T) {
	s, err := readStat(os.Getpid())
	require.NoError(t, err)
	require.True(t, s.runs)
	require.NotZero(t, s.start)
	_, err = readStat(1 << 30)
	require.ErrorIs(t, err, errNoProcess)
	id, err := identify(os.Getpid())
	require.NoError(t, err)
	handle, err := id.open()
	require.NoError(t, err)
	require.NoError(t, handle.Close())
	for _, other := range []identity{{id.PID, id.Start + 1, id.Boot}, {id.PID, id.Start, "another"}, {1 << 30, id.Start, id.Boot}} {
		_, err = other.open()
		require.ErrorIs(t, err, errNoProcess)
		runs, err := other.runs()
		require.NoError(t, err)
		require.False(t, runs)
	}
}
