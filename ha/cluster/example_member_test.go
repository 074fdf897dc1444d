package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"sync/atomic"

	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// counting is the network of the operating system, with a count of the connections that are made.
type counting struct {
	dialer net.Dialer
	dialed atomic.Int64
}

func (n *counting) Listen(address string) (net.Listener, error) { return net.Listen("tcp", address) }

func (n *counting) ListenPacket(address string) (net.PacketConn, error) {
	return net.ListenPacket("udp", address)
}

func (n *counting) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	n.dialed.Add(1)
	return n.dialer.DialContext(ctx, network, address)
}

var _ cluster.Network = (*counting)(nil)

// The first member tells the others where it is, once it runs.
func ExampleAddresses() {
	network := &counting{}
	member, err := cluster.New(cluster.Config{
		Name: "example", Expect: 1, Preset: cluster.PresetLocal, Network: network,
	})
	if err != nil {
		log.Fatal(err)
	}
	seed := func(a cluster.Addresses) string { return a.Gossip }
	fmt.Println("before:", seed(member.Addresses()) == "")
	err = member.Run(context.Background(), func(context.Context, scheduler.Term) error {
		host, _, err := net.SplitHostPort(seed(member.Addresses()))
		fmt.Println("others have the seed", host, "and its port", err)
		return nil
	})
	fmt.Println(err, network.dialed.Load(), "connections to others")
	// Output:
	// before: true
	// others have the seed 127.0.0.1 and its port <nil>
	// <nil> 0 connections to others
}

// Recover is for the last directory of a cluster. First look at it, then do it.
func ExampleRecovery() {
	var config *cluster.ConfigError
	if _, err := cluster.Recover(cluster.Config{Name: "example"}, true); errors.As(err, &config) {
		fmt.Println(config.Field, config.Reason)
	}
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	c := cluster.Config{Name: "example", Expect: 1, Preset: cluster.PresetLocal, Dir: dir}
	member, err := cluster.New(c)
	if err != nil {
		log.Fatal(err)
	}
	err = member.Run(context.Background(), func(ctx context.Context, t scheduler.Term) error {
		return t.Store.Apply(ctx, map[string][]byte{"key": []byte("value")})
	})
	if err != nil {
		log.Fatal(err)
	}

	lost := func(r cluster.Recovery) string {
		return fmt.Sprint("of ", len(r.Members), " members, records: ", r.Records)
	}
	found, err := cluster.Recover(c, true)
	fmt.Println(found.LastIndex > 0, err)
	recovered, err := cluster.Recover(c, false)
	fmt.Println(lost(recovered), "another ID:", recovered.ID != found.ID, err)
	// Output:
	// Dir is required to recover a cluster
	// true <nil>
	// of 1 members, records: 1 another ID: true <nil>
}

// Presets have names, for flags and logs.
func ExamplePreset() {
	fmt.Println(cluster.PresetLAN, cluster.PresetLocal, cluster.PresetWAN)
	// Output: LAN local WAN
}
