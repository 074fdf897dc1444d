//go:build integration && failover

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Ten times in a row a member dies for good, every other time the leader, and a new one takes its place.
func TestFailoverReplace(t *testing.T) {
	f := newFleet(t, fleetConfig{preset: "local", tasks: 100, args: []string{"-dead-after", "5s"}})
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
		all, err := reports(ctx, f.peers)
		if err != nil {
			return err
		}
		for _, r := range all {
			voters := 0
			for _, m := range r.Members {
				if m.Voter && !m.Alive {
					return fmt.Errorf("%s is dead and votes", m.ID)
				}
				if m.Voter {
					voters++
				}
			}
			if voters != len(f.peers) {
				return fmt.Errorf("%d members vote", voters)
			}
		}
		return nil
	}))
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
		full, at := f.leads(), time.Now()
		fill(t, filepath.Join(full.dir, "filler"))
		all = append(all, f.takeover(at, full))
		require.NoError(t, os.Remove(filepath.Join(full.dir, "filler")))
		f.settle()
		require.True(t, f.harm().none(), "%+v", f.harm())
	}
	f.report("the leader's disk is full, preset lan, 100 tasks", all)
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
