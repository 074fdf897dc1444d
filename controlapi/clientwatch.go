package controlapi

import (
	"context"
	"encoding/json"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

const (
	// watchPatience is for how long Watch waits until a member has begun to send events.
	watchPatience = 5 * time.Second
	// longestWatchPause is the longest pause between two attempts to go on.
	longestWatchPause = 5 * time.Second
)

// Watch returns all events from this call on, until ctx ends. Unlike [scheduler.Scheduler.Watch] it goes on when a run of the
// framework ends, with the next one, whichever member leads. It returns when a member has begun to send events, or after 5 s.
// The sequence can be ranged over once.
//
// When the connection breaks it is made again, and goes on after the last event. What cannot be had any more, since the
// reader was too slow or another member leads, is a [scheduler.LagEvent], in which Missed is at least the number of tasks that
// have changed: [Client.Tasks] returns the present state. Events that are not about a task may come twice then, or be missing,
// such as that the next leader has subscribed, which [Client.Status] says. The sequence ends early if a server refuses it, such
// as for a wrong token; any other method says why.
func (c *Client) Watch(ctx context.Context) iter.Seq[scheduler.Event] {
	w := &clientWatch{client: c}
	w.open(ctx)
	return func(yield func(scheduler.Event) bool) {
		w.run(ctx, yield)
		w.close()
		w.over = true
	}
}

// clientWatch is what is known of a sequence of events.
type clientWatch struct {
	client  *Client
	version uint64 // up to which all was seen; 0: none is known
	missed  int    // events, of which the caller is to be told
	over    bool   // nothing more follows

	conn *watchConn // nil: there is none
}

// watchConn is a connection on which events come.
type watchConn struct {
	*frameReader
	silence *time.Timer // ends it, while it is read
	end     func()
}

// open connects and waits for the version from which on there are events.
func (w *clientWatch) open(ctx context.Context) {
	opening, cancel := context.WithTimeout(ctx, watchPatience)
	defer cancel()
	for w.version == 0 && w.connected(opening, ctx, firstPause) {
		stop := context.AfterFunc(opening, w.conn.end)
		for w.version == 0 && w.conn != nil {
			w.next()
		}
		stop()
	}
}

// run yields events until ctx ends, or no more are wanted.
func (w *clientWatch) run(ctx context.Context, yield func(scheduler.Event) bool) {
	for w.connected(ctx, ctx, firstPause) {
		for _, e := range w.next() {
			if ctx.Err() != nil || !yield(e) {
				return
			}
		}
	}
}

// connected connects if there is no connection, with a pause after each attempt that fails. It returns false if patience ends
// before, or a server refuses to send events. The connection ends with ctx.
func (w *clientWatch) connected(patience, ctx context.Context, pause time.Duration) bool {
	for ; w.conn == nil && !w.over && patience.Err() == nil; pause = min(2*pause, longestWatchPause) {
		if w.connect(ctx); w.conn == nil {
			sleep(patience, pause/2+rand.N(pause/2))
		}
	}
	return w.conn != nil && patience.Err() == nil
}

// connect asks a member for events.
func (w *clientWatch) connect(ctx context.Context) {
	c, since := w.client, sinceNow
	if w.version > 0 {
		since = strconv.FormatUint(w.version, 10)
	}
	base, _ := c.members.pick()
	ctx, cancel := context.WithCancel(ctx)
	silence := time.AfterFunc(leaderSilence, cancel)
	query := url.Values{"view": {"full"}, "since": {since}}
	r, err := c.newRequest(ctx, request{method: http.MethodGet, path: "/v1/events", query: query}, base)
	if err == nil {
		var response *http.Response
		if response, err = c.transport.RoundTrip(r); err == nil {
			end := func() { silence.Stop(); cancel(); _ = response.Body.Close() }
			if response.StatusCode == http.StatusOK {
				w.conn = &watchConn{newFrameReader(response.Body), silence, end}
				return
			}
			defer end()
			w.over = response.StatusCode < http.StatusInternalServerError
		}
	}
	silence.Stop()
	cancel()
	c.members.leave(base)
}

// close closes the connection, if there is one.
func (w *clientWatch) close() {
	if w.conn != nil {
		w.conn.end()
		w.conn = nil
	}
}

// next reads the next frame and returns its events. When the connection is broken it is closed. A caller that is slow
// between two frames is no reason to give it up.
func (w *clientWatch) next() []scheduler.Event {
	w.conn.silence.Reset(leaderSilence)
	f, err := w.conn.next()
	if err != nil {
		w.close()
		return nil
	}
	w.conn.silence.Stop()
	return w.events(f)
}

// events returns the events in a frame.
func (w *clientWatch) events(f frame) (all []scheduler.Event) {
	if f.name == "snapshot" {
		w.snapshot(f)
		if f.id == 0 {
			return nil // others follow
		}
		w.version = 0 // the clock of an earlier leader may have been ahead
		w.missed = max(w.missed, 1)
	}
	e := decodeEvent(f)
	if lag, is := e.(scheduler.LagEvent); is {
		w.missed += lag.Missed
		return nil // a snapshot follows, or an event
	}
	if w.missed > 0 && f.id > 0 {
		all = append(all, scheduler.LagEvent{Missed: w.missed})
		w.missed = 0
	}
	w.version = max(w.version, f.id)
	if e != nil {
		all = append(all, e)
	}
	return all
}

// snapshot counts the tasks that have changed.
func (w *clientWatch) snapshot(f frame) {
	var part struct {
		Tasks []struct {
			Version uint64 `json:"version"`
		} `json:"tasks"`
	}
	_ = json.Unmarshal(f.data, &part) // what cannot be decoded was missed as well
	for _, t := range part.Tasks {
		if t.Version > w.version {
			w.missed++
		}
	}
}
