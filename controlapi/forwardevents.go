package controlapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
)

// leaderSilence is after which time without a word the leader's stream counts as broken: it says something at least every
// keepAlive.
const leaderSilence = 3 * keepAlive

// passEvents passes the leader's events on, with those about the election that this member has of its own. When the stream
// breaks, or another member leads, it goes on there after the last version that was passed on. It returns errRunEnded when this
// member leads, and otherwise an error when ctx ends or the reader goes.
func (s *Server) passEvents(ctx context.Context, r *http.Request, to *eventStream) error {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		status := s.leader.elector.Status()
		switch {
		case status.Leads():
			return errRunEnded
		case r.Header.Get(forwardedHeader) != "":
			return errors.New("controlapi: this member does not lead")
		}
		version := to.version
		if err := s.passOne(ctx, r, to, status); err != nil {
			return err
		}
		if to.version != version {
			pause = minPause
		}
		s.leader.awaitChange(ctx, status, pause)
		if err := errors.Join(context.Cause(ctx), s.tellElection(to), to.comment()); err != nil {
			return err
		}
	}
}

// passOne passes on one stream of the leader. It returns nil when that has ended, or could not be begun.
func (s *Server) passOne(ctx context.Context, r *http.Request, to *eventStream, status ha.Status) error {
	base, err := s.leader.leaderURL(status)
	if err != nil {
		return nil
	}
	ctx, cancel := s.leader.whileLeading(ctx, ctx, status)
	defer cancel()
	silence := time.AfterFunc(leaderSilence, cancel)
	defer silence.Stop()
	request, err := s.leader.request(ctx, http.MethodGet, base+"/v1/events?"+to.resume().Encode(), nil, r)
	if err != nil {
		return err
	}
	response, err := s.leader.peers.transport.RoundTrip(request)
	if err != nil {
		return nil
	}
	frames := make(chan frame)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer response.Body.Close() // ends the reading
	defer cancel()
	if response.StatusCode != http.StatusOK {
		return nil
	}
	reading.Go(func() {
		defer close(frames)
		for from := newFrameReader(response.Body); ; {
			f, err := from.next()
			if err != nil {
				return
			}
			select {
			case frames <- f:
			case <-ctx.Done():
				return
			}
		}
	})
	return s.passFrames(frames, silence, to)
}

// passFrames passes events on until there are no more. Its error is that of the reader.
func (s *Server) passFrames(frames <-chan frame, silence *time.Timer, to *eventStream) error {
	alive := time.NewTimer(keepAlive)
	defer alive.Stop()
	for {
		if err := errors.Join(s.tellElection(to), to.flush()); err != nil {
			return err
		}
		select {
		case f, more := <-frames:
			for n := 0; more && n < streamPart; n++ {
				silence.Reset(leaderSilence)
				if err := s.passFrame(f, to); err != nil {
					return err
				}
				select {
				case f, more = <-frames:
					continue
				default:
				}
				break
			}
			if !more {
				return to.flush()
			}
			alive.Reset(keepAlive)
		case <-s.hub.news():
		case <-alive.C:
			alive.Reset(keepAlive)
			if err := to.comment(); err != nil {
				return err
			}
		}
	}
}

// passFrame passes one event on.
func (s *Server) passFrame(f frame, to *eventStream) error {
	switch f.name {
	case "":
		if f.id > 0 {
			return to.mark(f.id)
		}
		return nil
	case "election": // as the leader sees it
		return nil
	case "overview":
		f.data = s.withOwnElection(f.data)
	case "snapshot":
		if f.id > 0 {
			to.version = 0 // it may have been of a clock that was ahead
		}
	}
	return to.send(f.name, f.id, f.data)
}

// withOwnElection returns the leader's overview with the status of the election as this member sees it.
func (s *Server) withOwnElection(data []byte) []byte {
	var o map[string]json.RawMessage
	if err := json.Unmarshal(data, &o); err != nil {
		return data
	}
	o["election"] = mustEncode(s.leader.elector.Status())
	return mustEncode(o)
}

// tellElection sends the status of the election if it is another one than the reader was sent.
func (s *Server) tellElection(to *eventStream) error {
	h := s.hub
	h.mu.RLock()
	number, data := h.election.number, h.election.data
	h.mu.RUnlock()
	if to.election == number {
		return nil
	}
	to.election = number
	return to.send("election", 0, data)
}

// news returns a channel that is closed when something changes.
func (h *hub) news() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.change()
}

// resume returns the parameters with which a stream goes on.
func (e *eventStream) resume() url.Values {
	query := url.Values{"view": {"full"}}
	if e.summary {
		query.Set("view", "summary")
	}
	switch {
	case e.version > 0:
		query.Set("since", strconv.FormatUint(e.version, 10))
	case e.fromNow:
		query.Set("since", sinceNow)
	}
	return query
}
