//go:build integration

package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
)

// scale is how much the tests of failover do, see the files of the two scales.
type scale struct {
	preset       string
	tasks, kills int
}

// scaleOf returns the scale of this run, which the environment may change.
func scaleOf(t *testing.T) scale {
	s := scaleByDefault()
	number := func(name string, byDefault int) int {
		n, err := strconv.Atoi(cmp.Or(os.Getenv(name), strconv.Itoa(byDefault)))
		require.NoError(t, err, name)
		return n
	}
	return scale{preset: cmp.Or(os.Getenv("PRESET"), s.preset), tasks: number("TASKS", s.tasks), kills: number("KILLS", s.kills)}
}

// The leader is killed again and again, and each time comes back as a follower.
func TestFailoverKill(t *testing.T) {
	s := scaleOf(t)
	f := newFleet(t, fleetConfig{preset: s.preset, tasks: s.tasks})
	f.begin()
	var all []takeover
	for range s.kills {
		victim := f.leads()
		at := time.Now()
		victim.kill()
		all = append(all, f.takeover(at, victim))
		require.NoError(t, victim.run(f.program, f.peers))
		f.settle()
		require.True(t, f.harm().none(), "%+v", f.harm())
	}
	f.report(fmt.Sprintf("SIGKILL of the leader, preset %s, %d tasks", s.preset, s.tasks), all)
}

// Each member is stopped and started again, the leader among them.
func TestFailoverRollingRestart(t *testing.T) {
	s := scaleOf(t)
	f := newFleet(t, fleetConfig{preset: s.preset, tasks: s.tasks})
	f.begin()
	var all []takeover
	for range cmp.Or(s.kills/5, 1) {
		for _, p := range f.peers {
			led, at := f.leads() == p, time.Now()
			require.NoError(t, p.stop(wait))
			if led {
				all = append(all, f.takeover(at, p))
			}
			require.NoError(t, p.run(f.program, f.peers))
			f.settle()
		}
	}
	require.True(t, f.harm().none(), "%+v", f.harm())
	require.NotEmpty(t, all)
	f.report(fmt.Sprintf("planned stop of the leader, preset %s, %d tasks", s.preset, s.tasks), all)
}

// All members die at once, and come back at other addresses.
func TestFailoverColdStart(t *testing.T) {
	s := scaleOf(t)
	f := newFleet(t, fleetConfig{preset: s.preset, tasks: s.tasks})
	f.begin()
	var all []takeover
	for range cmp.Or(s.kills/10, 1) {
		for _, p := range f.peers {
			p.kill()
		}
		for i, moved := range newPeers(f.dir, []string{"a", "b", "c"}, f.args...) {
			f.peers[i] = moved
		}
		at := time.Now()
		for _, p := range f.peers {
			require.NoError(t, p.run(f.program, f.peers))
		}
		all = append(all, f.takeover(at, nil))
		f.settle()
		require.True(t, f.harm().none(), "%+v", f.harm())
	}
	f.report(fmt.Sprintf("cold start of all at new addresses, preset %s, %d tasks", s.preset, s.tasks), all)
}

// A leader that is paused for less than half of the election timeout goes on, unless the machine is busy; one that is paused
// for twice as long is followed by another; between them either may happen. None does harm when it wakes up.
func TestFailoverPause(t *testing.T) {
	s := scaleOf(t)
	f := newFleet(t, fleetConfig{preset: "lan", tasks: s.tasks}) // its election timeout is 500 ms
	f.begin()
	for _, pause := range pauses() {
		paused, streams, at := f.leads(), f.opened(), time.Now()
		require.NoError(t, paused.Process.Signal(syscall.SIGSTOP))
		time.Sleep(pause)
		require.NoError(t, paused.Process.Signal(syscall.SIGCONT))
		var all []takeover
		if pause > time.Second {
			all = append(all, f.takeover(at, paused))
		}
		f.settle()
		if pause <= time.Second && f.opened() > streams {
			all = append(all, f.takeover(at, nil))
		}
		require.True(t, f.harm().none(), "%+v", f.harm())
		f.report(fmt.Sprintf("SIGSTOP of the leader for %v, preset lan, %d tasks", pause, s.tasks), all)
	}
}

// The same with an election and a store on ZooKeeper: the leader is stopped, and at full scale killed as well.
func TestFailoverZooKeeper(t *testing.T) {
	s, server := scaleOf(t), zktest.Start(t)
	f := newFleet(t, fleetConfig{tasks: s.tasks, preset: s.preset, args: []string{"--zk", "zk://" + server.Address + "/frameworks/samplefw"}})
	f.begin()
	for what, end := range map[string]func(*peer){
		"planned stop": func(p *peer) { require.NoError(t, p.stop(wait)) },
		"SIGKILL":      func(p *peer) { p.kill() },
	} {
		times := cmp.Or(s.kills/5, 1)
		if what == "SIGKILL" {
			times = s.kills / 10 // each takes as long as a session of 10 s
		}
		var all []takeover
		for range times {
			leads, at := f.leads(), time.Now()
			end(leads)
			all = append(all, f.takeover(at, leads))
			require.NoError(t, leads.run(f.program, f.peers))
			f.settle()
			require.True(t, f.harm().none(), "%+v", f.harm())
		}
		if times > 0 {
			f.report(fmt.Sprintf("%s of the leader, ZooKeeper, %d tasks", what, s.tasks), all)
		}
	}
}

// The negative test: members that have lost their directories, all of them, are noticed.
func TestFailoverControl(t *testing.T) {
	f := newFleet(t, fleetConfig{preset: "local", tasks: 3})
	f.begin()
	for _, p := range f.peers {
		p.kill()
		require.NoError(t, os.RemoveAll(filepath.Join(f.dir, p.name)))
	}
	for _, p := range f.peers {
		require.NoError(t, p.run(f.program, f.peers))
	}
	f.settle()
	h := f.harm()
	require.Len(t, h.frameworks, 1, "another framework")
	require.Len(t, h.doubled, 3, "all tasks run twice")
	f.master.KillExecutor("sample-1") // one of the two
	f.master.KillExecutor("sample-1")
	require.Equal(t, []string{"sample-1"}, f.harm().lost)
}

// The story of make demo-ha comes true.
func TestDemo(t *testing.T) {
	out, err := exec.Command(build(t), "demo", "--pause", "0s").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, text := range []string{"9 tasks run, in framework ", "kill -9 ", " ms after that, with the ID it had.", " is elected and leads term ",
		"tasks: 9 running", "is asked to stop", "the end: one framework, 9 tasks, none lost, none started twice."} {
		require.Contains(t, string(out), text)
	}
}

// Any member tells who leads and how the tasks are.
func TestMembers(t *testing.T) {
	f := newFleet(t, fleetConfig{preset: "local", tasks: 3})
	f.begin()
	leads := f.leads()
	for _, p := range f.peers {
		out, err := exec.Command(f.program, "members", "--at", "127.0.0.1:1,"+p.api).Output()
		require.NoError(t, err)
		require.Regexp(t, "^"+leads.name+"-[0-9a-f]{8} leads term [0-9]+ since .*, says "+p.name+"-", string(out))
		require.Contains(t, string(out), "tasks: 3 running")
		require.Contains(t, string(out), "\nmaster: "+f.address+", framework ")
		require.Equal(t, 1+1+3+2, strings.Count(string(out), "\n"))
	}
	out, err := exec.Command(f.program, "members", "-o", "json", "--at", leads.api).Output()
	require.NoError(t, err)
	require.Contains(t, string(out), `"leader":"`+leads.name+"-")
	out, err = exec.Command(f.program, "members", "--at", "127.0.0.1:1").CombinedOutput()
	require.ErrorContains(t, err, "exit status 1")
	require.Regexp(t, "^samplefw: nobody answers at --at 127.0.0.1:1 .*connection refused", string(out))
}
