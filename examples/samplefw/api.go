package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// report is what a member answers when it is asked: what it knows of the election, and what the leader knows of the tasks.
type report struct {
	ha.Status
	Tasks  map[string]int `json:"tasks,omitempty"`  // by state, as the leader counts them
	Untold string         `json:"untold,omitempty"` // why the tasks are not known
}

// api answers over HTTP: /status with a report, /tasks, if this member leads, with the tasks alone.
type api struct {
	elector   ha.Elector
	scheduler *scheduler.Scheduler
}

const apiTimeout = 2 * time.Second

// serveAPI serves until ctx ends.
func serveAPI(ctx context.Context, l net.Listener, a *api) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", a.status)
	mux.HandleFunc("GET /tasks", a.tasks)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: apiTimeout, BaseContext: func(net.Listener) context.Context { return ctx }}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	_ = server.Serve(l) // its error is that it was closed
}

func (a *api) status(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	s := a.elector.Status()
	answer := report{Status: s}
	leader := ""
	for _, m := range s.Members {
		if m.ID == s.Leader {
			leader = m.API
		}
	}
	var err error
	switch {
	case s.Leads():
		answer.Tasks, err = a.count(ctx)
	case leader == "":
		err = errors.New("no leader to ask")
	default:
		err = get(ctx, leader, "/tasks", &answer.Tasks)
	}
	if err != nil {
		answer.Untold = err.Error()
	}
	writeJSON(w, answer)
}

func (a *api) tasks(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	s := a.elector.Status()
	err := fmt.Errorf("%s does not lead, but %s", s.Self, cmp.Or(s.Leader, "nobody"))
	var counts map[string]int
	if s.Leads() {
		counts, err = a.count(ctx)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	writeJSON(w, counts)
}

// count returns how many tasks are in which state.
func (a *api) count(ctx context.Context) (map[string]int, error) {
	tasks, err := a.scheduler.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, t := range tasks {
		counts[t.State.String()]++
	}
	return counts, nil
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // an error is the client's, which has left
}

// get asks the API at an address, "host:port", and decodes its answer into v.
func get(ctx context.Context, address, path string, v any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		var text [200]byte
		n, _ := response.Body.Read(text[:])
		return fmt.Errorf("%s answers %s: %.*s", address, response.Status, n, text[:n])
	}
	return json.NewDecoder(response.Body).Decode(v)
}
