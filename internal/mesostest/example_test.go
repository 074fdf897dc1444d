package mesostest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// A master with one agent on a network in memory, and a call that it refuses.
func ExampleMaster() {
	m, err := mesostest.New(mesostest.Config{Agents: []mesostest.Agent{{Resources: "cpus:4;mem:4096"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	var network virtualnet.Network // or net.Listen and an ordinary client
	l, err := network.Listen("master.example:5050")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx, l) }()

	transport := &http.Transport{DialContext: network.DialContext}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}
	response, err := client.Post("http://master.example:5050/api/v1/scheduler", "application/json",
		strings.NewReader(`{"type":"REVIVE","framework_id":{"value":"nobody"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(response.Status)
	_ = response.Body.Close()
	fmt.Println(m.Snapshot().Agents[0].Hostname)

	cancel()
	fmt.Println(<-done)
	// Output:
	// 400 Bad Request
	// agent1.example
	// <nil>
}

// Two masters on a network in memory: the one that does not lead redirects to the other.
func ExampleMaster_several() {
	m, err := mesostest.New(mesostest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	var network virtualnet.Network
	first, err := network.Listen("master1.example:5050")
	if err != nil {
		fmt.Println(err)
		return
	}
	second, err := network.Listen("master2.example:5050")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx, first, second) }()

	transport := &http.Transport{DialContext: network.DialContext}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://master2.example:5050/api/v1/scheduler", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(response.Status, response.Header.Get("Location"))
	_ = response.Body.Close()

	m.LoseMaster(0) // it leads until its session ends
	fmt.Println(m.Leader())
	cancel()
	fmt.Println(<-done)
	// Output:
	// 307 Temporary Redirect //master1.example:5050/master/api/v1/scheduler
	// -1
	// <nil>
}
