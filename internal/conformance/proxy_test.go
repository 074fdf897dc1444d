package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

// tap is one event stream through the wire.
type tap struct {
	id      string // Mesos-Stream-Id
	host    string // that the scheduler asked for
	json    bool
	conn    net.Conn
	stop    context.CancelFunc // ends the master's side
	orderly atomic.Bool        // end it with the last chunk
	shreds  bool

	mu      sync.Mutex
	out     io.Writer // nil once the stream has ended
	flusher *http.ResponseController
}

// serve takes one request of the scheduler.
func (w *wire) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	closing := w.closing
	if !closing {
		w.running.Add(1)
	}
	w.mu.Unlock()
	if closing { // a pipelined request whose answer nobody waits for
		rw.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer w.running.Done()
	conn := r.Context().Value(connKey{}).(net.Conn)
	isJSON := r.Header.Get("Content-Type") == "application/json"
	call := new(calls.Call)
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = decode(body, call, isJSON)
	}
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	times := 1
	if w.sabotage != nil {
		times = w.sabotage(call)
		body = altered(body, call, isJSON)
	}
	if times == 0 {
		rw.WriteHeader(http.StatusAccepted)
		return
	}
	var answer *http.Response
	var v verdict
	for range times {
		w.mu.Lock()
		decide := w.onCall
		w.mu.Unlock()
		v = pass
		if decide != nil {
			v = decide(call)
			body = altered(body, call, isJSON)
		}
		w.journal.add(entry{call: call, streamID: r.Header.Get("Mesos-Stream-Id"), verdict: v})
		if v != pass && v != lose && v != late {
			continue
		}
		if call.Type == calls.Call_SUBSCRIBE {
			w.stream(rw, r, conn, body)
			return
		}
		if answer, err = w.forward(w.ctx, r, body); err != nil {
			v = cut
		} else {
			w.journal.add(entry{answered: call})
		}
	}
	switch {
	case v == pass:
		relay(rw, answer)
	case v == late:
		select {
		case <-time.After(2 * time.Second):
			relay(rw, answer)
		case <-r.Context().Done():
		}
	case v == swallow:
		rw.WriteHeader(http.StatusAccepted)
	case v == hang:
		<-r.Context().Done()
	case v > 0:
		rw.WriteHeader(int(v))
	default:
		_ = conn.Close()
	}
}

// forward sends a request of the scheduler to its master. It reads answers other than streams to the end.
func (w *wire) forward(ctx context.Context, r *http.Request, body []byte) (*http.Response, error) {
	w.mu.Lock()
	closing := w.closing
	if !closing {
		w.asking.Add(1)
	}
	w.mu.Unlock()
	if closing {
		return nil, net.ErrClosed
	}
	defer w.asking.Done()
	master := w.master
	if r.Host != wireAddress { // another one, to which the scheduler was redirected
		master = "http://" + r.Host
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, master+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"Content-Type", "Accept", "Mesos-Stream-Id", "User-Agent", "Authorization"} {
		if values := r.Header.Values(name); len(values) > 0 {
			request.Header[name] = values
		}
	}
	answer, err := w.upstream.RoundTrip(request)
	if err != nil || answer.StatusCode == http.StatusOK && answer.Header.Get("Mesos-Stream-Id") != "" {
		return answer, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	answer.Body = io.NopCloser(bytes.NewReader(text))
	return answer, err
}

func relay(rw http.ResponseWriter, answer *http.Response) {
	for _, name := range []string{"Content-Type", "Location", "Mesos-Stream-Id", "Www-Authenticate"} {
		if values := answer.Header.Values(name); len(values) > 0 {
			rw.Header()[name] = values
		}
	}
	rw.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(rw, answer.Body)
}

// stream forwards a subscription, event by event, until either side ends it.
func (w *wire) stream(rw http.ResponseWriter, r *http.Request, conn net.Conn, body []byte) {
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	answer, err := w.forward(ctx, r, body)
	if err != nil {
		_ = conn.Close()
		return
	}
	defer answer.Body.Close()
	defer context.AfterFunc(r.Context(), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.halfOpen {
			cancel()
		}
	})()
	if answer.Header.Get("Mesos-Stream-Id") == "" {
		relay(rw, answer)
		return
	}
	t := &tap{
		id: answer.Header.Get("Mesos-Stream-Id"), json: answer.Header.Get("Content-Type") == "application/json",
		host: r.Host, conn: conn, stop: cancel, out: rw, flusher: http.NewResponseController(rw),
	}
	w.change(func() { w.taps = append(w.taps, t); t.shreds = w.shredded })
	defer w.change(func() { w.taps = without(w.taps, t) })
	defer t.over()
	for _, name := range []string{"Content-Type", "Mesos-Stream-Id"} {
		rw.Header().Set(name, answer.Header.Get(name))
	}
	_ = t.flusher.Flush()
	frames := recordio.NewReader(answer.Body, 0)
	for {
		frame, err := frames.ReadFrame()
		if errors.Is(err, io.EOF) || err != nil && t.orderly.Load() {
			return // with the last chunk
		}
		if err != nil {
			_ = conn.Close()
			return
		}
		w.deliver(t, frame)
	}
}

// deliver sends an event of the master to the scheduler, or what onEvent replaces it by.
func (w *wire) deliver(t *tap, frame []byte) {
	event := new(calls.Event)
	if err := decode(frame, event, t.json); err != nil {
		t.write(frame)
		return
	}
	w.mu.Lock()
	replace, silent := w.onEvent, w.silent
	w.mu.Unlock()
	if silent {
		return
	}
	if replace == nil {
		w.journal.add(entry{event: event, given: t.id})
		t.write(frame)
		return
	}
	for _, e := range replace(event) {
		w.journal.add(entry{event: e, given: t.id})
		t.write(encode(e, t.json))
	}
}

func (t *tap) write(frame []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.out == nil {
		return
	}
	var record bytes.Buffer
	_ = recordio.NewWriter(&record).WriteFrame(frame)
	step := record.Len()
	if t.shreds {
		step = 1
	}
	for record.Len() > 0 {
		_, _ = t.out.Write(record.Next(step))
		_ = t.flusher.Flush()
	}
}

// over waits for a write that is under way: afterwards the response belongs to net/http again.
func (t *tap) over() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.out = nil
}

func without(taps []*tap, gone *tap) []*tap {
	var rest []*tap
	for _, t := range taps {
		if t != gone {
			rest = append(rest, t)
		}
	}
	return rest
}

// message is a call or an event.
type message interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

func decode(data []byte, m message, asJSON bool) error {
	if !asJSON {
		return m.Unmarshal(data)
	}
	// The master's own info has names that are newer than mesos-go, which refuses them.
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	if subscribed, ok := fields["subscribed"].(map[string]any); ok {
		delete(subscribed, "master_info")
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, m)
}

// altered returns the body of a call that may have been altered. A call that was not altered keeps its body: a new one
// would lack what mesos-go does not know, such as offer constraints.
func altered(body []byte, call *calls.Call, asJSON bool) []byte {
	before := new(calls.Call)
	if decode(body, before, asJSON) == nil && before.Equal(call) {
		return body
	}
	return encode(call, asJSON)
}

// encode returns nil for a message without a required field, of which no behaviour makes any.
func encode(m message, asJSON bool) (data []byte) {
	if asJSON {
		data, _ = json.Marshal(m)
	} else {
		data, _ = m.Marshal()
	}
	return data
}
