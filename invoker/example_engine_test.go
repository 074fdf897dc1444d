package invoker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// shelf is the smallest engine: its containers are servers of this process. An engine for a real platform passes the tests of
// package enginetest.
type shelf struct {
	mu         sync.Mutex
	containers map[string]*box
	ended      chan invoker.Change
}

// box is a container on a shelf.
type box struct {
	instance invoker.Instance
	server   *http.Server
	output   map[invoker.Stream]*strings.Builder
}

func newShelf() *shelf {
	return &shelf{containers: map[string]*box{}, ended: make(chan invoker.Change, 16)}
}

// Create starts a server.
func (s *shelf) Create(_ context.Context, id string, spec invoker.Spec) (invoker.Instance, error) {
	if spec.Image == "jane/misspelt" {
		return invoker.Instance{}, fmt.Errorf("%w: there is no %s", invoker.ErrImage, spec.Image)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return invoker.Instance{}, fmt.Errorf("%w: %w", invoker.ErrStart, err)
	}
	b := &box{output: map[invoker.Stream]*strings.Builder{invoker.Stdout: {}, invoker.Stderr: {}}}
	b.server = &http.Server{Handler: http.HandlerFunc(s.serve(b)), ReadHeaderTimeout: time.Second}
	b.instance = invoker.Instance{
		ID: id, Incarnation: id, Agent: "this machine", Address: listener.Addr().String(), Labels: spec.Labels, Started: time.Now(),
	}
	s.mu.Lock()
	s.containers[id] = b
	s.mu.Unlock()
	go func() { _ = b.server.Serve(listener) }()
	return b.instance, nil
}

// serve returns a runtime that greets: what follows is all that the protocol of actions asks of one.
func (s *shelf) serve(b *box) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/init":
			fmt.Fprint(w, `{"ok":true}`)
		case "/run":
			var in struct{ Value struct{ Name string } }
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			fmt.Fprintf(w, `{"greeting":"Hello, %s!"}`, in.Value.Name)
			const sentinel = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n"
			s.mu.Lock()
			fmt.Fprintf(b.output[invoker.Stdout], "greeted %s\n%s", in.Value.Name, sentinel)
			fmt.Fprint(b.output[invoker.Stderr], sentinel)
			s.mu.Unlock()
		}
	}
}

// Destroy stops a server.
func (s *shelf) Destroy(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.containers[id]; b != nil {
		delete(s.containers, id)
		return b.server.Close()
	}
	return nil
}

// Instances returns all containers.
func (s *shelf) Instances(context.Context) ([]invoker.Instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []invoker.Instance
	for _, b := range s.containers {
		all = append(all, b.instance)
	}
	return all, nil
}

// Watch yields the containers that end by themselves.
func (s *shelf) Watch(ctx context.Context) iter.Seq[invoker.Change] {
	return func(yield func(invoker.Change) bool) {
		for {
			select {
			case change := <-s.ended:
				if !yield(change) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// crash ends a container by itself.
func (s *shelf) crash(id string) {
	_ = s.Destroy(context.Background(), id)
	var gone invoker.ChangeState = invoker.Gone
	s.ended <- invoker.Change{ID: id, State: gone, Reason: "it was pulled off the shelf", Err: invoker.ErrMemory}
}

// ReadOutput makes the logs of activations available.
func (s *shelf) ReadOutput(_ context.Context, in invoker.Instance, stream invoker.Stream, offset int64, buf []byte) (int, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.containers[in.ID]
	if b == nil {
		return 0, 0, &invoker.OutputGoneError{From: offset}
	}
	n, err := strings.NewReader(b.output[stream].String()).ReadAt(buf, offset)
	if err == io.EOF {
		err = nil
	}
	return n, int64(b.output[stream].Len()), err
}

// OutputLink says where a person finds the output.
func (s *shelf) OutputLink(in invoker.Instance) string { return "http://shelf.example/" + in.ID }

// Agents says how much there is room for.
func (s *shelf) Agents(context.Context) ([]invoker.Agent, error) {
	return []invoker.Agent{{ID: "this machine", Memory: 1024}}, nil
}

// Suspend and Resume have nothing to do: a server without requests takes no time.
func (s *shelf) Suspend(context.Context, string) error { return nil }

func (s *shelf) Resume(context.Context, string) error { return nil }

// What an engine has to do, and what it may do.
func ExampleEngine() {
	var engine invoker.Engine = newShelf()
	_, suspends := engine.(invoker.Suspender)
	_, reads := engine.(invoker.OutputReader)
	_, links := engine.(invoker.OutputLinker)
	_, lists := engine.(invoker.AgentLister)
	fmt.Println(suspends, reads, links, lists)

	spec := invoker.Spec{Shape: invoker.Shape{Kind: "greeter", Memory: 128}}
	instance, err := engine.Create(context.Background(), "a", spec)
	fmt.Println(instance.ID, err)
	fmt.Println(engine.Destroy(context.Background(), "a"), engine.Destroy(context.Background(), "a"))
	// Output:
	// true true true true
	// a <nil>
	// <nil> <nil>
}
