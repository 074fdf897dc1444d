package scheduler

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

var chaosLies = flag.String("lies", "all", "the lies of TestChaos' hostile master, separated by commas; \"\": it is honest")

// hostileMaster stands in front of the masters. At times it lies, to some calls and on all streams. No lie of it ends a
// task, takes an offer away or says of a call that it had no effect when it had one, as a master might: what such a lie
// destroys is destroyed.
type hostileMaster struct {
	history *history
	meter   *meter

	mu       sync.Mutex
	random   *rand.Rand
	speaking []string      // names of the present lies; empty: it is honest
	honest   chan struct{} // closed when it is honest again
}

func newHostileMaster(random *rand.Rand, h *history, m *meter) *hostileMaster {
	return &hostileMaster{random: random, history: h, meter: m}
}

// lieNow and then has the master lie for a while.
func (c *chaos) lieNowAndThen(ctx context.Context, lies string, random *rand.Rand) {
	names := strings.Split(lies, ",")
	switch lies {
	case "":
		return
	case "all":
		names = lieNames()
	}
	for {
		time.Sleep(time.Duration(random.ExpFloat64() * float64(3*time.Minute)))
		if time.Since(c.history.began) > chaosTime || ctx.Err() != nil {
			return
		}
		random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		c.hostile.begin(names[:min(len(names), 1+random.IntN(4))])
		time.Sleep(time.Second + time.Duration(random.ExpFloat64()*float64(time.Minute)))
		c.hostile.end()
		c.checkKept(ctx)
	}
}

// lieNames returns the names of all lies.
func lieNames() []string {
	return slices.Concat(slices.Sorted(maps.Keys(answerLies())), slices.Sorted(maps.Keys(subscribedLies())),
		slices.Sorted(maps.Keys(updateLies())), slices.Sorted(maps.Keys(eventLies())))
}

// begin has it lie.
func (h *hostileMaster) begin(names []string) {
	h.end()
	h.history.note("the master lies: %s", strings.Join(names, ", "))
	h.mu.Lock()
	defer h.mu.Unlock()
	h.speaking, h.honest = slices.Clone(names), make(chan struct{})
}

// end makes it honest.
func (h *hostileMaster) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.speaking != nil {
		h.history.note("the master is honest")
		h.speaking = nil
		close(h.honest)
	}
}

// draw returns one of the present lies of a kind, and a channel that is closed when they end.
func draw[L any](h *hostileMaster, kind map[string]L, chance float64) (name string, lie L, honest <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for _, name := range h.speaking {
		if _, ok := kind[name]; ok {
			names = append(names, name)
		}
	}
	if len(names) == 0 || h.random.Float64() >= chance {
		return "", lie, nil
	}
	name = names[h.random.IntN(len(names))]
	return name, kind[name], h.honest
}

// source returns a random source of one lie.
func (h *hostileMaster) source() *rand.Rand {
	h.mu.Lock()
	defer h.mu.Unlock()
	return source(h.random.Uint64(), h.random.Uint64())
}

// front is the Front of mesostest.Config.
func (h *hostileMaster) front(master http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/scheduler" {
			master.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		call, framework := headOf(r.Header.Get("Content-Type"), body)
		h.meter.count(call)
		ctx, cut := context.WithCancel(r.Context())
		defer cut()
		r = r.WithContext(ctx)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if name, lie, honest := draw(h, answerLies(), 0.3); lie != nil {
			h.history.about("the answer to %s is a lie: %s", call, name)
			lie(&answer{ResponseWriter: w, request: r, master: master, call: call, random: h.source(), honest: honest})
			return
		}
		if call != scheduler.Call_SUBSCRIBE.String() {
			master.ServeHTTP(w, r)
			return
		}
		s := h.newStream(w, r, cut)
		s.framework = framework
		s.serve(master, r)
	})
}

// headOf returns the type of a call, and the framework whose call it is.
func headOf(contentType string, body []byte) (callType, framework string) {
	if contentType != "application/json" {
		var call scheduler.Call
		if err := call.Unmarshal(body); err != nil {
			panic(err)
		}
		return call.Type.String(), call.GetFrameworkID().GetValue()
	}
	var call struct {
		Type        string                 `json:"type"`
		FrameworkID struct{ Value string } `json:"framework_id"`
	}
	if err := json.Unmarshal(body, &call); err != nil {
		panic(err)
	}
	return call.Type, call.FrameworkID.Value
}

// lyingStream is a subscription, on which there are lies between what the master says.
type lyingStream struct {
	http.ResponseWriter
	hostile   *hostileMaster
	framework string // of the SUBSCRIBE; "": a new one
	json      bool
	cut       func()                 // ends the request
	until     chan (<-chan struct{}) // has the stream cut when this is closed, since it began with a lie
	writing   chan struct{}          // holds a value while somebody writes; a mutex would keep the bubble's time from passing

	// Guarded by writing:

	opened     bool             // the head of the answer was written
	subscribed bool             // SUBSCRIBED was there
	offers     *scheduler.Event // the last ones
	update     []byte           // the frame of the last one
	invented   int              // so many IDs
}

func (h *hostileMaster) newStream(w http.ResponseWriter, r *http.Request, cut func()) *lyingStream {
	return &lyingStream{
		ResponseWriter: w, hostile: h, json: r.Header.Get("Accept") == "application/json", cut: cut,
		until: make(chan (<-chan struct{}), 1), writing: make(chan struct{}, 1),
	}
}

// serve has the master write the stream, and the liar between.
func (s *lyingStream) serve(master http.Handler, r *http.Request) {
	var lying sync.WaitGroup
	ended := make(chan struct{})
	defer lying.Wait()
	defer close(ended)
	lying.Go(func() { s.lie(ended) })
	master.ServeHTTP(s, r)
}

// lie writes lies until the stream ends.
func (s *lyingStream) lie(ended <-chan struct{}) {
	random := s.hostile.source()
	var honest <-chan struct{}
	for {
		select {
		case <-ended:
			return
		case honest = <-s.until:
		case <-honest:
			s.cut()
			return
		case <-time.After(time.Duration(random.ExpFloat64() * float64(time.Second))):
			if name, lie, _ := draw(s.hostile, eventLies(), 1); lie != nil {
				s.hostile.history.about("a lie on the stream: %s", name)
				s.exclusively(func() {
					if s.opened && (s.subscribed || random.IntN(4) == 0) {
						_, _ = s.ResponseWriter.Write(lie(s, random))
						_ = http.NewResponseController(s.ResponseWriter).Flush()
					}
				})
			}
		}
	}
}

func (s *lyingStream) exclusively(f func()) {
	s.writing <- struct{}{}
	f()
	<-s.writing
}

// WriteHeader takes the status of the master's answer.
func (s *lyingStream) WriteHeader(status int) {
	s.exclusively(func() {
		s.ResponseWriter.WriteHeader(status)
		s.opened = status == http.StatusOK
	})
}

// FlushError is what http.ResponseController calls.
func (s *lyingStream) FlushError() (err error) {
	s.exclusively(func() { err = http.NewResponseController(s.ResponseWriter).Flush() })
	return err
}

// Write takes an event of the master.
func (s *lyingStream) Write(frame []byte) (n int, err error) {
	s.exclusively(func() {
		written := frame
		if s.opened {
			written = s.twisted(frame)
		}
		_, err = s.ResponseWriter.Write(written)
	})
	return len(frame), err
}

// twisted returns what is sent in place of an event of the master.
func (s *lyingStream) twisted(frame []byte) []byte {
	e := s.decode(frame)
	switch e.GetType() {
	case scheduler.Event_SUBSCRIBED:
		s.subscribed = true
		if name, lie, honest := draw(s.hostile, subscribedLies(), 0.7); lie != nil {
			s.hostile.history.about("a lie in place of SUBSCRIBED: %s", name)
			s.until <- honest
			return lie(s, e, s.hostile.source())
		}
	case scheduler.Event_OFFERS:
		s.offers = e
	case scheduler.Event_UPDATE:
		s.update = bytes.Clone(frame)
		if name, lie, _ := draw(s.hostile, updateLies(), 0.3); lie != nil {
			s.hostile.history.about("a lie in an update: %s", name)
			return lie(s, e, s.hostile.source())
		}
	}
	return frame
}

// decode returns an event of the master.
func (s *lyingStream) decode(frame []byte) *scheduler.Event {
	_, body, _ := bytes.Cut(frame, []byte("\n"))
	e := &scheduler.Event{}
	var err error
	if s.json {
		var v any
		if v, err = wirejson.Parse(body); err == nil {
			err = wirejson.Decode(v, e)
		}
	} else {
		err = e.Unmarshal(body)
	}
	if err != nil {
		panic(err)
	}
	return e
}

// frames returns events as they are sent.
func (s *lyingStream) frames(events ...*scheduler.Event) []byte {
	var frames []byte
	for _, e := range events {
		body := wirejson.Encode(e)
		if !s.json {
			var err error
			if body, err = e.Marshal(); err != nil {
				panic(err)
			}
		}
		frames = append(frames, framed(body)...)
	}
	return frames
}

// framed returns a frame with that content.
func framed(body []byte) []byte { return append(fmt.Appendf(nil, "%d\n", len(body)), body...) }
