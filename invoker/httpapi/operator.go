package httpapi

import (
	"net/http"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// operator returns the routes for who runs the invoker.
func (a *api) operator() []controlapi.Route {
	const (
		cells  = prefix + "stemcells"
		agents = prefix + "agents"
		named  = agents + "/{id}"
	)
	return []controlapi.Route{
		{Method: http.MethodGet, Path: cells, Handle: answer(a.stemCells), Summary: "Returns which stem cells are to be kept.", Answer: stemCellList{}},
		{
			Method: http.MethodPut, Path: cells, Kind: controlapi.Waits, Handle: answer(a.setStemCells), Body: stemCellList{}, Answer: stemCellList{},
			Summary: "Replaces the stem cells that are to be kept, also for later leaders.",
		},
		{
			Method: http.MethodDelete, Path: cells, Status: http.StatusNoContent, Kind: controlapi.Waits, Handle: answer(a.resetStemCells),
			Summary: "Goes back to the stem cells of the configuration.",
		},
		{Method: http.MethodGet, Path: agents, Handle: answer(a.agents), Summary: "Lists the agents that are known.", Answer: agentList{}},
		{
			Method: http.MethodPost, Path: named + "/drain", Status: http.StatusNoContent, Kind: controlapi.Waits, Handle: answer(a.drain),
			Summary: "Starts nothing new on an agent, removes what is idle there, and what is in use when it is not any more. Holds for later leaders.",
		},
		{
			Method: http.MethodPost, Path: named + "/undrain", Status: http.StatusNoContent, Kind: controlapi.Waits, Handle: answer(a.undrain),
			Summary: "Has an agent be used again that was drained.",
		},
	}
}

// stemCells is [invoker.StemCells].
type stemCells struct {
	Kind      string  `json:"kind"`
	Image     string  `json:"image,omitzero"`
	MemoryMB  int     `json:"memoryMB,omitzero"`
	Initial   int     `json:"initial"`
	Min       int     `json:"min,omitzero"`
	Max       int     `json:"max,omitzero"`
	TTL       float64 `json:"ttl,omitzero"`
	Threshold int     `json:"threshold,omitzero"`
	Increment int     `json:"increment,omitzero"`
}

type stemCellList struct {
	Stems []stemCells `json:"stems"`
}

func (a *api) stemCells(r *controlapi.Request) (any, error) {
	now, err := a.invoker.Snapshot(r.Context())
	if err != nil {
		return nil, err
	}
	list := stemCellList{[]stemCells{}}
	for _, s := range now.StemCells {
		list.Stems = append(list.Stems, stemCells{s.Kind, s.Image, s.Memory, s.Initial, s.Min, s.Max, s.TTL.Seconds(), s.Threshold, s.Increment})
	}
	return list, nil
}

func (a *api) setStemCells(r *controlapi.Request) (any, error) {
	var body struct {
		Stems *[]stemCells `json:"stems"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	if body.Stems == nil { // it is not taken for none
		return nil, &invoker.ConfigError{Field: "stems", Value: "", Reason: "is required"}
	}
	var all []invoker.StemCells
	for _, s := range *body.Stems {
		all = append(all, invoker.StemCells{
			Kind: s.Kind, Image: s.Image, Memory: s.MemoryMB, Initial: s.Initial, Min: s.Min, Max: s.Max, TTL: duration(s.TTL),
			Threshold: s.Threshold, Increment: s.Increment,
		})
	}
	if err := a.invoker.SetStemCells(r.Context(), all); err != nil {
		return nil, renamed(
			err, "Pool.Memory", "the memory of the pool", "Stems", "stems", "Kind", "kind", "Image", "image", "Memory", "memoryMB",
			"Initial", "initial", "Min", "min", "Max", "max", "TTL", "ttl", "Threshold", "threshold", "Increment", "increment",
		)
	}
	return a.stemCells(r)
}

func (a *api) resetStemCells(r *controlapi.Request) (any, error) {
	return nil, a.invoker.ResetStemCells(r.Context())
}

// agent is [invoker.AgentInfo].
type agent struct {
	ID          string `json:"id"`
	UsedMB      int    `json:"usedMB"`
	MemoryMB    int    `json:"memoryMB,omitzero"`
	Containers  int    `json:"containers"`
	Draining    bool   `json:"draining,omitzero"`
	Drained     bool   `json:"drained,omitzero"`
	Unreachable bool   `json:"unreachable,omitzero"`
}

type agentList struct {
	Agents []agent `json:"agents"`
}

func (a *api) agents(r *controlapi.Request) (any, error) {
	now, err := a.invoker.Snapshot(r.Context())
	if err != nil {
		return nil, err
	}
	list := agentList{[]agent{}}
	for _, i := range now.Agents {
		list.Agents = append(list.Agents, agent{i.ID, i.Used, i.Memory, i.Containers, i.Draining, i.Drained, i.Unreachable})
	}
	return list, nil
}

func (a *api) drain(r *controlapi.Request) (any, error) {
	return nil, renamed(a.invoker.Drain(r.Context(), r.ID), "Agent", "id")
}

func (a *api) undrain(r *controlapi.Request) (any, error) {
	return nil, renamed(a.invoker.Undrain(r.Context(), r.ID), "Agent", "id")
}
