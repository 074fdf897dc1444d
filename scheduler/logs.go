package scheduler

import (
	"context"
	"iter"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/internal/agenthttp"
	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/internal/printable"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// LogOptions say what [Scheduler.Logs] reads. The zero value is all of stdout.
type LogOptions struct {
	// Stream is "stdout" or "stderr". Default "stdout". Mesos' own executors write lines of their own to stderr.
	Stream string `json:"stream,omitzero"`
	// Offset is where to begin, in bytes. Negative: that many bytes before the end, or at the beginning if there are fewer. An
	// offset beyond the end means that the file was rotated since: it is read from its beginning, see [LogChunk.Rotated].
	Offset int64 `json:"offset,omitzero"`
	// Limit is how many bytes to read at most. 0: to the end, and with Follow without limit.
	Limit int64 `json:"limit,omitzero"`
	// Follow goes on at the end of the file with what the task writes, until the task has ended.
	Follow bool `json:"follow,omitzero"`
}

// LogChunk is a part of the output of a task.
type LogChunk struct {
	// Offset is where Data is in the file. The next chunk, or a later [LogOptions.Offset] to go on, is at Offset + len(Data).
	Offset int64 `json:"offset"`
	// Data are 64 KiB of the file at most. They are the caller's own. A chunk may end within a line or a character.
	Data []byte `json:"data"`
	// Rotated reports whether the file is another one than that of the chunk before, or of [LogOptions.Offset]: it was rotated
	// or cut, or the task was launched again. What was in the former file and not read is missing. Offset begins anew at 0,
	// and Data may be empty.
	Rotated bool `json:"rotated,omitzero"`
}

// LogError is returned by [Scheduler.Logs] when the output of a task cannot be read.
type LogError struct {
	ID       string `json:"id"`                // of the task
	AgentID  string `json:"agentID,omitzero"`  // of its newest launch; empty: there was none, or it is not known any more
	Hostname string `json:"hostname,omitzero"` // of the agent
	Address  string `json:"address,omitzero"`  // where the agent serves HTTP; empty: unknown
	// Code is [CodeNotStarted], [CodeAgentAway], [CodeOutputGone], or [CodeRefused] if the agent refuses to show the output or
	// its answer is of no use.
	Code Code `json:"code"`
	// Reason continues "the output of the task cannot be read: ", such as "its agent is away: connection refused".
	Reason string `json:"reason"`
	// Err is the error of the connection, if there was one.
	Err error `json:"-"`
}

// Error returns the task, the agent and the reason.
func (e *LogError) Error() string {
	at := ""
	if e.AgentID != "" {
		at = " on agent " + e.AgentID
		if e.Hostname != "" {
			at += " (" + e.Hostname + ")"
		}
	}
	return printable.Linef("scheduler: the output of task %q%s cannot be read: %s", e.ID, at, e.Reason)
}

// Unwrap returns Err.
func (e *LogError) Unwrap() error { return e.Err }

// Logs returns what a task has written to stdout or stderr, in order, as its agent has it: byte for byte, from the files in the
// sandbox of the task. It works for tasks that run and, as long as the agent keeps the sandbox (Mesos' --gc_delay, a week by
// default), for those that have ended; for members of pods, which have files of their own; and for tasks with a custom
// executor, which share those of the executor. Of a task that was launched again, such as on another agent, it is the output
// of the newest launch.
//
// Without Follow it ends at what was the end of the file at the beginning. With Follow it looks for more after 500 ms, and when
// there is none after pauses that double up to 2 s. It ends when the task has ended and all was read, also what has come within
// 500 ms after that, as loggers of agents may lag behind. Files that are rotated are noticed when they are shorter than before, see
// [LogChunk.Rotated]; one that has already grown beyond the former offset at the time of the next look is taken for the old one.
// While it follows, an agent that is away, restarts, or moves to another port is asked again for 90 s before that is an error.
// A task that is pending again is waited for.
//
// An error comes last, with an empty chunk: a [*LogError], [ErrUnknownTask] for an ID that is neither on record nor remembered,
// a [*task.FieldError] for an invalid option, an error that wraps that of ctx when ctx has ended, or [ErrNotRunning] when Run
// has. To go on after one, such as with another leader, give the next offset. A task that has not been launched yet is an error,
// also with Follow: [Scheduler.Wait] waits for it. (One that is being launched is waited for with Follow.)
//
// Agents are asked with Config.TLS and Config.DialContext. Credential and Token go to those hosts that [Config.TrustedHosts]
// allows for masters; all other agents are asked without. At most two reads of an agent are under way at once, others wait in
// order. Logs starts no goroutine, and connections are closed when no caller reads any more. Apart from looking where the task
// is, it does not use the scheduler's goroutine: a slow agent or caller disturbs nobody. The sequence can be ranged over again,
// and then reads again.
func (s *Scheduler) Logs(ctx context.Context, id string, o LogOptions) iter.Seq2[LogChunk, error] {
	return func(yield func(LogChunk, error) bool) {
		r := logReader{s: s, id: id, options: o, yield: func(c LogChunk) bool { return yield(c, nil) }}
		s.agents.Use()
		defer s.agents.Release()
		if err := r.run(ctx); err != nil && !r.stopped {
			yield(LogChunk{}, err)
		}
	}
}

// check returns the options with their defaults, or what is wrong with them.
func (o LogOptions) check() (LogOptions, error) {
	switch {
	case o.Stream == "":
		o.Stream = "stdout"
	case o.Stream != "stdout" && o.Stream != "stderr":
		return o, &task.FieldError{Field: "Stream", Value: o.Stream, Reason: `must be "stdout" or "stderr"`}
	}
	if o.Limit < 0 {
		return o, &task.FieldError{Field: "Limit", Value: o.Limit, Reason: "must not be negative"}
	}
	return o, nil
}

// agentClient returns the client for the agents.
func (c *Config) agentClient(tokens *mesoshttp.TokenSource) (*agenthttp.Client, error) {
	d, err := c.detector()
	if err != nil {
		return nil, err
	}
	hosts, err := c.trusted(d)
	if err != nil {
		return nil, err
	}
	return agenthttp.New(c.http(tokens, hosts))
}

// sandbox is where the output of a task is, as far as is known.
type sandbox struct {
	info       task.Info
	framework  string // its ID
	address    string // of the agent
	remembered bool   // only the ID of the task is known, and how it ended
}

// sandbox returns where the output of a task is.
func (s *Scheduler) sandbox(ctx context.Context, id string) (sandbox, error) {
	var box sandbox
	known := false
	_, err := s.ask(ctx, &request{read: func(m *machine) {
		info, found := m.tasks.info(id)
		if known = found; !known {
			return
		}
		box.info = info.Public()
		box.remembered = m.tasks.byID[id] == nil
		box.framework, box.address = m.conn.frameworkID, box.info.AgentAddress
		if a := m.census.agents[box.info.AgentID]; a != nil && a.about.Address != "" {
			box.address = a.about.Address // the newest, after a restart of the agent
		}
	}})
	if err == nil && !known {
		err = unknown(id)
	}
	return box, err
}

// file returns the virtual path of a file in the sandbox of the newest run of the task's executor. IDs need no escaping: Mesos
// takes none with a slash.
func (b *sandbox) file(name string) string {
	executor, inPod := b.executor()
	path := []string{"", "frameworks", b.framework, "executors", executor, "runs", "latest", name}
	if inPod {
		path = append(path[:7], "tasks", b.info.Spec.ID, name)
	}
	return strings.Join(path, "/")
}

// executor returns the ID of the task's executor, and whether it has a folder for each of its tasks. Mesos' executor of a
// command has the ID of the task, and that of a pod its name. An adopted task has no name of its pod.
func (b *sandbox) executor() (id string, inPod bool) {
	spec, status := &b.info.Spec, b.info.Status
	inPod = spec.Pod != "" || status.GetContainerStatus().GetContainerID().GetParent() != nil
	switch {
	case status.GetExecutorID().GetValue() != "":
		return status.ExecutorID.Value, inPod
	case spec.Pod != "":
		return spec.Pod, inPod
	}
	return spec.ID, inPod
}

// authorizes reports whether there are credentials, for agents and masters that are trusted.
func (c *Config) authorizes() bool { return c.Credential != nil || c.Token != nil }

// http returns the part of the config that all clients have in common.
func (c *Config) http(tokens *mesoshttp.TokenSource, hosts *mesoshttp.Hosts) mesoshttp.Config {
	config := mesoshttp.Config{DialContext: c.DialContext, TLS: c.TLS, Panicked: panicked, Tokens: tokens, Hosts: hosts}
	if c.Credential != nil {
		config.Credential = &mesoshttp.Credential{Principal: c.Credential.Principal, Secret: c.Credential.Secret}
	}
	return config
}
