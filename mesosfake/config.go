package mesosfake

import (
	"cmp"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
)

// Config describes a cluster. The zero value is one master with one agent, on a network in memory.
type Config struct {
	// Masters is how many masters there are, of which the first one leads. Default 1.
	Masters int
	// Agents register in this order when the cluster starts. nil: one Agent{}; an empty slice: none.
	Agents []Agent
	// Listen is the "host:port" of the first master on the real network, such as "127.0.0.1:5050"; with port 0 the
	// system chooses one. Further masters are at the same host, at ports that the system chooses. Anybody who reaches
	// the address controls the cluster. It cannot be used in a testing/synctest bubble. Default: a network in memory,
	// see [Cluster.DialContext].
	//
	// Agents serve their API on the same host, the first one at port 5051, the second one at 5052 and so on, or at other ports
	// if these are in use. Their offers name that host or, if it stands for all interfaces, the name of this machine.
	Listen string
	// Programs are Go functions behind tasks: that of a task with a container image by the image, that of any other by its
	// command, which is the program of its Argv or the text for the shell. Their output is in the sandboxes of the tasks. Other
	// commands are interpreted, see the package comment. With Listen agents that run programs need ranges of ports of their own,
	// see Agent.Resources, since they are all on one host. Default: none.
	Programs map[string]Program
	// AgentTimeout is how long an agent must leave the pings of a master unanswered before the master declares it unreachable,
	// see [Cluster.LoseAgent]. There are five pings in that time, so that it is up to a fifth more after the loss. Default
	// 75 s, as with the flags of a real master.
	AgentTimeout time.Duration
	// Credentials are the secrets of principals: if not nil, every request needs one of them by HTTP basic authentication.
	// Default: nobody is asked.
	Credentials map[string]string
	// Tokens are the principals of bearer tokens: if not nil, every request needs one of them, or one of Credentials.
	// Default: nobody is asked.
	Tokens map[string]string
	// Seed decides what is random on a real cluster, such as IDs and the order of offers. The same seed and the same calls
	// at the same times give the same cluster. 0 is a seed like any other.
	Seed uint64
	// Logger gets a debug line for each call. Default: nothing is logged.
	Logger *slog.Logger
}

// Agent describes an agent, in the format of mesos-agent's flags.
type Agent struct {
	// Hostname is how offers and the methods of [Cluster] name the agent. Default "agentN.example", N counting from 1.
	Hostname string
	// Resources is as with --resources, such as "cpus:4;mem:4096;ports:[31000-31999];cpus(prod):1"; cpus, mem, disk and
	// ports that are not named have their defaults. Amounts of mem and disk are in MiB. Default
	// "cpus:4;mem:4096;disk:10000;ports:[31000-32000]".
	Resources string
	// Attributes is as with --attributes, such as "rack:r1;ssd:true". Default: none.
	Attributes string
	// Domain is the fault domain, "region/zone". Default: none.
	Domain string
}

// agent returns the agent of the fake that does the work.
func (c *Cluster) agent(a Agent) mesostest.Agent {
	return mesostest.Agent{Hostname: a.Hostname, URLHost: c.urlHost(), Resources: a.Resources, Attributes: a.Attributes, Domain: a.Domain}
}

// internal returns the config of the same.
func (c *Cluster) internal(config Config) mesostest.Config {
	internal := mesostest.Config{
		AgentPingTimeout: config.AgentTimeout, Credentials: config.Credentials, Tokens: config.Tokens, Seed: config.Seed, Logger: config.Logger,
		KeepTasks: true, ListenAgents: c.listenAgent, Programs: config.programs(), ListenTasks: c.listenTask,
	}
	if config.Agents == nil {
		config.Agents = []Agent{{}}
	}
	for _, a := range config.Agents {
		internal.Agents = append(internal.Agents, c.agent(a))
	}
	return internal
}

// listen returns the listeners of all masters. None is left open after an error.
func (c Config) listen(memory func(address string) (net.Listener, error)) (listeners []net.Listener, err error) {
	for n := range cmp.Or(c.Masters, 1) {
		var l net.Listener
		if c.Listen == "" {
			l, err = memory(fmt.Sprintf("master%d.example:5050", n+1))
		} else {
			l, err = net.Listen("tcp", c.address(n))
		}
		if err != nil {
			for _, l := range listeners {
				_ = l.Close()
			}
			return nil, err
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// address returns where master n listens on the real network.
func (c Config) address(n int) string {
	host, _, err := net.SplitHostPort(c.Listen)
	if n == 0 || err != nil {
		return c.Listen // net.Listen says what is wrong with it
	}
	return net.JoinHostPort(host, "0")
}
