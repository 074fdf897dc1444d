package main

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/mesosengine"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// runOnCluster runs the demonstration with containers that are tasks of a Mesos cluster: a fake one, whose programs are functions
// of this process. With a real one Master would be its address, and there would be no DialContext.
func runOnCluster(ctx context.Context, out io.Writer) error {
	cluster, err := mesosfake.New(mesosfake.Config{Programs: map[string]mesosfake.Program{image: serveTemplates}})
	if err != nil {
		return err
	}
	s, err := scheduler.New(mesosengine.SchedulerConfig(scheduler.Config{
		Master: cluster.Master(), DialContext: cluster.DialContext, Framework: scheduler.Framework{Name: "invoker"},
	}))
	if err != nil {
		return err
	}
	engine, err := mesosengine.New(s, mesosengine.Config{Network: "bridge"})
	if err != nil {
		return err
	}
	inv, err := invoker.New(invoker.Config{Owner: "demo", Engine: engine, DialContext: cluster.DialContext, Pool: pool()})
	if err != nil {
		return err
	}
	// The cluster and the scheduler outlast ctx, so that the containers are removed also when the demonstration is interrupted.
	outlasting := context.WithoutCancel(ctx)
	running, stop := context.WithCancel(outlasting)
	using, cancel := context.WithCancelCause(ctx)
	var all sync.WaitGroup
	all.Go(func() { _ = cluster.Run(running) })
	all.Go(func() { cancel(s.Run(running)) })
	do := func(ctx context.Context, inv *invoker.Invoker) error { return demonstrate(ctx, inv, out) }
	err = use(using, inv, do)
	closing, done := context.WithTimeout(outlasting, 10*time.Second)
	defer done()
	err = errors.Join(err, s.Teardown(closing))
	stop()
	all.Wait()
	return err
}

// serveTemplates is the program of the image.
func serveTemplates(ctx context.Context, p *mesosfake.Process) int {
	p.Serve(ctx, 8080, (&templates{stdout: p.Stdout, stderr: p.Stderr}).handler())
	return 0
}
