package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
)

// peer is a member in a process of its own, as the demonstration and the tests run it.
type peer struct {
	name              string
	dir               string   // of its own; its log is beside it
	within            []string // a command that runs it, such as in a network namespace; nil: none
	args              []string // beside what follows from the rest
	gossip, raft, api string   // addresses
	*process
}

// newPeers returns members that are not started yet, at addresses of loopback.
func newPeers(dir string, names []string, args ...string) []*peer {
	addresses := freeAddresses(3 * len(names))
	var peers []*peer
	for i, name := range names {
		a := addresses[3*i:]
		peers = append(peers, &peer{name: name, dir: filepath.Join(dir, name), args: args, gossip: a[0], raft: a[1], api: a[2]})
	}
	return peers
}

// run starts the member, for the first time or again. Others are those that it may join.
func (p *peer) run(program string, others []*peer) (err error) {
	var seeds []string
	for _, o := range others {
		seeds = append(seeds, o.gossip)
	}
	args := append(slices.Clone(p.within), program, "ha", "--log", "json", "--name", p.name, "--dir", p.dir,
		"--gossip", p.gossip, "--raft", p.raft, "--api", p.api, "--seeds", strings.Join(seeds, ","))
	args = append(args, p.args...)
	p.process, err = start(p.dir+".log", args[0], args[1:]...)
	return err
}

func (p *peer) alive() bool {
	if p.process == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// elections returns what the members say of the election that run. None may be missing.
func elections(ctx context.Context, peers []*peer) ([]ha.Status, error) {
	var all []ha.Status
	for _, p := range peers {
		if !p.alive() {
			continue
		}
		o, err := ask(ctx, p.api)
		if err != nil {
			return nil, err
		}
		all = append(all, *o.Election)
	}
	return all, nil
}

// leader returns the member that leads, when all that run say the same and it was not one before.
func leader(ctx context.Context, peers []*peer, after uint64) (*peer, ha.Status, error) {
	all, err := elections(ctx, peers)
	if err != nil || len(all) == 0 {
		return nil, ha.Status{}, errors.Join(err, errors.New("no member runs"))
	}
	first := all[0]
	for _, r := range all {
		if r.Leader == "" || r.Leader != first.Leader || r.Term != first.Term {
			return nil, r, fmt.Errorf("%s sees %q lead term %d, %s sees %q lead term %d", first.Self, first.Leader, first.Term, r.Self, r.Leader, r.Term)
		}
	}
	if first.Term <= after {
		return nil, first, fmt.Errorf("term %d goes on", first.Term)
	}
	for _, p := range peers {
		if p.alive() && (first.Leader == p.name || strings.HasPrefix(first.Leader, p.name+"-")) {
			return p, first, nil
		}
	}
	return nil, first, fmt.Errorf("%s leads, which does not run", first.Leader)
}

// until tries again and again, and returns the last error if it takes too long.
func until(ctx context.Context, patience time.Duration, try func(context.Context) error) error {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	var last error
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil { // not the error of a question that was cut short
			last = err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			if outer.Err() != nil {
				return context.Cause(outer)
			}
			return fmt.Errorf("after %v: %w", patience, last)
		}
	}
}
