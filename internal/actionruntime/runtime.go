package actionruntime

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
)

// Sentinel is the line that marks the end of an activation.
const Sentinel = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"

// Config configures a [Runtime]. The zero value is ready to use.
type Config struct {
	// Stdout and Stderr receive what the action prints, each of them from one goroutine at a time. Default: it is dropped.
	Stdout, Stderr io.Writer
	// Functions are actions by their name, which is given as code.
	Functions map[string]Function
	// NoSentinels is for a runtime that does not mark the end of activations.
	NoSentinels bool
	// Concurrent permits that activations overlap. Otherwise one that does is refused with status 500.
	Concurrent bool
	// Seen is called with each POST that arrives, before anything is done about it, from several goroutines.
	Seen func(Request)
}

// Function is an action. Its result is encoded as JSON; an error becomes {"error":…}. The context ends with the process.
type Function func(ctx context.Context, c *Call) (any, error)

// Call is an activation, for a [Function].
type Call struct {
	Params         json.RawMessage
	Env            map[string]string // __OW_… and what /init brought
	Stdout, Stderr io.Writer
}

// Request is what has arrived.
type Request struct {
	Path                            string
	Namespace, Action, ActivationID string
	Params                          json.RawMessage // of /run
}

// Runtime is the process in a container. It is an http.Handler; as such it breaks the connection with the panic
// http.ErrAbortHandler, which servers know, once the process has ended.
type Runtime struct {
	config         Config
	stdout, stderr *lockedWriter
	life           context.Context // of the process
	kill           context.CancelFunc
	work           sync.WaitGroup // what goes on in the process

	mu          sync.Mutex
	code        int // once the process has ended
	initialised bool
	action      *action           // nil if there is none, and after die
	env         map[string]string // that /init brought
	runs        int               // that came so far
	active      int               // that are under way
}

// New returns a process that has just started.
func New(config Config) *Runtime {
	r := &Runtime{config: config, stdout: &lockedWriter{w: config.Stdout}, stderr: &lockedWriter{w: config.Stderr}}
	r.life, r.kill = context.WithCancel(context.Background())
	return r
}

// Serve serves on a listener, until the process ends or ctx does, which kills it. It returns the exit code when nothing of it is left.
func (r *Runtime) Serve(ctx context.Context, l net.Listener) int {
	defer context.AfterFunc(ctx, r.Kill)()
	server := &http.Server{Handler: r, ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	<-r.life.Done()
	_ = server.Close()
	serving.Wait()
	return r.Wait()
}

// Kill ends the process as SIGKILL does, with code 137.
func (r *Runtime) Kill() { r.exit(137) }

// Wait returns the exit code when the process has ended and nothing of it is left.
func (r *Runtime) Wait() int {
	<-r.life.Done()
	r.work.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.code
}

func (r *Runtime) exit(code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.life.Err() == nil {
		r.code = code
		r.kill()
	}
}

// begin reports whether the process lives. If so it is waited for until work.Done.
func (r *Runtime) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.life.Err() != nil {
		return false
	}
	r.work.Add(1)
	return true
}

// lockedWriter writes for one at a time.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer // nil: nowhere
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	if l.w == nil {
		return len(p), nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
