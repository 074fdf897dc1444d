package page_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/controlapi/page"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// fake is a server of the API that says what a test wants, which a real one does not: fixed times, 10,000 tasks at once, hostile
// texts, failures. What it says has the types of the real one.
type fake struct {
	*httptest.Server

	mu       sync.Mutex // guards all below
	handler  http.Handler
	token    string // that requests need; "": none
	down     bool   // every request fails
	overview controlapi.Overview
	tasks    []controlapi.Summary
	details  map[string]any // by ID
	explain  map[string]any
	offers   []scheduler.OfferAtHand
	output   map[string]string // by ID and stream, "web-1 stdout"
	written  chan struct{}     // closed when output is added
	stats    map[string]any    // of the invoker
	boxes    []map[string]any  // its containers
	killed   func(id string) (status int, answer any)
	watchers map[chan string]bool
	since    []string // of the requests for events
}

func newFake(t testing.TB) *fake {
	f := &fake{handler: page.Handler(), details: map[string]any{}, explain: map[string]any{}, output: map[string]string{}, written: make(chan struct{}), watchers: map[chan string]bool{}}
	mux := http.NewServeMux()
	mux.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.handler.ServeHTTP(w, r) }))
	mux.HandleFunc("GET /v1/events", f.guarded(f.events))
	mux.HandleFunc("GET /v1/tasks/{id}", f.guarded(f.answer(f.details)))
	mux.HandleFunc("GET /v1/tasks/{id}/explain", f.guarded(f.answer(f.explain)))
	mux.HandleFunc("GET /v1/tasks/{id}/logs", f.guarded(f.logs))
	mux.HandleFunc("POST /v1/tasks/{id}/kill", f.guarded(f.kill))
	mux.HandleFunc("GET /v1/offers", f.guarded(f.one(func() any { return f.offers })))
	mux.HandleFunc("GET /v1/invoker/stats", f.guarded(f.one(func() any { return f.stats })))
	mux.HandleFunc("GET /v1/invoker/containers", f.guarded(f.one(func() any { return map[string]any{"containers": f.boxes} })))
	f.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		f.cut()
		f.CloseClientConnections()
		f.Close()
	})
	return f
}

func (f *fake) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		token, down := f.token, f.down
		f.mu.Unlock()
		switch {
		case down:
			refuse(w, http.StatusServiceUnavailable, "not_running", "the server stops")
		case token != "" && r.Header.Get("Authorization") != "Bearer "+token:
			refuse(w, http.StatusUnauthorized, "unauthorized", "a token is needed")
		default:
			next(w, r)
		}
	}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"code": code, "message": message}})
}

// one answers with what a function returns, which is called with the mutex.
func (f *fake) one(body func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		_ = json.NewEncoder(w).Encode(body())
	}
}

func (f *fake) answer(from map[string]any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		body, found := from[r.PathValue("id")]
		data, _ := json.Marshal(body)
		f.mu.Unlock()
		if !found {
			refuse(w, http.StatusNotFound, "unknown_task", "unknown task")
			return
		}
		_, _ = w.Write(data)
	}
}

// events sends the overview and all tasks, and what send sends after that.
func (f *fake) events(w http.ResponseWriter, r *http.Request) {
	const part = 500
	next := make(chan string, 10_000)
	f.mu.Lock()
	f.since = append(f.since, r.URL.Query().Get("since"))
	next <- event("overview", f.overview)
	for at := 0; at == 0 || at < len(f.tasks); at += part {
		end := min(at+part, len(f.tasks))
		next <- event("snapshot", controlapi.Snapshot[controlapi.Summary]{Tasks: f.tasks[at:end], First: at == 0, Last: end == len(f.tasks)})
	}
	f.watchers[next] = true
	f.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	for {
		select {
		case text, more := <-next:
			if !more {
				return
			}
			_, _ = w.Write([]byte(text))
			if len(next) == 0 {
				w.(http.Flusher).Flush()
			}
		case <-r.Context().Done():
			f.mu.Lock()
			delete(f.watchers, next)
			f.mu.Unlock()
			return
		}
	}
}

func event(name string, data any) string {
	text, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("event: %s\ndata: %s\n\n", name, text)
}

// send sends an event to all who watch.
func (f *fake) send(name string, data any) {
	text := event(name, data)
	f.mu.Lock()
	defer f.mu.Unlock()
	for next := range f.watchers {
		next <- text
	}
}

// cut ends the connections of all who watch.
func (f *fake) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for next := range f.watchers {
		close(next)
		delete(f.watchers, next)
	}
}

// set changes what the fake says.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// write adds to the output of a task.
func (f *fake) write(id, stream, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.output[id+" "+stream] += text
	close(f.written)
	f.written = make(chan struct{})
}

// logs sends the output of a task from an offset on, and with follow what is added until the request or the task ends.
func (f *fake) logs(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	offset, _ := strconv.Atoi(query.Get("offset"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	for first := true; ; first = false {
		f.mu.Lock()
		text, found := f.output[r.PathValue("id")+" "+query.Get("stream")]
		written, ended := f.written, f.hasEnded(r.PathValue("id"))
		f.mu.Unlock()
		if !found {
			refuse(w, http.StatusGone, "output_gone", "the agent has removed the output")
			return
		}
		if offset < 0 {
			offset = max(0, len(text)+offset)
		}
		end := len(text)
		if limit > 0 {
			end = min(end, offset+limit)
		}
		if first {
			w.Header().Set("Content-Type", "text/event-stream")
		}
		for ; offset < end; offset = min(end, offset+32<<10) {
			data := base64.StdEncoding.EncodeToString([]byte(text[offset:min(end, offset+32<<10)]))
			_, _ = w.Write([]byte(event("log", map[string]any{"offset": offset, "data": data})))
		}
		w.(http.Flusher).Flush()
		if query.Get("follow") != "true" || ended {
			return
		}
		select {
		case <-written:
		case <-r.Context().Done():
			return
		}
	}
}

// hasEnded reports whether a task has ended. The mutex must be held.
func (f *fake) hasEnded(id string) bool {
	return slices.ContainsFunc(f.tasks, func(s controlapi.Summary) bool { return s.ID == id && s.State.Terminal() })
}

func (f *fake) kill(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	killed := f.killed
	f.mu.Unlock()
	status, answer := killed(r.PathValue("id"))
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}
