package mesosfake

import (
	"context"
	"io"
	"net"
	"net/http"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
)

// Program is a Go function behind a task, see [Config].Programs: the process in its container. It is called on a goroutine of
// its own when the container starts, and what it returns is its exit status. When it is killed, with its task or its agent,
// its context ends, and everybody else takes it for dead at once: what it listened on is closed, its connections are reset, and
// what it still writes is lost. It must return then, with all goroutines that it has started: [Cluster.Run] waits for it.
type Program func(ctx context.Context, p *Process) (status int)

// Process is what a [Program] knows of the task that it is the process of.
type Process struct {
	TaskID string
	// Env is the environment of the task's command, with PORT0 and so on if package taskbuilder has made it.
	Env map[string]string
	// Host is where others reach what listens on the agent: its hostname or, with Config.Listen, that of the cluster.
	Host string
	// Ports are the host ports of the task, ascending.
	Ports []int
	// Stdout and Stderr append to the files in the sandbox, at once.
	Stdout, Stderr io.Writer

	process *mesostest.Process
}

// Listen listens on a port. On the network of the agent and on a bridge others reach it at Host: at that port, and at the host
// port that the port is mapped to. On a network with a name they reach it at the address of the container, unless it is mapped.
func (p *Process) Listen(port int) (net.Listener, error) { return p.process.Listen(port) }

// Serve answers HTTP requests on a port until ctx ends, and then waits until all of them have returned. The contexts of requests
// end with ctx. It returns what the program may return: 0, or 1 if it cannot listen.
func (p *Process) Serve(ctx context.Context, port int, handler http.Handler) (status int) {
	return p.process.Serve(ctx, port, handler)
}

// programs returns the programs of a config as those of the fake that does the work.
func (c Config) programs() map[string]mesostest.Program {
	all := make(map[string]mesostest.Program, len(c.Programs))
	for name, run := range c.Programs {
		all[name] = func(ctx context.Context, p *mesostest.Process) int {
			return run(ctx, &Process{TaskID: p.TaskID, Env: p.Env, Host: p.Host, Ports: p.Ports, Stdout: p.Stdout, Stderr: p.Stderr, process: p})
		}
	}
	return all
}

// listenTask opens a listener of a program.
func (c *Cluster) listenTask(address string) (net.Listener, error) {
	if c.network != nil {
		return c.network.Listen(address)
	}
	return net.Listen("tcp", address)
}

// UpdateTask has the executor or the agent of a task tell its state, with reason and message as given: what happens to tasks
// that no program can bring about, such as a limit of memory that was exceeded, or an image that cannot be pulled. Its task ID
// and its state are required; a state that is the last one ends the program. Default of its source: the executor.
func (c *Cluster) UpdateTask(status mesos.TaskStatus) error {
	return found(c.master.Update(status), "task", status.TaskID.Value)
}
