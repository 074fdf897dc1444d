//go:build integration && failover && linux

package main

import (
	"context"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bridge is a network of namespaces of the kernel, one for each member, with the master beside them. It needs root.
type bridge struct {
	*testing.T
}

const bridgeName = "samplefw0"

func newBridge(t *testing.T, members int) *bridge {
	b := &bridge{t}
	b.ip("link", "add", bridgeName, "type", "bridge")
	t.Cleanup(func() { b.ip("link", "del", bridgeName) })
	b.ip("addr", "add", b.host(254)+"/24", "dev", bridgeName)
	b.ip("link", "set", bridgeName, "up")
	for i := range members {
		ns, outside := b.namespace(i), fmt.Sprint("samplefw-v", i)
		b.ip("netns", "add", ns)
		t.Cleanup(func() { b.ip("netns", "del", ns) })
		b.ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", ns)
		t.Cleanup(func() { b.ip("link", "del", outside) }) // the namespace may outlive its name for a while
		b.ip("link", "set", outside, "master", bridgeName, "up")
		b.ip("-n", ns, "addr", "add", b.host(i+1)+"/24", "dev", "eth0")
		b.ip("-n", ns, "link", "set", "eth0", "up")
		b.ip("-n", ns, "link", "set", "lo", "up")
	}
	return b
}

func (b *bridge) namespace(i int) string { return fmt.Sprint("samplefw-", i) }

func (b *bridge) host(n int) string { return fmt.Sprint("10.77.0.", n) }

func (b *bridge) ip(args ...string) {
	out, err := exec.Command("ip", args...).CombinedOutput()
	require.NoError(b, err, "this test has to make networks: ip %q: %s", args, out)
}

// cut has what one member sends to another go nowhere, without a word to the sender.
func (b *bridge) cut(from, to int) {
	b.ip("-n", b.namespace(from), "neigh", "replace", b.host(to+1), "lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "permanent")
}

func (b *bridge) heal(from, to int) {
	b.ip("-n", b.namespace(from), "neigh", "del", b.host(to+1), "dev", "eth0")
}

// links calls do for the links between a member and all others: out are those on which it sends, in those on which it hears.
func links(member, members int, out, in bool, do func(from, to int)) {
	for other := range members {
		if other != member && out {
			do(member, other)
		}
		if other != member && in {
			do(other, member)
		}
	}
}

// Links between members are cut, while all of them reach the master.
func TestFailoverNetwork(t *testing.T) {
	b := newBridge(t, 3)
	f := newFleet(t, fleetConfig{preset: "lan", tasks: 100, listen: b.host(254) + ":5050"})
	for i, p := range f.peers {
		p.within = []string{"ip", "netns", "exec", b.namespace(i)}
		p.gossip, p.raft, p.api = b.host(i+1)+":7946", b.host(i+1)+":7000", b.host(i+1)+":8080"
	}
	f.begin()
	const times = 5
	for what, way := range map[string]struct{ out, in bool }{
		"the leader reaches only Mesos":                       {true, true},
		"nothing that the leader sends arrives at the others": {out: true},
		"the leader hears nothing of the others":              {in: true},
	} {
		var all []takeover
		for range times {
			p := f.leads()
			leads, at := f.index(p), time.Now()
			links(leads, 3, way.out, way.in, b.cut)
			all = append(all, f.takeover(at, p))
			links(leads, 3, way.out, way.in, b.heal)
			f.settle()
			require.True(t, f.harm().none(), "%+v", f.harm())
		}
		f.report(what+", preset lan, 100 tasks", all)
	}

	leads, streams := f.leads(), f.opened()
	follower := (f.index(leads) + 1) % 3
	links(follower, 3, true, true, b.cut)
	time.Sleep(10 * time.Second)
	links(follower, 3, true, true, b.heal)
	f.settle()
	require.Equal(t, leads, f.leads())
	require.Equal(t, streams, f.opened())
	f.report("a follower is cut off for 10 s, preset lan, 100 tasks", nil)

	var all []takeover
	for range times {
		for member := range 3 {
			links(member, 3, true, false, b.cut)
		}
		f.nobodyLeads()
		at := time.Now()
		for member := range 3 {
			links(member, 3, true, false, b.heal)
		}
		all = append(all, f.takeover(at, nil))
		f.settle()
		require.True(t, f.harm().none(), "%+v", f.harm())
	}
	f.report("all links between members are cut, and healed when nobody leads, preset lan, 100 tasks", all)
}

func (f *fleet) index(p *peer) int {
	for i, o := range f.peers {
		if o == p {
			return i
		}
	}
	return -1
}

// nobodyLeads waits until all members say so.
func (f *fleet) nobodyLeads() {
	f.Helper()
	require.NoError(f, until(f.Context(), wait, func(ctx context.Context) error {
		all, err := elections(ctx, f.peers)
		for _, r := range all {
			if r.Leader != "" {
				return fmt.Errorf("%s says that %s leads", r.Self, r.Leader)
			}
		}
		return err
	}))
}
