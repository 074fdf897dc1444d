//go:build integration && failover

package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"
)

// A leader with many records is killed, beside one with few. A task has two.
func TestFailoverRecords(t *testing.T) {
	s := scaleOf(t)
	for _, tasks := range []int{3, 50_000} {
		f := newFleet(t, fleetConfig{preset: "lan", tasks: tasks})
		f.begin()
		var all []takeover
		for range cmp.Or(s.kills/10, 1) {
			victim := f.leads()
			at := time.Now()
			victim.kill()
			all = append(all, f.takeover(at, victim))
			require.NoError(t, victim.run(f.program, f.peers))
			f.settle()
			require.True(t, f.harm().none(), "%+v", f.harm())
		}
		f.report(fmt.Sprintf("SIGKILL of the leader, preset lan, %d records", 2*tasks), all)
		f.end()
	}
}

// Ten times in a row a member dies for good, every other time the leader, and a new one takes its place.
func TestFailoverReplace(t *testing.T) {
	f := newFleet(t, fleetConfig{preset: "local", tasks: 100, args: []string{"--dead-after", "5s"}})
	f.begin()
	var all []takeover
	for i := range 10 {
		leads := f.leads()
		lost := leads
		if i%2 == 0 {
			lost = f.peers[slices.IndexFunc(f.peers, func(p *peer) bool { return p != leads })]
		}
		at := time.Now()
		lost.kill()
		if lost == leads {
			all = append(all, f.takeover(at, lost))
		}
		f.peers = slices.DeleteFunc(f.peers, func(p *peer) bool { return p == lost })
		successor := newPeers(f.dir, []string{fmt.Sprint("m", i)}, f.args...)[0]
		require.NoError(t, successor.run(f.program, f.peers))
		f.peers = append(f.peers, successor)
		f.replaced()
		require.True(t, f.harm().none(), "%+v", f.harm())
	}
	f.report("a member replaced by a new one ten times, every other time the leader, preset local", all)
}

// replaced waits until the members that run are the ones that vote.
func (f *fleet) replaced() {
	f.Helper()
	require.NoError(f, until(f.Context(), 4*wait, func(ctx context.Context) error {
		if err := f.running(ctx); err != nil {
			return err
		}
		all, err := elections(ctx, f.peers)
		if err != nil {
			return err
		}
		for _, r := range all {
			var voters []string
			for _, m := range r.Members {
				if m.Voter {
					voters = append(voters, m.ID[:strings.LastIndexByte(m.ID, '-')])
				}
			}
			if slices.Sort(voters); !slices.Equal(voters, f.names()) {
				return fmt.Errorf("these members vote, says %s: %v", r.Self, voters)
			}
		}
		return nil
	}))
}

// names returns the names of the members in order.
func (f *fleet) names() (names []string) {
	for _, p := range f.peers {
		names = append(names, p.name)
	}
	slices.Sort(names)
	return names
}

// The leader's disk is full: another one leads. When there is room again the member follows.
func TestFailoverDiskFull(t *testing.T) {
	f := newFleet(t, fleetConfig{preset: "lan", tasks: 100})
	for _, p := range f.peers {
		require.NoError(t, os.Mkdir(p.dir, 0o700))
		out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", p.dir).CombinedOutput()
		require.NoError(t, err, "this test has to mount: %s", out)
		t.Cleanup(func() {
			if p.alive() {
				p.kill()
			}
			out, err := exec.Command("umount", p.dir).CombinedOutput()
			require.NoError(t, err, "%s", out)
		})
	}
	f.begin()
	var all []takeover
	for range 5 {
		full := f.leads()
		fill(t, filepath.Join(full.dir, "filler"))
		at := time.Now()
		done := f.write()
		all = append(all, f.takeover(at, full))
		done()
		require.NoError(t, os.Remove(filepath.Join(full.dir, "filler")))
		f.settle()
		require.True(t, f.harm().none(), "%+v", f.harm())
	}
	f.report("the leader's disk is full, preset lan, 100 tasks", all)
}

// write has the master report something of each task again and again, which the leader has to store, until done is called.
func (f *fleet) write() (done func()) {
	ctx, end := context.WithCancel(f.Context())
	var writing sync.WaitGroup
	writing.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			for i := range f.tasks {
				message := fmt.Sprint("still there, ", n)
				f.master.Update(mesos.TaskStatus{
					TaskID: mesos.TaskID{Value: fmt.Sprintf("sample-%d", i+1)}, State: mesos.TASK_RUNNING.Enum(), Message: &message,
				})
			}
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
	return func() { end(); writing.Wait() }
}

// fill writes to a file until there is no room left.
func fill(t *testing.T, path string) {
	file, err := os.Create(path)
	require.NoError(t, err)
	defer file.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = file.Write(make([]byte, size))
		}
	}
}

// A majority of the directories is lost, and the operator recovers the one that is left.
func TestFailoverRecover(t *testing.T) {
	f := newFleet(t, fleetConfig{preset: "lan", tasks: 100})
	f.begin()
	for _, p := range f.peers {
		p.kill()
	}
	for _, p := range f.peers[1:] {
		require.NoError(t, os.RemoveAll(p.dir))
	}
	at := time.Now()
	out, err := exec.Command(f.program, "recover", "--dir", f.peers[0].dir, "--alone").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, p := range f.peers {
		require.NoError(t, p.run(f.program, f.peers))
	}
	took := f.takeover(at, nil)
	f.replaced()
	require.True(t, f.harm().none(), "%+v", f.harm())
	f.report("two of three directories are lost, the third is recovered and all are started, preset lan, 100 tasks", []takeover{took})
}
