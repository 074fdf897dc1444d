package controlapi

import (
	"bytes"
	"context"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// overviewPause is the shortest time between two overviews. Large ones come so seldom that they take overviewRate bytes a
// second for each who watches, since all agents are in them.
const (
	overviewPause = time.Second
	overviewRate  = 64 << 10
)

// makeOverviews publishes an overview when it has changed, while somebody watches.
func (h *hub) makeOverviews(ctx context.Context) {
	var last []byte
	pause := time.NewTimer(overviewPause)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wanted:
		case <-pause.C:
		}
		if h.isWatched() {
			h.protect("overview", func() { last = h.publishOverview(ctx, last) })
		}
		pause.Reset(max(overviewPause, time.Duration(len(last))*time.Second/overviewRate))
	}
}

// publishOverview publishes the present overview if it differs from the last one, and returns it.
func (h *hub) publishOverview(ctx context.Context, last []byte) []byte {
	o := h.server.overview(ctx)
	if o.Connection != nil {
		o.Agents, _ = h.server.config.Framework.Agents(ctx)
	}
	now := mustEncode(o)
	if !bytes.Equal(now, last) {
		h.publish(&h.overview, now)
	}
	return now
}

func (h *hub) isWatched() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.watching > 0
}

// watch counts one who watches until the function that it returns is called.
func (h *hub) watch() (leave func()) {
	release := h.use()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watching++; h.watching == 1 {
		select {
		case h.wanted <- struct{}{}:
		default:
		}
	}
	return func() {
		h.mu.Lock()
		h.watching--
		h.mu.Unlock()
		release()
	}
}

// overview returns what this member knows of the election and, if it leads, of the framework.
func (s *Server) overview(ctx context.Context) Overview {
	return s.completed(s.ownOverview(ctx))
}

// completed returns an overview with what this member knows by itself, or with the reason why there is none.
func (s *Server) completed(o Overview, err error) Overview {
	if err != nil {
		o = Overview{Error: printable.Line(err.Error()), Code: asError(err).Code}
	}
	o.Framework, o.Extensions, o.NoTasks = s.config.Name, s.extensions, s.config.tasks() == nil
	if s.config.Elector != nil {
		election := s.config.Elector.Status()
		o.Election = &election
	}
	return o
}

// ownOverview returns what the framework in this process knows.
func (s *Server) ownOverview(ctx context.Context) (Overview, error) {
	if s.config.tasks() == nil {
		return Overview{}, nil
	}
	status, err := s.config.Framework.Status(ctx)
	if err != nil {
		return Overview{}, err
	}
	offers, err := s.config.Framework.Offers(ctx)
	if err != nil {
		return Overview{}, err
	}
	o := Overview{Connection: &status, Offers: len(offers)}
	counted, err := s.hub.read(ctx, func(t *table, _ uint64) { o.Tasks = countsByName(t.counts) })
	if counted || err != nil {
		return o, err
	}
	t, err := s.ask(ctx)
	o.Tasks = countsByName(t.counts)
	return o, err
}
