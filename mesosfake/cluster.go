package mesosfake

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// Cluster is a fake Mesos cluster. It is made by [Start] or [New]. Its methods may be called from any goroutine; those
// that ask or change something wait until it runs, and return when the change is made. Their errors wrap [ErrNotFound]
// if the agent, task or framework does not exist, and [ErrRefused] if a real master would refuse the operation.
type Cluster struct {
	master    *mesostest.Master
	listeners []net.Listener
	network   *virtualnet.Network // nil: the real one
	host      string              // of Config.Listen
}

// Start starts a cluster that ends with the test. The test fails if the config is invalid, or if a framework sent
// something that makes a real master crash.
func Start(t testing.TB, config Config) *Cluster {
	t.Helper()
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for _, deed := range c.Snapshot().Deadly {
			t.Error("mesosfake: a real master would have died:", deed)
		}
	})
	return c
}

// New makes a cluster, for programs and for examples. It listens at once, but answers only while [Cluster.Run] runs.
// Tests have [Start]. It returns an error if the config is invalid or the address is in use.
func New(config Config) (*Cluster, error) {
	if config.Masters < 0 || config.AgentTimeout < 0 {
		return nil, fmt.Errorf("mesosfake: Masters (%d) and AgentTimeout (%v) must not be negative", config.Masters, config.AgentTimeout)
	}
	c := &Cluster{}
	if config.Listen == "" {
		c.network = &virtualnet.Network{}
	}
	c.host, _, _ = net.SplitHostPort(config.Listen) // listen says what is wrong with it
	var err error
	if c.master, err = mesostest.New(c.internal(config)); err != nil {
		return nil, fmt.Errorf("mesosfake: %w", err)
	}
	if c.listeners, err = config.listen(c.network.Listen); err != nil {
		return nil, fmt.Errorf("mesosfake: %w", err)
	}
	return c, nil
}

// Run runs the cluster until ctx ends, and returns when all its goroutines have ended. It can be called once. The error is
// nil when ctx was the reason.
func (c *Cluster) Run(ctx context.Context) error {
	if err := c.master.Run(ctx, c.listeners[0], c.listeners[1:]...); err != nil {
		return fmt.Errorf("mesosfake: %w", err)
	}
	return nil
}

// Master returns what a framework is told as its master, such as the Master of a scheduler.Config: "http://host:port", of
// several masters a list with commas between.
func (c *Cluster) Master() string {
	var urls []string
	for _, l := range c.listeners {
		urls = append(urls, "http://"+l.Addr().String())
	}
	return strings.Join(urls, ",")
}

// DialContext connects to a master or an agent: for the DialContext of a scheduler.Config or of an http.Transport. With
// Config.Listen it uses the real network, so that it need not be given.
func (c *Cluster) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if c.network == nil {
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}
	return c.network.DialContext(ctx, network, address)
}
