package controlapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

const (
	keepAlive = 15 * time.Second // between lines of a stream, so that no proxy thinks that it is dead
	// streamPause is the shortest time between two parts of a stream: with a thousand changes a second and a hundred who
	// watch, waking each of them for each change would take all processors.
	streamPause = 50 * time.Millisecond
	streamPart  = 256 // events
	// The limits of one event of a snapshot. A task of any size is in one, and a reader that is slow has two of them in memory.
	snapshotTasks = 500
	snapshotBytes = 128 << 10 // of JSON
)

var (
	// errRunEnded is returned when the framework does not run in this process any more.
	errRunEnded = errors.New("controlapi: the run has ended")
	errLagged   = errors.New("controlapi: the reader is too slow")
)

// sinceNow is the parameter since of a reader that wants what happens from now on, and no snapshot. It is sent the present version
// first.
const sinceNow = "now"

// eventStream is an answer with server-sent events.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	summary bool
	// version is the highest one that the reader has seen. With fromNow, and none yet, the reader wants no snapshot.
	version uint64
	fromNow bool
	// overview and election are the numbers of the last ones that it was sent.
	overview, election int
}

// events handles GET /v1/events.
func (c *call) events() (any, error) {
	es := &eventStream{w: c.w, control: http.NewResponseController(c.w)}
	if err := es.parse(c); err != nil {
		return nil, err
	}
	header := c.w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("X-Accel-Buffering", "no") // for nginx
	if c.r.Method == http.MethodHead {
		return answered{}, nil
	}
	leave := c.hub.watch()
	defer leave()
	ctx := c.r.Context()
	if err := es.comment(); err != nil { // so that the head is sent
		return answered{}, nil
	}
	for ctx.Err() == nil {
		var err error
		if c.leads() {
			err = c.hub.stream(ctx, es)
		} else {
			err = c.passEvents(ctx, c.r, es)
		}
		if !errors.Is(err, errRunEnded) {
			break
		}
	}
	return answered{}, nil
}

// parse reads what the reader wants.
func (e *eventStream) parse(c *call) error {
	for name := range c.query {
		if name != "since" && name != "view" {
			return invalid(name, c.query.Get(name), "is not a parameter")
		}
	}
	switch view := c.query.Get("view"); view {
	case "full", "":
	case "summary":
		e.summary = true
	default:
		return invalid("view", view, "must be full or summary")
	}
	name, since := "since", c.query.Get("since")
	if last := c.r.Header.Get("Last-Event-ID"); last != "" { // of a browser that has connected again
		name, since = "Last-Event-ID", last
	}
	if since == "" {
		return nil
	}
	if e.fromNow = since == sinceNow; e.fromNow {
		return nil
	}
	var err error
	if e.version, err = strconv.ParseUint(since, 10, 64); err != nil {
		return invalid(name, since, "must be a version, a number, or now")
	}
	return nil
}

// send writes an event. With an id the reader has seen all up to that version.
func (e *eventStream) send(name string, id uint64, data []byte) error {
	line := make([]byte, 0, len(name)+len(data)+64)
	line = append(append(line, "event: "...), name...)
	if id > 0 {
		e.version = max(e.version, id)
		line = strconv.AppendUint(append(line, "\nid: "...), e.version, 10)
	}
	line = append(append(append(line, "\ndata: "...), data...), "\n\n"...)
	_, err := e.w.Write(line)
	return err
}

// mark tells the reader that it has seen all up to a version.
func (e *eventStream) mark(id uint64) error {
	e.version = max(e.version, id)
	_, err := e.w.Write(append(strconv.AppendUint([]byte("id: "), e.version, 10), "\n\n"...))
	return err
}

// flush sends what was written, if the reader takes it in time.
func (e *eventStream) flush() error {
	giveTime(e.w)
	return e.control.Flush()
}

// comment sends a line that readers ignore, which shows that the connection works.
func (e *eventStream) comment() error {
	giveTime(e.w)
	if _, err := e.w.Write([]byte(":\n\n")); err != nil {
		return err
	}
	return e.flush()
}

// place is where a reader is.
type place struct {
	run     int // 0: nowhere yet
	next    int // the number of the next event in the ring
	replays int // up to this one it may have seen events
}

// stream sends events until ctx ends, the reader goes or is too slow, or another process may lead.
func (h *hub) stream(ctx context.Context, es *eventStream) error {
	if _, err := h.read(ctx, func(*table, uint64) {}); err != nil { // so that the snapshot has what was submitted before
		return err
	}
	var at place
	for {
		more, err := h.sendNext(es, &at)
		if err != nil {
			return err
		}
		if more != nil {
			if err := es.flush(); err != nil {
				return err
			}
			if err := es.pause(ctx, more); err != nil {
				return err
			}
		}
		if h.server.leader != nil && !h.server.leads() {
			return errRunEnded
		}
	}
}

// pause waits for a change, and for a moment at least.
func (e *eventStream) pause(ctx context.Context, changed <-chan struct{}) error {
	alive := time.NewTimer(keepAlive)
	defer alive.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-changed:
	case <-alive.C:
		return e.comment()
	}
	short := time.NewTimer(streamPause)
	defer short.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-short.C:
	}
	return nil
}

// sendNext sends what there is for a reader. If that was all it returns a channel that is closed at the next change.
func (h *hub) sendNext(es *eventStream, at *place) (changed <-chan struct{}, err error) {
	h.mu.Lock()
	news := h.newsFor(es)
	if !h.synced {
		changed = h.change()
		h.mu.Unlock()
		return changed, es.sendAll(news)
	}
	if at.run != h.run {
		begun, lagged, present := h.run, h.lagged, h.version
		snapshot, marks := !h.find(es, at), es.version == 0 && es.fromNow
		first := at.run == 0
		at.run = begun
		h.mu.Unlock()
		if lagged > 0 && !first {
			news = append(news, &event{name: "lag", of: scheduler.LagEvent{Missed: lagged}})
		}
		if err := es.sendAll(news); err != nil {
			return nil, err
		}
		if marks {
			return nil, es.mark(present)
		}
		if !snapshot {
			return nil, nil
		}
		return nil, h.sendSnapshot(es, at)
	}
	events, missed := h.ring.read(at.next, streamPart)
	if len(events) == 0 && missed == 0 {
		changed = h.change()
	}
	h.mu.Unlock()
	if missed > 0 {
		lag := &event{name: "lag", of: scheduler.LagEvent{Missed: missed}}
		return nil, errors.Join(es.sendAll([]*event{lag}), es.flush(), errLagged)
	}
	for i, e := range events {
		if e.name == "cycle" && at.next+i < at.replays {
			continue // old news
		}
		news = append(news, e)
	}
	at.next += len(events)
	return changed, es.sendAll(news)
}

// find sets the place of a reader behind what it has seen. It returns false for one who needs a snapshot first.
func (h *hub) find(es *eventStream, at *place) bool {
	at.next, at.replays = h.ring.end(), h.ring.end()
	if es.version == 0 {
		return es.fromNow
	}
	next, found := h.ring.after(es.version, h.version)
	if found {
		at.next = next
	}
	return found
}

// newsFor returns the overview and the status of the election that a reader has not got yet.
func (h *hub) newsFor(es *eventStream) (news []*event) {
	for _, of := range []struct {
		latest *latest
		seen   *int
	}{{&h.election, &es.election}, {&h.overview, &es.overview}} {
		if *of.seen != of.latest.number {
			*of.seen = of.latest.number
			e := &event{name: of.latest.name}
			data := json.RawMessage(of.latest.data)
			e.full.Store(&data)
			news = append(news, e)
		}
	}
	return news
}

func (e *eventStream) sendAll(events []*event) error {
	for _, one := range events {
		if err := e.send(one.name, one.id, one.data(e.summary)); err != nil {
			return err
		}
	}
	return nil
}

// sendSnapshot sends all tasks. What changes meanwhile is in the events that follow.
func (h *hub) sendSnapshot(es *eventStream, at *place) error {
	h.mu.RLock()
	version, serial := h.version, 0
	h.mu.RUnlock()
	for first, last := true, false; !last; first = false {
		h.mu.RLock()
		if h.run != at.run {
			h.mu.RUnlock()
			return nil // the next one follows
		}
		items := h.table.following(serial, snapshotTasks)
		h.mu.RUnlock()
		data, n := encodeTasks(items, es.summary)
		id := uint64(0)
		if last = n == len(items) && n < snapshotTasks; last {
			es.version = 0 // it may have been of a clock that was ahead
			id = version
		} else {
			serial = items[n-1].serial
		}
		if err := errors.Join(es.send("snapshot", id, endSnapshot(data, first, last)), es.flush()); err != nil {
			return err
		}
	}
	return nil
}

// encodeTasks returns the beginning of a Snapshot, with n of the tasks, which are mostly encoded already.
func encodeTasks(items []*item, summary bool) (data []byte, n int) {
	data = append(data, `{"tasks":[`...)
	for n < len(items) && len(data) < snapshotBytes {
		if n > 0 {
			data = append(data, ',')
		}
		data = append(data, items[n].encoded(summary)...)
		n++
	}
	return append(data, ']'), n
}

// endSnapshot returns the whole of a Snapshot that was begun.
func endSnapshot(data []byte, first, last bool) []byte {
	if first {
		data = append(data, `,"first":true`...)
	}
	if last {
		data = append(data, `,"last":true`...)
	}
	return append(data, '}')
}
