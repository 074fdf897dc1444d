package httpapi_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"net"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/actionruntime"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// engine runs containers in memory, each on a host of its own of a virtual network. It outlives the invokers of a test.
type engine struct {
	network *virtualnet.Network
	// failing returns the error of a start; nil: none fails.
	failing func(invoker.Spec) error

	mu        sync.Mutex
	started   int
	running   map[string]*box
	output    map[string]*[2]buffer // also of those that have ended
	suspended map[string]bool
	watchers  map[chan invoker.Change]struct{}
	ended     sync.WaitGroup
}

// box is a container.
type box struct {
	instance invoker.Instance
	kill     context.CancelFunc
}

// buffer is a stream.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func newEngine(network *virtualnet.Network) *engine {
	return &engine{
		network: network, running: map[string]*box{}, output: map[string]*[2]buffer{}, suspended: map[string]bool{},
		watchers: map[chan invoker.Change]struct{}{},
	}
}

// startTime is how long a start takes.
const startTime = 200 * time.Millisecond

func (e *engine) Create(ctx context.Context, id string, spec invoker.Spec) (invoker.Instance, error) {
	if e.failing != nil {
		if err := e.failing(spec); err != nil {
			return invoker.Instance{}, err
		}
	}
	select {
	case <-time.After(startTime):
	case <-ctx.Done():
		return invoker.Instance{}, context.Cause(ctx)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.started++
	ip := fmt.Sprintf("10.1.%d.%d", e.started/250, e.started%250+1)
	listener, err := e.network.Host(ip).Listen(ip + ":8080")
	if err != nil {
		return invoker.Instance{}, err
	}
	out := &[2]buffer{}
	e.output[id] = out
	life, kill := context.WithCancel(context.Background())
	b := &box{kill: kill, instance: invoker.Instance{
		ID: id, Incarnation: fmt.Sprint(e.started), Agent: "agent-1", Address: ip + ":8080", Labels: spec.Labels, Started: time.Now(),
	}}
	e.running[id] = b
	e.ended.Go(func() {
		e.serve(life, listener, out)
	})
	return b.instance, nil
}

func (e *engine) serve(ctx context.Context, l net.Listener, out *[2]buffer) {
	actionruntime.New(actionruntime.Config{Stdout: &out[0], Stderr: &out[1]}).Serve(ctx, l)
}

func (e *engine) Destroy(_ context.Context, id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if b := e.running[id]; b != nil {
		delete(e.running, id)
		b.kill()
	}
	return nil
}

// end ends a container by itself.
func (e *engine) end(id string, err error, reason string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running[id].kill()
	delete(e.running, id)
	for w := range e.watchers {
		w <- invoker.Change{ID: id, State: invoker.Gone, Reason: reason, Err: err}
	}
}

func (e *engine) Instances(context.Context) (all []invoker.Instance, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, b := range e.running {
		all = append(all, b.instance)
	}
	return all, nil
}

func (e *engine) Watch(ctx context.Context) iter.Seq[invoker.Change] {
	changes := make(chan invoker.Change, 100)
	e.mu.Lock()
	e.watchers[changes] = struct{}{}
	e.mu.Unlock()
	return func(yield func(invoker.Change) bool) {
		defer func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			delete(e.watchers, changes)
		}()
		for {
			select {
			case c := <-changes:
				if !yield(c) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func (e *engine) ReadOutput(_ context.Context, in invoker.Instance, s invoker.Stream, offset int64, buf []byte) (int, int64, error) {
	e.mu.Lock()
	out := e.output[in.ID]
	e.mu.Unlock()
	if out == nil {
		return 0, 0, invoker.ErrUnavailable
	}
	b := &out[0]
	if s == invoker.Stderr {
		b = &out[1]
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.text.Bytes()
	return copy(buf, text[min(offset, int64(len(text))):]), int64(len(text)), nil
}

func (e *engine) ids() (all []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id := range e.running {
		all = append(all, id)
	}
	return all
}

// freezer is an engine that can suspend containers.
type freezer struct{ *engine }

func (f freezer) Suspend(_ context.Context, id string) error { return f.set(id, true) }
func (f freezer) Resume(_ context.Context, id string) error  { return f.set(id, false) }

func (f freezer) set(id string, to bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.suspended[id] = to
	return nil
}

func (e *engine) isSuspended(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.suspended[id]
}

// close ends all containers.
func (e *engine) close() {
	for _, id := range e.ids() {
		_ = e.Destroy(context.Background(), id)
	}
	e.ended.Wait()
}
