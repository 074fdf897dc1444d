package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/mesosengine"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// member is one of several invokers of a framework: it takes part in the election, and runs activations whoever leads.
type member struct {
	elector    *cluster.Member
	scheduler  *scheduler.Scheduler
	invoker    *invoker.Invoker
	engine     *mesosengine.Engine
	dispatcher *invoker.Dispatcher
	running    context.Context
	stop       context.CancelFunc
}

// runMembers runs three members on a fake cluster, and ends the one that leads.
func runMembers(ctx context.Context, out io.Writer) error {
	fake, err := mesosfake.New(mesosfake.Config{Programs: map[string]mesosfake.Program{image: serveTemplates}})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	all.Go(func() { _ = fake.Run(running) })
	var members []*member
	var controls []invoker.Control
	var seeds []string
	for i := range 3 {
		m, err := newMember(fmt.Sprint("member-", i+1), fake, seeds)
		if err != nil {
			return err
		}
		members, controls = append(members, m), append(controls, m.invoker.Control())
		m.begin(running, &all)
		for m.elector.Addresses().Gossip == "" && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		seeds = append(seeds, m.elector.Addresses().Gossip)
	}
	for _, m := range members {
		// The others are in this process. Those in other processes are reached with package httpapi.
		m.dispatcher, err = invoker.NewDispatcher(invoker.DispatcherConfig{
			Control: invoker.FirstOf(controls...), Engine: m.engine, DialContext: fake.DialContext,
		})
		if err != nil {
			return err
		}
		all.Go(func() { _ = m.dispatcher.Run(m.running) })
	}
	return failOver(running, members, out)
}

// newMember returns a member that finds the others by the seeds.
func newMember(id string, fake *mesosfake.Cluster, seeds []string) (*member, error) {
	elector, err := cluster.New(cluster.Config{Name: "demo", ID: id, Preset: cluster.PresetLocal, Seeds: seeds})
	if err != nil {
		return nil, err
	}
	s, err := scheduler.New(mesosengine.SchedulerConfig(scheduler.Config{
		Master: fake.Master(), DialContext: fake.DialContext, Framework: scheduler.Framework{Name: "invoker"},
	}))
	if err != nil {
		return nil, err
	}
	engine, err := mesosengine.New(s, mesosengine.Config{Network: "bridge"})
	if err != nil {
		return nil, err
	}
	inv, err := invoker.New(invoker.Config{Owner: "demo", Engine: engine, DialContext: fake.DialContext})
	if err != nil {
		return nil, err
	}
	return &member{elector: elector, scheduler: s, engine: engine, invoker: inv}, nil
}

// begin runs the member until its stop is called.
func (m *member) begin(ctx context.Context, all *sync.WaitGroup) {
	m.running, m.stop = context.WithCancel(ctx)
	// In each term that the member wins, its scheduler and its invoker run together.
	all.Go(func() { _ = ha.Run(m.running, m.elector, m.scheduler, m.invoker.Lead) })
}

// failOver ends the member that leads, while another one runs an action.
func failOver(ctx context.Context, members []*member, out io.Writer) error {
	leader, err := whoLeads(ctx, members)
	if err != nil {
		return err
	}
	other := members[(leader+1)%len(members)]
	warm := &invoker.Action{Namespace: "guest", Name: "/guest/hello", Kind: "template", Image: image, Code: `{"greeting": "Hello!"}`}
	fmt.Fprintf(out, "member %d of %d leads\n", leader+1, len(members))
	result, err := other.dispatcher.Invoke(ctx, warm, invoker.Activation{})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "member %d runs an action, %v\n", (leader+1)%len(members)+1, result.Start)

	ended := time.Now()
	members[leader].stop()
	fmt.Fprintf(out, "member %d is ended\n", leader+1)
	cold := *warm
	cold.Name = "/guest/other"
	started := make(chan error, 1)
	var start time.Duration
	go func() {
		_, err := other.dispatcher.Invoke(ctx, &cold, invoker.Activation{})
		start = time.Since(ended)
		started <- err
	}()
	runs := 0
	for {
		select {
		case err := <-started:
			if err != nil {
				return err
			}
			leader, err := whoLeads(ctx, members)
			fmt.Fprintf(out, "meanwhile it ran %d times, all %v\n", runs, invoker.Warm)
			fmt.Fprintf(out, "another action, which needed a container, ran after %v: member %d leads\n", start.Round(time.Millisecond), leader+1)
			return err
		default:
		}
		result, err := other.dispatcher.Invoke(ctx, warm, invoker.Activation{})
		switch {
		case err != nil:
			return err
		case result.Start != invoker.Warm || result.Status != invoker.Success:
			return fmt.Errorf("an activation: %v start, %v", result.Start, result.Status)
		}
		runs++
		time.Sleep(time.Millisecond)
	}
}

// whoLeads waits until one of the members leads that have not been ended.
func whoLeads(ctx context.Context, members []*member) (int, error) {
	for ctx.Err() == nil {
		for i, m := range members {
			if m.elector.Status().Leads() {
				return i, nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	return 0, context.Cause(ctx)
}
