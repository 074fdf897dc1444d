package mesosfake

import (
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
)

// This file has the agents' own API, through which the output of tasks is read, and what happens to that.

// WriteOutput appends to the output of the newest launch of a task, as if the task had written it; it may have ended. The
// stream is "stdout" or "stderr".
func (c *Cluster) WriteOutput(taskID, stream string, data []byte) error {
	return found(c.master.WriteOutput(taskID, stream, data), "sandbox of task", taskID)
}

// RotateOutput renames stdout or stderr of a task to "stdout.1" or "stderr.1" and begins an empty file, as the log rotation of an
// agent does.
func (c *Cluster) RotateOutput(taskID, stream string) error {
	return found(c.master.RotateOutput(taskID, stream), "sandbox of task", taskID)
}

// RemoveSandbox removes the files of a task, and of all others with the same executor, such as the members of its pod. An
// agent does so after a week, or sooner if its disk is full.
func (c *Cluster) RemoveSandbox(taskID string) error {
	return found(c.master.RemoveSandbox(taskID), "sandbox of task", taskID)
}

// SetAgentAPI closes the API of an agent, to which connections are refused then, or opens it again. The agent goes on
// otherwise.
func (c *Cluster) SetAgentAPI(hostname string, open bool) error {
	return found(c.master.SetAgentAPI(hostname, open), "agent", hostname)
}

// listenAgent opens the listener of an agent's API, in memory under its hostname.
func (c *Cluster) listenAgent(a mesostest.Agent) (net.Listener, error) {
	if c.network != nil {
		return c.network.Listen(net.JoinHostPort(a.Hostname, strconv.Itoa(a.Port)))
	}
	l, err := net.Listen("tcp", net.JoinHostPort(c.host, strconv.Itoa(a.Port)))
	if err != nil { // the port is in use
		l, err = net.Listen("tcp", net.JoinHostPort(c.host, "0"))
	}
	if err != nil {
		return nil, fmt.Errorf("the API of %s: %w", a.Hostname, err)
	}
	return l, nil
}

// urlHost returns what offers say about where the API of an agent is; "": under its hostname.
func (c *Cluster) urlHost() string {
	if c.network != nil {
		return ""
	}
	if ip := net.ParseIP(c.host); c.host == "" || ip.IsUnspecified() {
		name, _ := os.Hostname()
		return name
	}
	return c.host
}
