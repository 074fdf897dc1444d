package mesostest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/constraints"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// exchange is one request on a connection of its own.
type exchange struct {
	method    string
	stderr    bool // it asks for the errors of a task
	conn      net.Conn
	response  *observedResponse
	events    []*observedEvent
	beats     []time.Time // heartbeats received
	recorded  int         // heartbeats recorded
	endedAt   time.Time   // zero while it lives
	how       string
	abandoned bool // by the scheduler
	ended     bool // the end was recorded
}

type observedResponse struct {
	status int
	header http.Header
	body   string
}

type observedEvent struct {
	at    time.Time
	value any
}

func (r *replayer) send(s *recordedSend) error {
	address, err := r.address(s.To)
	if err != nil {
		return err
	}
	body, err := r.body(s)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", s.Method, r.compare.translate(r.ids, s.Path), recordedMaster)
	chunked := false
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		fmt.Fprintf(&b, "%s: %s\r\n", name, r.compare.translate(r.ids, s.Headers[name]))
		chunked = chunked || strings.EqualFold(name, "Transfer-Encoding")
	}
	if !chunked && (len(body) > 0 || s.Method == http.MethodPost || s.Method == http.MethodPut) {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	return r.raw(address, s.Method, b.Bytes())
}

// body returns what is sent: the recorded bytes, or the call in the language of its Content-Type. The
// bytes of a call in protobuf hold IDs, so they are made anew.
func (r *replayer) body(s *recordedSend) ([]byte, error) {
	if s.Call == nil {
		if s.Bytes != nil {
			return s.Bytes, nil
		}
		return []byte(r.compare.translate(r.ids, s.Body)), nil
	}
	text := []byte(r.compare.translate(r.ids, string(s.Call)))
	if s.Headers["Content-Type"] != string(codecProtobuf) {
		return text, nil
	}
	req, err := codecJSON.decode(text)
	if err != nil {
		return nil, fmt.Errorf("call is not encodable: %w", err)
	}
	return marshalRequest(req)
}

// marshalRequest writes a call with its offer constraints, which belong inside of a message that
// mesos-go writes without them.
func marshalRequest(req *request) ([]byte, error) {
	var inner []byte
	var number uint64
	var err error
	switch call := &req.call; {
	case req.constraints.Constraints() == nil:
		return call.Marshal()
	case call.Subscribe != nil:
		number = 3
		inner, err = call.Subscribe.Marshal()
		call.Subscribe = nil
	default:
		number = 19
		inner, err = call.UpdateFramework.Marshal()
		call.UpdateFramework = nil
	}
	if err != nil {
		return nil, err
	}
	constraints, err := proto.Marshal(&constraints.Call{Subscribe: &constraints.Payload{OfferConstraints: req.constraints.Constraints()}})
	if err != nil {
		return nil, err
	}
	b := proto.NewBuffer(nil)
	_ = b.EncodeVarint(number<<3 | 2)
	content := proto.NewBuffer(constraints)
	_, _ = content.DecodeVarint() // the tag around the payload
	payload, err := content.DecodeRawBytes(true)
	if err != nil {
		return nil, err
	}
	_ = b.EncodeRawBytes(append(inner, payload...))
	outer, err := req.call.Marshal()
	return append(outer, b.Bytes()...), err
}

// raw sends bytes on a connection of their own and starts to read the answer.
func (r *replayer) raw(address, method string, request []byte) error {
	conn, err := r.network.DialContext(context.Background(), "tcp", address)
	if err != nil {
		return err
	}
	x := &exchange{method: method, conn: conn, stderr: bytes.Contains(request, []byte("/stderr"))}
	r.calls = append(r.calls, x)
	if _, err := conn.Write(request); err != nil {
		return err
	}
	r.readers.Add(1)
	go func() {
		defer r.readers.Done()
		r.read(x)
	}()
	return nil
}

// read runs on a goroutine of its own until the answer or the stream ends.
func (r *replayer) read(x *exchange) {
	input := bufio.NewReader(x.conn)
	res, err := http.ReadResponse(input, &http.Request{Method: x.method})
	if err != nil {
		r.found <- func() { x.response = &observedResponse{}; r.end(x, err) }
		return
	}
	o := &observedResponse{status: res.StatusCode, header: res.Header}
	if res.Header.Get(streamIDHeader) != "" {
		r.found <- func() { x.response = o }
		err = r.readStream(x, res)
		r.found <- func() { r.end(x, err) }
		return
	}
	body, err := io.ReadAll(res.Body)
	o.body = string(body)
	_ = x.conn.Close()
	r.found <- func() { x.response = o; r.end(x, err) }
}

func (r *replayer) end(x *exchange, err error) {
	x.endedAt = time.Now()
	x.how = "connection closed/reset without end of chunked body"
	if errors.Is(err, io.EOF) {
		x.how = "last (zero-length) chunk received"
	}
}

// readStream reads RecordIO until the stream ends, with io.EOF if orderly.
func (r *replayer) readStream(x *exchange, res *http.Response) error {
	records := bufio.NewReader(res.Body)
	for {
		line, err := records.ReadString('\n')
		if err != nil {
			return err
		}
		size, err := strconv.Atoi(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return err
		}
		record := make([]byte, size)
		if _, err := io.ReadFull(records, record); err != nil {
			return io.ErrUnexpectedEOF
		}
		if res.Header.Get("Content-Type") == string(codecProtobuf) {
			var e scheduler.Event
			if err := proto.Unmarshal(record, &e); err != nil {
				return err
			}
			record = wirejson.Encode(&e)
		}
		value, err := wirejson.Parse(record)
		if err != nil {
			return err
		}
		r.found <- func() {
			if typeOf(value) == "HEARTBEAT" {
				x.beats = append(x.beats, time.Now())
				return
			}
			x.events = append(x.events, &observedEvent{at: time.Now(), value: value})
		}
	}
}

// response looks for the answer to one of the requests under way: the latest one that fits.
func (r *replayer) response(l *recordedLine, opens bool) error {
	if len(r.calls) == 0 {
		return errors.New("a response without a request")
	}
	var fault error
	try := func() bool {
		for i := len(r.calls) - 1; i >= 0; i-- {
			x := r.calls[i]
			if x.response == nil {
				continue
			}
			trial := r.ids.clone()
			if err := r.sameResponse(trial, l.Response, x); err != nil {
				if fault == nil {
					fault = err
				}
				continue
			}
			r.ids = trial
			r.calls = slices.Delete(r.calls, i, i+1)
			if x.response.header.Get(streamIDHeader) != "" {
				r.opened = x
				if !opens {
					x.abandoned = true
					r.opened = nil
					_ = x.conn.Close()
				}
			}
			return true
		}
		return false
	}
	if r.wait(time.Now().Add(time.Second), try) {
		return nil
	}
	if fault == nil {
		fault = errors.New("no response")
	}
	return fault
}

func (r *replayer) sameResponse(b *binding, want *recordedResponse, x *exchange) error {
	have := x.response
	if have.status != want.Status {
		return fmt.Errorf("status %d %q, recorded %d %v", have.status, have.body, want.Status, want.Body)
	}
	for _, name := range []string{"Content-Type", "Allow", "Location", "WWW-Authenticate", "Content-Encoding", "Content-Disposition", streamIDHeader} {
		w, h := want.Headers[name], have.header.Get(name)
		if err := r.compare.text(b, w, h); err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
	}
	if x.stderr && want.Status == http.StatusOK {
		return nil // the real executors say much more
	}
	switch body := want.Body.(type) {
	case nil:
		return nil
	case string:
		if ok, err := r.rec.sameSummary(body, have); ok {
			return err
		}
		if prefix, cut := strings.CutSuffix(body, "(cut)"); cut {
			return r.compare.text(b, prefix, have.body[:min(len(prefix), len(have.body))])
		}
		if err := r.compare.text(b, body, have.body); err != nil {
			return fmt.Errorf("body %w", err)
		}
		if w, h := want.Headers["Content-Length"], have.header.Get("Content-Length"); w != h && (body != "" || x.method == http.MethodHead) {
			return fmt.Errorf("Content-Length %s, recorded %s", h, w)
		}
		return nil
	}
	v, err := wirejson.Parse([]byte(have.body))
	if err != nil {
		return fmt.Errorf("body %q: %w", have.body, err)
	}
	if err := r.compare.value(b, "", want.Body, v); err != nil {
		return fmt.Errorf("body%w", err)
	}
	return nil
}
