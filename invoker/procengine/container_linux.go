package procengine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// dirVariable is the name of the variable by which the processes of a container are known.
const dirVariable = "INVOKER_CONTAINER"

// container is a container that is being started, or may run.
type container struct {
	id, dir string
	port    io.Closer     // keeps the port for it
	started chan struct{} // closed when its start has succeeded or failed; what follows does not change then
	over    chan struct{} // closed when none of its processes runs any more

	state    state
	handle   *os.File // on its first process
	oomKills int      // before it was started; negative if that is not known

	mu     sync.Mutex
	killed bool // by us
	reaped bool // its number may be another's
}

func newContainer(id, dir string) *container {
	return &container{id: id, dir: dir, started: make(chan struct{}), over: make(chan struct{}), oomKills: -1}
}

func (c *container) hasStarted() bool {
	select {
	case <-c.started:
		return true
	default:
		return false
	}
}

// start starts the process of a container. The order matters: whenever this process is killed, the next one finds the
// container's directory, and by that its processes, see adopt.
func (e *Engine) start(ctx context.Context, c *container, argv []string, env map[string]string) error {
	if err := os.Mkdir(c.dir, 0o700); errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%w: there was a container %s", invoker.ErrStart, c.id)
	} else if err != nil {
		return fmt.Errorf("%w: %w", invoker.ErrUnavailable, err)
	}
	err := c.spawn(argv, e.environment(c, env))
	if err == nil {
		c.state.Started = time.Now().Round(0)
		if err = c.record(); err == nil {
			err = context.Cause(ctx) // it has ended meanwhile: nobody waits for the container
		}
		if err == nil {
			e.running.Go(func() { e.await(c) })
			return nil
		}
		if c.handle != nil {
			_ = c.handle.Close()
		}
		killAll(c.dir, c.state.Process, true, nil)
		reap(c.state.Process.PID)
	}
	return errors.Join(err, os.RemoveAll(c.dir))
}

// spawn starts the first process of a container.
func (c *container) spawn(argv, env []string) error {
	var files [2]*os.File
	for i, stream := range []invoker.Stream{invoker.Stdout, invoker.Stderr} {
		f, err := os.OpenFile(filepath.Join(c.dir, string(stream)), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return fmt.Errorf("%w: %w", invoker.ErrUnavailable, err)
		}
		defer f.Close()
		files[i] = f
	}
	c.oomKills = oomKills()
	id, err := spawn(argv, env, c.dir, files[0], files[1])
	switch {
	case crowded(err):
		return fmt.Errorf("%w: %w", invoker.ErrNoCapacity, err)
	case err != nil:
		return fmt.Errorf("%w: %w", invoker.ErrStart, err)
	}
	c.state.Process = id
	return nil
}

// record writes the state file, and takes a handle on the process.
func (c *container) record() error {
	var err error
	if err = c.state.write(c.dir); err == nil {
		c.handle, err = c.state.Process.open()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", invoker.ErrUnavailable, err)
	}
	return nil
}

// environment returns the variables of a container. Of the invoker's own it gets none but PATH: they may be secret.
func (e *Engine) environment(c *container, env map[string]string) []string {
	vars := map[string]string{"PATH": os.Getenv("PATH"), "HOME": c.dir}
	for key, value := range env {
		vars[key] = value
	}
	vars["HOST"], vars["PORT0"], vars[dirVariable] = e.cfg.Host, strconv.Itoa(c.state.Port), c.dir
	var list []string
	for key, value := range vars {
		list = append(list, key+"="+value)
	}
	slices.Sort(list)
	return list
}

func (e *Engine) address(port int) string { return net.JoinHostPort(e.cfg.Host, strconv.Itoa(port)) }

// await waits until the first process of a container has ended, kills what is left, and tells of the end unless it was asked for.
func (e *Engine) await(c *container) {
	defer c.handle.Close()
	leader := c.state.Process
	// Until the first process is reaped, its number keeps the session known.
	if !leader.awaitEnd(c.handle, e.closing) || !killAll(c.dir, leader, true, e.closing) {
		return
	}
	c.mu.Lock()
	killed := c.killed
	c.reaped = true
	c.mu.Unlock()
	status, known := reap(leader.PID)
	change := invoker.Change{ID: c.id, Agent: e.agent, State: invoker.Gone, Reason: "it is not known how it ended"}
	if known {
		change.Reason, change.Err = ended(status, c.oomKills >= 0 && oomKills() > c.oomKills)
	}
	c.state.Ended = time.Now()
	_ = c.state.write(c.dir) // the next engine sees by itself that it has ended
	e.forget(c)
	if !killed {
		e.watchers.tell(change)
	}
	close(c.over)
}

// outOfMemory is the status with which programs report that a process of theirs was killed by SIGKILL.
const outOfMemory = 128 + int(syscall.SIGKILL)

// ended says how a process has ended. That the kernel has killed it for lack of memory can be told from another SIGKILL only by the
// number of processes that it has killed so meanwhile.
func ended(status syscall.WaitStatus, oomKilled bool) (reason string, err error) {
	switch {
	case status.Signaled() && status.Signal() == syscall.SIGKILL && oomKilled:
		return "the kernel killed it for lack of memory", invoker.ErrMemory
	case status.ExitStatus() == outOfMemory:
		return fmt.Sprintf("exited with status %d: out of memory", outOfMemory), invoker.ErrMemory
	case status.Signaled():
		return fmt.Sprintf("ended by signal %d (%v)", int(status.Signal()), status.Signal()), nil
	}
	return fmt.Sprintf("exited with status %d", status.ExitStatus()), nil
}

// kill kills the session's group: all of a usual container at once. What is left of it is up to await.
func (c *container) kill() error {
	c.mu.Lock()
	c.killed = true
	c.mu.Unlock()
	if err := c.signal(syscall.SIGKILL); err != nil && !errors.Is(err, errNoProcess) {
		return err
	}
	return nil
}

// signal sends a signal to the group of a container.
func (c *container) signal(sig syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reaped {
		return fmt.Errorf("container %s has ended: %w", c.id, errNoProcess)
	}
	// An adopted process is reaped by somebody else.
	if runs, err := c.state.Process.runs(); err != nil {
		return err
	} else if !runs {
		return fmt.Errorf("container %s has ended: %w", c.id, errNoProcess)
	}
	return os.NewSyscallError("kill", syscall.Kill(-c.state.Process.PID, sig))
}

// letGo gives back what is held for a container that goes on, which ends the waiting for its end.
func (c *container) letGo() {
	_ = c.handle.Close()
	_ = c.port.Close()
}
