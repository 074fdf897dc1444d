//go:build integration && linux

package killtest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/actionruntime"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
)

// witness sees all that containers get. It knows nothing of the invokers.
type witness struct {
	stalled chan string // gets the action of a large request whose body a container does not read yet, if somebody waits for it

	mu      sync.Mutex
	running map[string]*container // by the ID of the task
	runs    map[string]string     // the container that each activation arrived at first
	found   faults
}

// faults is what must not happen, in words.
type faults struct{ mixUps, doubled, overlapping []string }

// container is the process of a task, as the witness sees it.
type container struct {
	id, address string
	action      string // that it was initialised for
	active      string // the activation that it runs
	last        string // the one that arrived last
}

func newWitness() *witness {
	return &witness{stalled: make(chan string), running: map[string]*container{}, runs: map[string]string{}}
}

const (
	// large is the size from which on a container lets the body of a request wait for a while, as long as stallTime.
	large     = 1 << 20
	stallTime = 300 * time.Millisecond
)

// serve is the program in each container: a runtime whose requests are seen.
func (w *witness) serve(ctx context.Context, p *mesosfake.Process) int {
	c := &container{id: p.TaskID, address: fmt.Sprintf("%s:%d", p.Host, p.Ports[0])}
	w.begin(c)
	defer w.end(c)
	runtime := actionruntime.New(actionruntime.Config{
		Stdout: p.Stdout, Stderr: p.Stderr, Functions: map[string]actionruntime.Function{"work": work},
		Seen: func(r actionruntime.Request) { w.saw(c, r) },
	})
	defer context.AfterFunc(ctx, runtime.Kill)()
	return p.Serve(ctx, 8080, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.ContentLength > large {
			w.stall(c)
		}
		if r.URL.Path == "/run" {
			defer w.ran(c)
		}
		runtime.ServeHTTP(rw, r)
	}))
}

// params are those of an activation.
type params struct {
	Millis int    `json:"millis"` // how long it runs
	Pad    string `json:"pad,omitempty"`
}

// work is the action: it takes its time, and returns which activation it is.
func work(ctx context.Context, c *actionruntime.Call) (any, error) {
	var p params
	if err := json.Unmarshal(c.Params, &p); err != nil {
		return nil, err
	}
	select {
	case <-time.After(time.Duration(p.Millis) * time.Millisecond):
	case <-ctx.Done():
	}
	fmt.Fprintln(c.Stdout, c.Env["__OW_ACTIVATION_ID"])
	return map[string]string{"id": c.Env["__OW_ACTIVATION_ID"]}, nil
}

func (w *witness) begin(c *container) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running[c.id] = c
}

func (w *witness) end(c *container) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.running, c.id)
}

func (w *witness) stall(c *container) {
	w.mu.Lock()
	action := c.action
	w.mu.Unlock()
	select {
	case w.stalled <- action:
	default:
	}
	time.Sleep(stallTime)
}

// saw judges a request that has arrived.
func (w *witness) saw(c *container, r actionruntime.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case r.Path == "/init" && c.action != "":
		w.found.mixUps = append(w.found.mixUps, fmt.Sprintf("%s of %s is initialised for %s", c.id, c.action, r.Action))
	case r.Path == "/init":
		c.action = r.Action
	case r.Path == "/run":
		if r.Action != c.action {
			w.found.mixUps = append(w.found.mixUps, fmt.Sprintf("%s of %s gets %s of %s", c.id, c.action, r.ActivationID, r.Action))
		}
		if c.active != "" {
			w.found.overlapping = append(w.found.overlapping, fmt.Sprintf("%s runs %s and gets %s", c.id, c.active, r.ActivationID))
		}
		if before, ran := w.runs[r.ActivationID]; ran {
			w.found.doubled = append(w.found.doubled, fmt.Sprintf("%s runs at %s and %s", r.ActivationID, before, c.id))
		}
		w.runs[r.ActivationID] = c.id
		c.active, c.last = r.ActivationID, r.ActivationID
	}
}

func (w *witness) ran(c *container) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.active = ""
}

// faults returns what was found, and how many activations have run.
func (w *witness) faults() (faults, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.found
	return faults{slices.Clone(f.mixUps), slices.Clone(f.doubled), slices.Clone(f.overlapping)}, len(w.runs)
}

// ids returns what runs.
func (w *witness) ids() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.running))
}

// arrived reports whether an activation has reached a container.
func (w *witness) arrived(activation string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.runs[activation] != ""
}

// of returns the containers of the actions whose names begin so, and the last activation of each.
func (w *witness) of(prefix string) map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]string{}
	for id, c := range w.running {
		if strings.HasPrefix(c.action, prefix) {
			all[id] = c.last
		}
	}
	return all
}

// address returns where a container of an action listens.
func (w *witness) address(action string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.running {
		if c.action == action {
			return c.address
		}
	}
	return ""
}
