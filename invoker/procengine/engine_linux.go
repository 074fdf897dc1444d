package procengine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/internal/rotation"
)

var (
	_ invoker.Engine       = (*Engine)(nil)
	_ invoker.Suspender    = (*Engine)(nil)
	_ invoker.OutputReader = (*Engine)(nil)
	_ invoker.AgentLister  = (*Engine)(nil)
)

// Engine is an [invoker.Engine] of processes on this machine.
type Engine struct {
	cfg      Config
	agent    string
	lock     *os.File
	ports    *ports
	watchers watchers
	streams  *rotation.Streams
	closing  chan struct{} // closed by Close
	running  sync.WaitGroup

	mu         sync.Mutex
	closed     bool
	containers map[string]*container // that are being started, or may run
}

// New returns an engine that has adopted the containers in cfg.Dir; those that were suspended are resumed. It fails if another
// engine uses the directory, or if it cannot tell what runs, and with an [*invoker.ConfigError] for each field that is
// invalid, joined.
func New(cfg Config) (*Engine, error) {
	cfg, err := cfg.withDefaults()
	if err == nil && cfg.Memory == 0 {
		cfg.Memory, err = machineMemory()
	}
	if err == nil {
		err = checkKernel()
	}
	if err != nil {
		return nil, fmt.Errorf("procengine: %w", err)
	}
	e := &Engine{cfg: cfg, ports: newPorts(cfg.MinPort, cfg.MaxPort), closing: make(chan struct{}), containers: map[string]*container{}, streams: rotation.New(maxStreams)}
	if e.agent, err = os.Hostname(); err != nil {
		e.agent = cfg.Host
	}
	if e.lock, err = lockDir(cfg.Dir); err == nil {
		err = e.adopt()
	}
	if err != nil {
		_ = e.Close()
		return nil, fmt.Errorf("procengine: %w", err)
	}
	e.running.Go(e.freeOld)
	return e, nil
}

// lockDir takes the directory for this process. Processes that the last engine was just starting when it was killed have the lock as
// well, until their program begins: whoever has it finds all processes by what they have of their container.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for range 100 { // for a second
		if err = lockFile(f); err == nil {
			return f, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = f.Close()
	return nil, fmt.Errorf("another engine uses %s: %w", dir, err)
}

// Close gives the directory back, for another engine to adopt the containers: they go on. Every other method fails after it.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	close(e.closing)
	containers := slices.Collect(maps.Values(e.containers))
	e.mu.Unlock()
	for _, c := range containers {
		<-c.started
		c.letGo()
	}
	e.running.Wait()
	if e.lock == nil {
		return nil
	}
	return e.lock.Close()
}

func errClosed() error { return fmt.Errorf("%w: the engine is closed", invoker.ErrUnavailable) }

// Create starts a container. Errors wrap [invoker.ErrImage] for a kind that is not configured, [invoker.ErrStart] for a program that
// cannot be started, [invoker.ErrNoCapacity] if memory, ports or processes are exhausted, [invoker.ErrUnavailable] if its
// directory cannot be used, or the cause of ctx.
func (e *Engine) Create(ctx context.Context, id string, spec invoker.Spec) (invoker.Instance, error) {
	argv, ok := e.cfg.Kinds[spec.Kind]
	if !ok {
		return invoker.Instance{}, fmt.Errorf("%w: no program is configured for kind %q", invoker.ErrImage, spec.Kind)
	}
	if err := checkID(id); err != nil {
		return invoker.Instance{}, fmt.Errorf("%w: %w", invoker.ErrStart, err)
	}
	if err := context.Cause(ctx); err != nil {
		return invoker.Instance{}, err
	}
	c, err := e.admit(id, spec)
	if err != nil {
		return invoker.Instance{}, err
	}
	if err := e.start(ctx, c, argv, spec.Env); err != nil {
		e.forget(c)
		close(c.over)
		close(c.started)
		return invoker.Instance{}, err
	}
	close(c.started)
	return e.instance(c), nil
}

// admit reserves the ID, memory and a port for a container.
func (e *Engine) admit(id string, spec invoker.Spec) (*container, error) {
	c := newContainer(id, filepath.Join(e.cfg.Dir, id))
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errClosed()
	}
	if _, taken := e.containers[id]; taken {
		return nil, fmt.Errorf("%w: there is a container %s", invoker.ErrStart, id)
	}
	if slices.Contains(spec.Avoid, e.agent) {
		return nil, fmt.Errorf("%w: this machine, %s, is drained", invoker.ErrNoCapacity, e.agent)
	}
	if free := e.freeMemory(); spec.Memory > free {
		return nil, fmt.Errorf("%w: %d MiB are asked for, %d of %d are free", invoker.ErrNoCapacity, spec.Memory, free, e.cfg.Memory)
	}
	port, hold, err := e.ports.take()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", invoker.ErrNoCapacity, err)
	}
	c.port = hold
	c.state = state{Incarnation: rand.Text(), Port: port, Memory: spec.Memory, Labels: maps.Clone(spec.Labels)}
	e.containers[id] = c
	return c, nil
}

// forget gives back what admit has reserved.
func (e *Engine) forget(c *container) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.containers, c.id)
	if c.port != nil {
		_ = c.port.Close()
	}
}

// freeMemory needs the lock of e.
func (e *Engine) freeMemory() int {
	free := e.cfg.Memory
	for _, c := range e.containers {
		free -= c.state.Memory
	}
	return free
}

// Destroy kills all processes of a container. It returns when none of them runs, or when ctx ends.
func (e *Engine) Destroy(ctx context.Context, id string) error {
	e.mu.Lock()
	c, closed := e.containers[id], e.closed
	e.mu.Unlock()
	if closed {
		return errClosed()
	}
	if c == nil {
		return nil
	}
	select { // a start takes milliseconds
	case <-c.started:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := c.kill(); err != nil {
		return err
	}
	select {
	case <-c.over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.closing:
		return errClosed()
	}
}

// Instances lists all containers that run.
func (e *Engine) Instances(context.Context) ([]invoker.Instance, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errClosed()
	}
	var list []invoker.Instance
	for _, id := range slices.Sorted(maps.Keys(e.containers)) {
		if c := e.containers[id]; c.hasStarted() {
			list = append(list, e.instance(c))
		}
	}
	return list, nil
}

func (e *Engine) instance(c *container) invoker.Instance {
	return invoker.Instance{
		ID: c.id, Incarnation: c.state.Incarnation, Agent: e.agent, Address: e.address(c.state.Port), Labels: maps.Clone(c.state.Labels),
		Started: c.state.Started,
	}
}

// Agents returns this machine.
func (e *Engine) Agents(context.Context) ([]invoker.Agent, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errClosed()
	}
	return []invoker.Agent{{ID: e.agent, Memory: e.cfg.Memory}}, nil
}

// Suspend stops the processes of a container where they are, and returns when the first one does nothing any more. The next
// engine on the directory resumes the container.
func (e *Engine) Suspend(ctx context.Context, id string) error {
	c, err := e.find(id)
	if err == nil {
		err = c.signal(syscall.SIGSTOP)
	}
	if err == nil {
		err = c.state.Process.awaitStop(ctx)
	}
	return err
}

// Resume lets them go on.
func (e *Engine) Resume(_ context.Context, id string) error {
	c, err := e.find(id)
	if err == nil {
		err = c.signal(syscall.SIGCONT)
	}
	return err
}

// find returns a container that has started.
func (e *Engine) find(id string) (*container, error) {
	e.mu.Lock()
	c, closed := e.containers[id], e.closed
	e.mu.Unlock()
	if closed {
		return nil, errClosed()
	}
	if c == nil || !c.hasStarted() {
		return nil, fmt.Errorf("container %s does not run", id)
	}
	return c, nil
}

var validID = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$`)

// checkID returns an error for an ID that cannot be the name of a directory beside the file lock.
func checkID(id string) error {
	if !validID.MatchString(id) || id == "lock" {
		return errors.New("a container's ID has 1 to 128 letters, digits and the characters _ - . only")
	}
	return nil
}
