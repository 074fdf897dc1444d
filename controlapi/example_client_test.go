package controlapi_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// A process that is no member of the framework launches a task, and is told why another one is not.
func ExampleClient() {
	at, stop := serveExample() // in another process
	defer stop()

	client, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: []string{at}, Token: "open-sesame"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	web := task.Spec{ID: "web-1", CPUs: 0.5, Mem: 64, Command: task.Command{Shell: "sleep 3600"}}
	info, err := client.Launch(ctx, web)
	fmt.Println(info.Spec.ID, "is", info.State, err)

	web.ID = ""
	err = client.Submit(ctx, web)
	invalid := (*task.FieldError)(nil)
	fmt.Println(errors.As(err, &invalid), invalid.Field, scheduler.ErrorCode(err))

	_, err = client.Kill(ctx, "web-2")
	fmt.Println(errors.Is(err, scheduler.ErrUnknownTask), err)
	// Output:
	// web-1 is running <nil>
	// true ID invalid
	// true scheduler: unknown task: "web-2"
}

// serveExample runs a framework on a fake cluster, and serves it.
func serveExample() (at string, stop func()) {
	cluster, err := mesosfake.New(mesosfake.Config{})
	if err != nil {
		log.Fatal(err)
	}
	s, err := scheduler.New(scheduler.Config{
		Master: cluster.Master(), DialContext: cluster.DialContext, Framework: scheduler.Framework{Name: "shop"}, Logger: quiet(),
	})
	if err != nil {
		log.Fatal(err)
	}
	server, err := controlapi.New(controlapi.Config{Framework: s, Tokens: []string{"open-sesame"}})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = cluster.Run(ctx) })
	running.Go(func() { _ = s.Run(ctx) })
	running.Go(func() { _ = server.Serve(ctx, listener) })
	return listener.Addr().String(), func() { cancel(); running.Wait() }
}
