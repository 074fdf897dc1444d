package httpapi

import (
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// containers returns the routes of [invoker.Factory], for programs that have a pool of their own, and those that show all containers.
func (a *api) containers() []controlapi.Route {
	const (
		path  = prefix + "containers"
		named = path + "/{id}"
	)
	whose := map[string]string{"session": "The session whose container it is. Required."}
	return []controlapi.Route{
		{
			Method: http.MethodPost, Path: path, Status: http.StatusCreated, Kind: controlapi.Waits, Handle: answer(a.create),
			Summary: "Starts a container for a session, which sends /init and /run to it by itself. With the same Idempotency-Key it is the same container.",
			Body:    containerRequest{}, Answer: container{},
		},
		{
			Method: http.MethodGet, Path: path, Handle: answer(a.list), Summary: "Lists the containers of the pool.", Answer: containerList{},
			Query: map[string]string{"session": "Only those that were started for this session."},
		},
		{Method: http.MethodGet, Path: named, Handle: answer(a.get), Summary: "Returns a container.", Answer: container{}},
		{
			Method: http.MethodDelete, Path: named, Status: http.StatusNoContent, Handle: answer(a.destroy), Query: whose,
			Summary: "Removes a container of a session. One that is gone is no error.",
		},
		{
			Method: http.MethodPost, Path: named + "/suspend", Status: http.StatusNoContent, Kind: controlapi.Waits, Query: whose,
			Handle: answer(a.suspend), Summary: "Freezes a container of a session. 501 if the engine cannot.",
		},
		{
			Method: http.MethodPost, Path: named + "/resume", Status: http.StatusNoContent, Kind: controlapi.Waits, Query: whose,
			Handle: answer(a.resume), Summary: "Has a container go on that was suspended.",
		},
		{
			Method: http.MethodGet, Path: named + "/logs", Kind: controlapi.Streams, Handle: answer(a.logs),
			Summary: "Reads the output of a container of a session, as lines of JSON. The last line says where to go on.", Answer: logEntry{},
			Query: map[string]string{
				"session": whose["session"], "cursor": "Where to begin: the cursor of the answer before. Default: at the beginning.",
				"limit":             "How many bytes of lines are wanted. Default 10 MiB.",
				"wait_for_sentinel": "Reads to the end of an activation: until both streams have the line that marks it, 2 s without output, or 30 s. Default false.",
			},
		},
		{Method: http.MethodGet, Path: prefix + "stats", Handle: answer(a.stats), Summary: "Returns what the pool holds, and what it has done.", Answer: stats{}},
		{
			Method: http.MethodGet, Path: prefix + "events", Kind: controlapi.Streams, Handle: answer(a.events),
			Summary: "Server-sent events: first a snapshot of all containers, then what happens to them. After a gap there is a snapshot again.", Answer: event{},
		},
	}
}

// containerRequest asks for a container. CPUShares is accepted, since OpenWhisk's invoker has it: CPUs follow from the memory.
type containerRequest struct {
	Session      string `json:"session"`
	Name         string `json:"name,omitzero"`
	Kind         string `json:"kind,omitzero"`
	Image        string `json:"image,omitzero"`
	UserProvided bool   `json:"userProvided,omitzero"`
	MemoryMB     int    `json:"memoryMB,omitzero"`
	CPUShares    int    `json:"cpuShares,omitzero"`
}

// container is what is known of a container. Action is the name of one that was started for a session.
type container struct {
	ID           string        `json:"id"`
	State        invoker.State `json:"state"`
	Host         string        `json:"host,omitzero"`
	Port         int           `json:"port,omitzero"`
	Agent        string        `json:"agent,omitzero"`
	Kind         string        `json:"kind"`
	Image        string        `json:"image,omitzero"`
	UserProvided bool          `json:"userProvided,omitzero"`
	MemoryMB     int           `json:"memoryMB"`
	Namespace    string        `json:"namespace,omitzero"`
	Action       string        `json:"action,omitzero"`
	Initialised  bool          `json:"initialised,omitzero"`
	Active       int           `json:"active,omitzero"`
	Unreachable  bool          `json:"unreachable,omitzero"`
	Created      time.Time     `json:"created,omitzero"`
	Used         time.Time     `json:"used,omitzero"`
}

type containerList struct {
	Containers []container `json:"containers"`
}

func containerOf(i invoker.Info) container {
	host, port, _ := net.SplitHostPort(i.Address)
	c := container{
		ID: i.ID, State: i.State, Host: host, Agent: i.Agent, Kind: i.Shape.Kind, Image: i.Shape.Image, UserProvided: i.Shape.Tenant != "",
		MemoryMB: i.Shape.Memory, Namespace: i.Key.Namespace, Action: i.Key.Action, Initialised: i.Initialised, Active: i.Active,
		Unreachable: i.Unreachable, Created: i.Created, Used: i.Used,
	}
	c.Port, _ = strconv.Atoi(port)
	return c
}

func containersOf(infos []invoker.Info) []container {
	all := []container{}
	for _, i := range infos {
		all = append(all, containerOf(i))
	}
	return all
}

func (a *api) create(r *controlapi.Request) (any, error) {
	var body containerRequest
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	info, err := a.factory.Create(r.Context(), invoker.ContainerRequest{
		Session: body.Session, Request: r.Header.Get("Idempotency-Key"), Name: body.Name, Kind: body.Kind, Image: body.Image,
		UserImage: body.UserProvided, Memory: body.MemoryMB,
	})
	if err != nil {
		return nil, renamed(
			err, "ContainerRequest.Request", "Idempotency-Key", "Action.Name", "name", "Action.Kind", "kind", "Action.Image", "image",
			"Action.Memory", "memoryMB",
		)
	}
	return containerOf(info), nil
}

func (a *api) list(r *controlapi.Request) (any, error) {
	if session := r.Query.Get("session"); session != "" {
		infos, err := a.factory.Containers(r.Context(), session)
		if err != nil {
			return nil, err
		}
		return containerList{containersOf(infos)}, nil
	}
	now, err := a.invoker.Snapshot(r.Context())
	if err != nil {
		return nil, err
	}
	return containerList{containersOf(now.Containers)}, nil
}

func (a *api) get(r *controlapi.Request) (any, error) {
	now, err := a.invoker.Snapshot(r.Context())
	if err != nil {
		return nil, err
	}
	for _, i := range now.Containers {
		if i.ID == r.ID {
			return containerOf(i), nil
		}
	}
	return nil, invoker.ErrContainer
}

func (a *api) destroy(r *controlapi.Request) (any, error) {
	return nil, a.factory.Destroy(r.Context(), r.Query.Get("session"), r.ID)
}

func (a *api) suspend(r *controlapi.Request) (any, error) {
	return nil, a.factory.Suspend(r.Context(), r.Query.Get("session"), r.ID)
}

func (a *api) resume(r *controlapi.Request) (any, error) {
	return nil, a.factory.Resume(r.Context(), r.Query.Get("session"), r.ID)
}
