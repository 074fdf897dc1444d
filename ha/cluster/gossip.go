package cluster

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/raft"
)

// peer is what gossip knows of a member, this one included.
type peer struct {
	meta
	gossip  string // address
	alive   bool
	left    bool      // it has said so, rather than fallen silent
	changed time.Time // since when it is alive, or is not
}

// newer reports whether a run of a member counts rather than another one: the one that lives, or else that began last.
func (p peer) newer(than peer) bool {
	if p.alive != than.alive {
		return p.alive
	}
	return p.start.After(than.start)
}

// gossip finds the members by memberlist. The delegates are called by memberlist with its locks held: they copy
// what they get and return.
type gossip struct {
	list     *memberlist.Memberlist
	net      *gossipNet
	log      *slog.Logger
	self     string        // memberlist's name of this member: its ID and what is new with each Run
	changed  chan struct{} // gets a signal, if it has room, after each change
	patience time.Duration // for news to be sent
	// spreading has an element while the others are told what this member says.
	spreading chan struct{}

	mu    sync.Mutex
	own   meta
	nodes map[string]peer // by memberlist's name
}

// startGossip begins to listen. It joins nobody.
func startGossip(c *Config, count *counts, own meta, boot string, log *slog.Logger) (*gossip, error) {
	transport, err := listenGossip(c, count)
	if err != nil {
		return nil, fmt.Errorf("ha/cluster: listen for gossip: %w", err)
	}
	g := &gossip{
		net: transport, log: log, own: own, self: own.id + "-" + boot, nodes: map[string]peer{}, changed: make(chan struct{}, 1),
		spreading: make(chan struct{}, 1),
	}
	config, err := gossipConfig(c, g)
	if err == nil {
		g.patience = 6 * config.GossipInterval // they are sent four times
		g.list, err = memberlist.Create(config)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ha/cluster: start gossip: %w", err), transport.Shutdown())
	}
	return g, nil
}

func gossipConfig(c *Config, g *gossip) (*memberlist.Config, error) {
	var config *memberlist.Config
	switch c.Preset {
	case PresetLocal:
		config = memberlist.DefaultLocalConfig()
	case PresetWAN:
		config = memberlist.DefaultWANConfig()
	default:
		config = memberlist.DefaultLANConfig()
	}
	config.Name, config.Label = g.self, c.Name
	config.Transport, config.Delegate, config.Events = g.net, g, g
	config.BindPort, config.AdvertisePort = 0, 0 // the transport says
	config.EnableCompression = false             // its messages are small
	config.Logger = log.New(&lineLog{to: g.log, prefix: "gossip: "}, "", 0)
	if len(c.Keys) > 0 {
		keys, err := memberlist.NewKeyring(c.Keys, c.Keys[0])
		if err != nil {
			return nil, err
		}
		config.Keyring = keys
	}
	return config, nil
}

// NodeMeta implements memberlist.Delegate.
func (g *gossip) NodeMeta(int) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.own.encode()
}

// NotifyMsg does nothing: members send each other no messages by gossip.
func (g *gossip) NotifyMsg([]byte) {}

// GetBroadcasts returns nothing, as there are no messages.
func (g *gossip) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState returns nothing: what a member says of itself is its meta.
func (g *gossip) LocalState(bool) []byte { return nil }

// MergeRemoteState does nothing.
func (g *gossip) MergeRemoteState([]byte, bool) {}

// NotifyJoin implements memberlist.EventDelegate.
func (g *gossip) NotifyJoin(n *memberlist.Node) { g.see(n, true) }

// NotifyUpdate implements memberlist.EventDelegate.
func (g *gossip) NotifyUpdate(n *memberlist.Node) { g.see(n, true) }

// NotifyLeave is called for who has left and for who is dead.
func (g *gossip) NotifyLeave(n *memberlist.Node) { g.see(n, false) }

func (g *gossip) see(n *memberlist.Node, alive bool) {
	m, err := decodeMeta(n.Meta)
	if err != nil {
		g.log.Warn("A member is ignored: what it says of itself cannot be read", "member", n.Name, "error", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		delete(g.nodes, n.Name) // nor would be seen that it dies
		return
	}
	was, known := g.nodes[n.Name]
	now := peer{meta: m, gossip: n.Address(), alive: alive, left: n.State == memberlist.StateLeft, changed: time.Now()}
	if known && was.alive == alive {
		now.changed = was.changed
	}
	g.nodes[n.Name] = now
	signal(g.changed)
}

// double returns another run of this member that lives beside this one, if there is one, and whether that began earlier.
func (g *gossip) double() (other peer, earlier, is bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, p := range g.nodes {
		// At this address is nobody but this process: that is the run before, of which gossip does not know yet that it
		// has ended, as may take long while links are cut.
		if p.id == g.own.id && p.alive && name != g.self && p.gossip != g.net.advertise.String() {
			return p, p.start.Before(g.own.start), true
		}
	}
	return peer{}, false, false
}

// peers returns the members by ID. Of several runs of the same one it has that which lives, or else began last.
func (g *gossip) peers() map[string]peer {
	g.mu.Lock()
	defer g.mu.Unlock()
	peers := make(map[string]peer, len(g.nodes))
	for name, p := range g.nodes {
		if name == g.self {
			p.meta, p.alive = g.own, true
		}
		if other, has := peers[p.id]; !has || p.newer(other) {
			peers[p.id] = p
		}
	}
	return peers
}

// forget drops what is known of runs of members that ended before a time, so that members that come and go do not add up.
func (g *gossip) forget(before time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	maps.DeleteFunc(g.nodes, func(name string, p peer) bool {
		return name != g.self && !p.alive && p.changed.Before(before)
	})
}

// ServerAddr returns the address of a member for Raft, as gossip has it: the one that Raft has recorded is an old one
// when a member has moved. It implements raft.ServerAddressProvider.
func (g *gossip) ServerAddr(id raft.ServerID) (raft.ServerAddress, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var newest peer // of the runs of that member
	for _, p := range g.nodes {
		if p.id == string(id) && (newest.id == "" || p.newer(newest)) {
			newest = p
		}
	}
	if newest.id != "" {
		return serverAddress(newest.id, newest.raft), nil
	}
	return "", fmt.Errorf("ha/cluster: gossip does not know member %s", id)
}

// tell changes what this member says of itself, and has the others told, which may take seconds.
func (g *gossip) tell(change func(*meta)) {
	if g.set(change) {
		g.spread()
	}
}

// set changes what this member says of itself, and reports whether it did.
func (g *gossip) set(change func(*meta)) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.own
	change(&g.own)
	return was != g.own
}

// spread has the others told what this member says of itself.
func (g *gossip) spread() {
	// One after the other: memberlist asks what this member says before it numbers the news, and the highest number counts.
	g.spreading <- struct{}{}
	defer func() { <-g.spreading }()
	if err := g.list.UpdateNode(g.patience); err == nil {
		return
	}
	// memberlist loses news now and again, if there are others of the same length. Who exchanges states with this
	// member gets everything.
	var addresses []string
	g.mu.Lock()
	for name, p := range g.nodes {
		if p.alive && name != g.self {
			addresses = append(addresses, p.gossip)
		}
	}
	g.mu.Unlock()
	g.exchange(addresses)
}

// exchange exchanges states with members, all at once: who does not answer takes long.
func (g *gossip) exchange(addresses []string) {
	var asked sync.WaitGroup
	for _, address := range addresses {
		asked.Go(func() {
			if _, err := g.list.Join([]string{address}); err != nil {
				g.log.Debug("A member does not answer", "address", address, "error", err)
			}
		})
	}
	asked.Wait()
}

// join contacts the addresses of members that are not alive, those given and those that were known.
func (g *gossip) join(ctx context.Context, seeds []string) {
	addresses, own := g.resolve(ctx, seeds), g.net.advertise.String()
	g.mu.Lock()
	for _, p := range g.nodes {
		addresses[p.gossip] = addresses[p.gossip] || !p.left
	}
	for _, p := range g.nodes {
		if p.alive {
			delete(addresses, p.gossip)
		}
	}
	g.mu.Unlock()
	delete(addresses, own)
	maps.DeleteFunc(addresses, func(_ string, wanted bool) bool { return !wanted })
	if ctx.Err() == nil {
		g.exchange(slices.Collect(maps.Keys(addresses)))
	}
}

// resolveTimeout limits how long members that are known wait for the addresses of seeds.
const resolveTimeout = 5 * time.Second

// resolve returns the addresses of seeds, as far as they can be found in time.
func (g *gossip) resolve(ctx context.Context, seeds []string) map[string]bool {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	var (
		asked     sync.WaitGroup // all at once: a name server that does not answer takes long
		mu        sync.Mutex
		addresses = map[string]bool{}
	)
	for _, seed := range seeds {
		asked.Go(func() {
			resolved, err := addressesOf(ctx, seed)
			if err != nil {
				g.log.Warn("The address of a seed cannot be resolved", "seed", seed, "error", err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, address := range resolved {
				addresses[address] = true
			}
		})
	}
	asked.Wait()
	return addresses
}

// addressesOf returns the addresses, "IP:port", of a seed.
func addressesOf(ctx context.Context, seed string) ([]string, error) {
	host, port, err := net.SplitHostPort(seed)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return []string{seed}, nil
	}
	hosts, err := net.DefaultResolver.LookupHost(ctx, host)
	for i, host := range hosts {
		hosts[i] = net.JoinHostPort(host, port)
	}
	return hosts, err
}

// rejoin joins now and again until ctx ends: memberlist alone gives up who is dead for a while. It calls joined after
// the first attempt.
func (g *gossip) rejoin(ctx context.Context, c *Config, every time.Duration, joined func()) {
	defer context.AfterFunc(ctx, g.net.hangUp)()
	for {
		seeds := c.Seeds
		if c.Discover != nil {
			more, err := c.Discover(ctx)
			if err != nil && ctx.Err() == nil {
				g.log.Warn("Discover failed", "error", err)
			}
			seeds = append(slices.Clone(seeds), more...)
		}
		g.join(ctx, seeds)
		if ctx.Err() != nil {
			return
		}
		joined()
		select {
		case <-time.After(every*3/4 + rand.N(every/2)): // not all members at once
		case <-ctx.Done():
			return
		}
	}
}

// stop leaves, so that others need not find out, and ends gossip.
func (g *gossip) stop(leave time.Duration) {
	if err := g.list.Leave(leave); err != nil {
		g.log.Debug("Others are not told that this member stops", "error", err)
	}
	if err := g.list.Shutdown(); err != nil {
		g.log.Warn("Gossip does not end", "error", err)
	}
}
