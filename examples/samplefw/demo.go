package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// demoCommand runs a fake cluster and three members, each a process of its own on loopback. The leader is killed,
// and another one asked to stop; it tells what happens, and fails unless the framework and all tasks go on.
func demoCommand() *cobra.Command {
	d := &demo{}
	cmd := &cobra.Command{
		Use:     "demo",
		GroupID: groupRun,
		Short:   "Runs three members, kills the one that leads, and tells what happens",
		Example: "  samplefw demo\n  samplefw demo --tasks 100 --pause 0s",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := check(cmd, d.rule(),
				rule{d.preset == "local" || d.preset == "lan", "--preset %q (local or lan)", d.preset},
				rule{d.tasks >= 1, "--tasks %d (at least 1)", d.tasks},
				rule{d.pause >= 0, "--pause %v (not negative)", d.pause})
			if err != nil {
				return err
			}
			d.to = cmd.OutOrStdout()
			return d.run(cmd.Context())
		},
	}
	grouped(cmd, "Story", func(f *pflag.FlagSet) {
		f.StringVar(&d.preset, "preset", "local", "that of the members: local or lan")
		f.IntVar(&d.tasks, "tasks", 9, "how many tasks to launch")
		f.DurationVar(&d.pause, "pause", 4*time.Second, "how long to wait between the chapters, for readers")
	})
	d.output.flags(cmd, "text")
	return cmd
}

// run tells the story.
func (d *demo) run(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "samplefw-demo-")
	if err != nil {
		return err
	}
	master := freeAddresses(1)[0]
	d.began, d.program, d.dir, d.master = time.Now(), program, dir, "http://"+master
	d.peers = newPeers(dir, []string{"anna", "bert", "cleo"}, "--master", d.master, "--preset", d.preset, "--tasks", fmt.Sprint(d.tasks))
	err = d.tell(ctx)
	d.end()
	if ctx.Err() != nil {
		return cmp.Or(os.RemoveAll(dir), errInterrupted)
	}
	if err != nil {
		for _, p := range d.peers {
			fmt.Fprintln(os.Stderr, "the log of", p.name, "is", p.dir+".log")
		}
		return fmt.Errorf("the story did not come true: %w", err)
	}
	d.say("the end: one framework, %d tasks, none lost, none started twice.", d.tasks)
	return os.RemoveAll(dir)
}

// demo is the state of the story.
type demo struct {
	output
	preset string
	tasks  int
	pause  time.Duration

	to      io.Writer
	began   time.Time
	program string
	dir     string
	master  string
	cluster *process
	peers   []*peer

	leader *peer
	term   uint64
	before masterView // when all tasks ran
}

// demoPatience is how long each step of the story may take.
const demoPatience = time.Minute

func (d *demo) say(format string, args ...any) {
	after, text := time.Since(d.began).Seconds(), plain(format, args...)
	if d.json() {
		_ = printJSON(d.to, map[string]any{"seconds": after, "text": text}) // nobody reads, as with the line below
		return
	}
	fmt.Fprintf(d.to, "%5.1f s  %s\n", after, text)
}

func (d *demo) tell(ctx context.Context) error {
	for _, chapter := range []func(context.Context) error{d.begin, d.killLeader, d.revive, d.handOver} {
		if err := chapter(ctx); err != nil {
			return err
		}
		select {
		case <-time.After(d.pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := d.show(ctx); err != nil {
			return err
		}
	}
	return d.tasksGoOn(ctx)
}

// end stops everything.
func (d *demo) end() {
	for _, p := range d.peers {
		if p.alive() {
			p.kill()
		}
	}
	if d.cluster != nil {
		d.cluster.kill()
	}
}

func (d *demo) begin(ctx context.Context) (err error) {
	d.cluster, err = start(filepath.Join(d.dir, "cluster.log"), d.program, "cluster", "--listen", d.master[len("http://"):])
	if err != nil {
		return err
	}
	if err := until(ctx, demoPatience, func(ctx context.Context) error { _, err := lookAt(ctx, d.master); return err }); err != nil {
		return err
	}
	d.say("a fake Mesos master with three agents runs at %s, process %d.", d.master, d.cluster.Process.Pid)
	for _, p := range d.peers {
		if err := p.run(d.program, d.peers); err != nil {
			return err
		}
		d.say("%s starts: a member of the framework, process %d, with its page at http://%s.", p.name, p.Process.Pid, p.api)
	}
	if err := d.awaitLeader(ctx, 0); err != nil {
		return err
	}
	err = until(ctx, demoPatience, func(ctx context.Context) (err error) {
		if d.before, err = lookAt(ctx, d.master); err == nil && len(d.before.running()) != d.tasks {
			err = fmt.Errorf("%d of %d tasks run", len(d.before.running()), d.tasks)
		}
		return err
	})
	if err != nil {
		return err
	}
	d.say("%d tasks run, in framework %s.", d.tasks, d.before.Frameworks[0].ID)
	return nil
}

func (d *demo) killLeader(ctx context.Context) error {
	if err := d.awaitLeader(ctx, 0); err != nil {
		return err
	}
	victim := d.leader
	d.say("kill -9 %d: %s is dead.", victim.Process.Pid, victim.name)
	at := time.Now()
	victim.kill()
	return d.takeover(ctx, at)
}

// takeover tells who leads since the leader was disturbed at a time.
func (d *demo) takeover(ctx context.Context, at time.Time) error {
	before := d.term
	if err := d.awaitLeader(ctx, before); err != nil {
		return err
	}
	var now masterView
	err := until(ctx, demoPatience, func(ctx context.Context) (err error) {
		if err := d.findLeader(ctx, before); err != nil { // it may be another one again
			return err
		}
		if now, err = lookAt(ctx, d.master); err != nil {
			return err
		}
		if len(now.Frameworks) != 1 {
			return now.check(d.before)
		}
		if f := now.Frameworks[0]; !f.Active || f.WebUI != "http://"+d.leader.api || !now.subscribed().After(at) {
			return errors.New("the new leader has not subscribed")
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.say("the master has the framework back, %d ms after that, with the ID it had.", now.subscribed().Sub(at).Milliseconds())
	if err := d.tasksGoOn(ctx); err != nil {
		return err
	}
	d.say("all %d tasks go on: none is lost, none was started again.", d.tasks)
	return nil
}

// tasksGoOn returns nil when the leader has all tasks as running. The master must say so all the time.
func (d *demo) tasksGoOn(ctx context.Context) error {
	err := until(ctx, demoPatience, func(ctx context.Context) error {
		r, err := ask(ctx, d.leader.api)
		if err == nil && r.Tasks["running"] != d.tasks {
			err = fmt.Errorf("%s has these tasks: %v", d.leader.name, r.Tasks)
		}
		return err
	})
	if err != nil {
		return err
	}
	now, err := lookAt(ctx, d.master)
	if err != nil {
		return err
	}
	return now.check(d.before)
}

func (d *demo) revive(ctx context.Context) error {
	for _, p := range d.peers {
		if p.alive() {
			continue
		}
		if err := p.run(d.program, d.peers); err != nil {
			return err
		}
		d.say("%s is started again, with its directory, as process %d.", p.name, p.Process.Pid)
	}
	if err := until(ctx, demoPatience, func(ctx context.Context) error { return allThere(ctx, d.peers) }); err != nil {
		return err
	}
	if err := d.awaitLeader(ctx, 0); err != nil {
		return err
	}
	d.say("%s leads; the other two follow.", d.leader.name)
	return nil
}

func (d *demo) handOver(ctx context.Context) error {
	if err := d.awaitLeader(ctx, 0); err != nil {
		return err
	}
	leaving := d.leader
	d.say("kill %d: %s is asked to stop, as for an upgrade.", leaving.Process.Pid, leaving.name)
	at := time.Now()
	if err := leaving.stop(demoPatience); err != nil {
		return err
	}
	d.say("%s has handed over and ended.", leaving.name)
	return d.takeover(ctx, at)
}

// awaitLeader waits until all members that run agree on who leads, in a later term than a given one. On a busy machine the
// leadership may have moved by itself.
func (d *demo) awaitLeader(ctx context.Context, after uint64) error {
	return until(ctx, demoPatience, func(ctx context.Context) error { return d.findLeader(ctx, after) })
}

// findLeader notes who leads, in a later term than a given one, and says so if that is new.
func (d *demo) findLeader(ctx context.Context, after uint64) error {
	p, r, err := leader(ctx, d.peers, after)
	if err == nil && r.Term != d.term {
		d.leader, d.term = p, r.Term
		d.say("%s is elected and leads term %d.", p.name, r.Term)
	}
	return err
}

// allThere returns an error unless all members are alive to each other, vote, and see one leader.
func allThere(ctx context.Context, peers []*peer) error {
	if _, _, err := leader(ctx, peers, 0); err != nil {
		return err
	}
	all, err := elections(ctx, peers)
	if err != nil {
		return err
	}
	for _, r := range all {
		for _, m := range r.Members {
			if !m.Alive || !m.Voter || len(r.Members) != len(peers) {
				return fmt.Errorf("%s sees of %d members %s: alive %v, votes %v", r.Self, len(r.Members), m.ID, m.Alive, m.Voter)
			}
		}
	}
	return nil
}

// show prints what "samplefw members" does, asking a follower.
func (d *demo) show(ctx context.Context) error {
	for _, p := range d.peers {
		if p == d.leader || !p.alive() {
			continue
		}
		r, err := ask(ctx, p.api)
		if err != nil {
			return err
		}
		d.say("samplefw members --at %s", p.api)
		if d.json() {
			return printJSON(d.to, r)
		}
		var table strings.Builder
		if err := printOverview(&table, r); err != nil {
			return err
		}
		for line := range strings.Lines(table.String()) {
			fmt.Fprint(d.to, "           | ", line)
		}
		return nil
	}
	return nil
}
