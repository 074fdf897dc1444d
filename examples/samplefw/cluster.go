package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"sync"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
)

// This file is the cluster to try the framework on. Leave it out of a copy: a framework of your own does not need it, and its
// import is internal.

// startCluster runs a fake master with three agents in this process and returns the master's URL.
func startCluster(ctx context.Context, services *sync.WaitGroup) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	master, err := newMaster()
	if err != nil {
		return "", err
	}
	services.Go(func() { _ = master.Run(ctx, listener) })
	return "http://" + listener.Addr().String(), nil
}

func newMaster() (*mesostest.Master, error) {
	return mesostest.New(mesostest.Config{Agents: []mesostest.Agent{
		{Hostname: "agent1.example", Attributes: "rack:r1"},
		{Hostname: "agent2.example", Attributes: "rack:r2"},
		{Hostname: "agent3.example", Attributes: "rack:r3"},
	}})
}

// runCluster is "samplefw cluster": the same master in a process of its own, until it is interrupted.
func runCluster(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("samplefw cluster", flag.ContinueOnError)
	address := f.String("listen", "127.0.0.1:5050", "IP:port of the master")
	if err := parseFlags(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("bad options: arguments %q (none)", f.Args())
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	master, err := newMaster()
	if err != nil {
		return err
	}
	fmt.Printf("a fake Mesos master with three agents at http://%s\n", listener.Addr())
	return master.Run(ctx, listener)
}
