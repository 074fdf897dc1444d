package main

import (
	"context"
	"net"
	"sync"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
)

// startCluster runs a fake master with three agents in this process and returns the master's URL.
// Leave this file out of a copy: a framework of your own does not need it, and its import is internal.
func startCluster(ctx context.Context, services *sync.WaitGroup) (string, error) {
	master, err := mesostest.New(mesostest.Config{Agents: []mesostest.Agent{
		{Hostname: "agent1.example", Attributes: "rack:r1"},
		{Hostname: "agent2.example", Attributes: "rack:r2"},
		{Hostname: "agent3.example", Attributes: "rack:r3"},
	}})
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	services.Go(func() { _ = master.Run(ctx, listener) })
	return "http://" + listener.Addr().String(), nil
}
