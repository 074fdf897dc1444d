package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// heartbeat is how often a stream of events shows that it goes on, and is ended if this process does not lead any more.
const heartbeat = 10 * time.Second

// stats is [invoker.Stats].
type stats struct {
	UsedMB     int                   `json:"usedMB"`
	LimitMB    int                   `json:"limitMB"` // 0: what the engine has
	Waiting    int                   `json:"waiting"`
	Oldest     time.Time             `json:"oldest,omitzero"`
	Containers map[invoker.State]int `json:"containers"`
	Starts     map[string]uint64     `json:"starts"`
	Stems      []stems               `json:"stems"`
	Waits      []waits               `json:"waits"` // the first 100
}

// waits says who waits for containers of an action, and why.
type waits struct {
	Namespace string    `json:"namespace"`
	Action    string    `json:"action"`
	Kind      string    `json:"kind"`
	Image     string    `json:"image,omitzero"`
	MemoryMB  int       `json:"memoryMB"`
	Callers   int       `json:"callers"`
	Since     time.Time `json:"since"`
	Reason    string    `json:"reason"`
}

type stems struct {
	Kind     string `json:"kind"`
	Image    string `json:"image,omitzero"`
	MemoryMB int    `json:"memoryMB"`
	Want     int    `json:"want"`
	Have     int    `json:"have"`
	Starting int    `json:"starting"`
}

// snapshot is the data of an event of this name, and of the kind that comes first.
type snapshot struct {
	Epoch      uint64      `json:"epoch"`
	Seq        uint64      `json:"seq"`
	Containers []container `json:"containers"`
	Stats      stats       `json:"stats"`
}

// event is the data of all other events.
type event struct {
	Epoch     uint64            `json:"epoch"`
	Seq       uint64            `json:"seq"`
	Time      time.Time         `json:"time"`
	Kind      invoker.EventKind `json:"kind"`
	Container container         `json:"container"`
	Reason    string            `json:"reason,omitzero"`
}

func statsOf(s invoker.Stats) stats {
	w := stats{
		UsedMB: s.Used, LimitMB: s.Limit, Waiting: s.Waiting, Oldest: s.Oldest, Containers: s.Containers, Starts: map[string]uint64{}, Stems: []stems{}, Waits: []waits{},
	}
	for kind, n := range s.Starts {
		w.Starts[kind.String()] = n
	}
	for _, k := range s.Stems {
		w.Stems = append(w.Stems, stems{k.Kind, k.Image, k.Memory, k.Want, k.Have, k.Starting})
	}
	for _, k := range s.Waits {
		w.Waits = append(w.Waits, waits{k.Namespace, k.Action, k.Kind, k.Image, k.Memory, k.Callers, k.Since, k.Reason})
	}
	return w
}

func (a *api) stats(r *controlapi.Request) (any, error) {
	now, err := a.invoker.Snapshot(r.Context())
	if err != nil {
		return nil, err
	}
	return statsOf(now.Stats), nil
}

// events answers with what happens, until the client goes or this process does not lead any more.
func (a *api) events(r *controlapi.Request) (any, error) {
	ctx, cancel := context.WithCancel(r.Context())
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()
	happened := make(chan invoker.Event)
	all := a.invoker.Events(ctx) // before the snapshot, so that nothing is missing in between
	now, err := a.invoker.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	reading.Go(func() {
		defer close(happened)
		for e := range all {
			select {
			case happened <- e:
			case <-ctx.Done():
				return
			}
		}
	})
	s := &eventStream{now: a.invoker.Snapshot, to: r.Stream("text/event-stream")}
	if s.snapshot(now) != nil {
		return nil, nil
	}
	for beat := time.NewTicker(heartbeat); ; {
		select {
		case e, more := <-happened:
			if !more || s.take(ctx, e) != nil {
				return nil, nil
			}
		case <-beat.C:
			if _, err := a.invoker.Snapshot(ctx); err != nil {
				return nil, nil
			}
			if _, err := s.to.Write([]byte(": \n\n")); err != nil {
				return nil, nil
			}
		}
	}
}

// eventStream is what one client is told.
type eventStream struct {
	now        func(context.Context) (invoker.Snapshot, error)
	to         io.Writer
	epoch, seq uint64 // of the last event, or snapshot
}

// take sends an event, or a snapshot if some were missed before it.
func (s *eventStream) take(ctx context.Context, e invoker.Event) error {
	switch {
	case e.Epoch < s.epoch, e.Epoch == s.epoch && e.Seq <= s.seq:
		return nil // it is in the snapshot
	case e.Epoch == s.epoch && e.Seq == s.seq+1 && e.Kind != invoker.EventLagged:
		s.seq = e.Seq
		return s.send(string(e.Kind), event{e.Epoch, e.Seq, e.Time, e.Kind, containerOf(e.Container), e.Reason})
	}
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	return s.snapshot(now)
}

func (s *eventStream) snapshot(now invoker.Snapshot) error {
	s.epoch, s.seq = now.Epoch, now.Seq
	return s.send("snapshot", snapshot{now.Epoch, now.Seq, containersOf(now.Containers), statsOf(now.Stats)})
}

func (s *eventStream) send(name string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.to, "id: %d-%d\nevent: %s\ndata: %s\n\n", s.epoch, s.seq, name, text)
	return err
}
