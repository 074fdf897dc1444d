package mesostest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// talk is a connection on which requests follow each other.
type talk struct {
	conn  net.Conn
	input *bufio.Reader
}

func (r *replayer) connect() (*talk, error) {
	conn, err := r.network.DialContext(context.Background(), "tcp", recordedMaster)
	if err != nil {
		return nil, err
	}
	return &talk{conn, bufio.NewReader(conn)}, nil
}

// say writes requests in one piece and reads their answers one after the other, which the lines
// after it have.
func (r *replayer) say(t *talk, requests ...string) ([]*exchange, error) {
	if _, err := io.WriteString(t.conn, strings.Join(requests, "")); err != nil {
		return nil, err
	}
	var list []*exchange
	for range requests {
		list = append(list, &exchange{method: http.MethodPost, conn: t.conn})
	}
	r.calls = append(r.calls, list...)
	r.readers.Add(1)
	go func() {
		defer r.readers.Done()
		for _, x := range list {
			res, err := http.ReadResponse(t.input, &http.Request{Method: x.method})
			if err != nil {
				r.found <- func() { x.response = &observedResponse{}; r.end(x, err) }
				return
			}
			body, _ := io.ReadAll(res.Body)
			r.found <- func() {
				x.response = &observedResponse{status: res.StatusCode, header: res.Header, body: string(body)}
			}
		}
	}()
	return list, nil
}

// request writes a call of the framework of the first stream.
func (r *replayer) request(header, call string) string {
	id := ""
	if x := r.streams[1]; x != nil {
		id = x.response.header.Get(streamIDHeader)
	}
	fid := ""
	for _, l := range r.rec.lines {
		if typeOf(l.Event) == "SUBSCRIBED" {
			fid, _ = at(l.Event, "subscribed", "framework_id", "value").(string)
			break
		}
	}
	body := `{"framework_id":{"value":"` + r.compare.translate(r.ids, fid) + `"},` + call + `}`
	return fmt.Sprintf("POST /api/v1/scheduler HTTP/1.1\r\nHost: m\r\nContent-Type: application/json\r\nMesos-Stream-Id: %s\r\n%sContent-Length: %d\r\n\r\n%s",
		id, header, len(body), body)
}

// connectionNotes returns what was done with connections while http_details was recorded.
func (r *replayer) connectionNotes() []noteAction {
	const decline, kill = `"type":"DECLINE","decline":{"offer_ids":[]}`, `"type":"KILL"`
	return []noteAction{
		{`^three calls one after the other on one connection, then two pipelined`, func(int, *recordedLine, []string) error {
			t, err := r.connect()
			if err != nil {
				return err
			}
			r.kept = t
			for range 3 {
				list, err := r.say(t, r.request("", decline))
				if err != nil {
					return err
				}
				if !r.wait(time.Now().Add(time.Second), func() bool { return list[0].response != nil }) {
					return errors.New("no answer on a connection that was used before")
				}
			}
			list, err := r.say(t, r.request("", kill), r.request("", decline))
			if err != nil {
				return err
			}
			if !r.wait(time.Now().Add(time.Second), func() bool { return list[1].response != nil }) ||
				list[0].response.status != 400 || list[1].response.status != 202 {
				return errors.New("pipelined calls are not answered in order")
			}
			return nil
		}},
		{`^a call with Connection: close on it`, func(int, *recordedLine, []string) error {
			_, err := r.say(r.kept, r.request("Connection: close\r\n", decline))
			return err
		}},
		{`^closed by the master$`, func(int, *recordedLine, []string) error {
			if _, err := r.kept.input.ReadByte(); !errors.Is(err, io.EOF) {
				return fmt.Errorf("the master has not closed the connection: %w", err)
			}
			return nil
		}},
		{`^SUBSCRIBE and a call pipelined behind it on the same connection`, func(int, *recordedLine, []string) error {
			subscribe := r.request("", `"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"http2","roles":["test"],"capabilities":[{"type":"MULTI_ROLE"}]}}`)
			_, body, _ := strings.Cut(subscribe, "\r\n\r\n")
			_, body, _ = strings.Cut(body, "},") // a framework without an ID
			body = "{" + body
			first := fmt.Sprintf("POST /api/v1/scheduler HTTP/1.1\r\nHost: m\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			if err := r.raw(recordedMaster, http.MethodPost, []byte(first+r.request("", decline))); err != nil {
				return err
			}
			x := r.calls[len(r.calls)-1]
			if r.wait(time.Now().Add(2*time.Second), func() bool { return !x.endedAt.IsZero() }) || len(x.events) != 1 {
				return fmt.Errorf("the stream ended (%s) or has %d events", x.how, len(x.events))
			}
			return nil
		}},
		{`^shutdown\(SHUT_WR\) done$`, func(i int, _ *recordedLine, _ []string) error {
			return r.streams[r.rec.lines[i+1].N].conn.(*virtualnet.Conn).CloseWrite()
		}},
		{`^GET /frameworks shows (\{"frameworks": \[\[.*)$`, func(_ int, _ *recordedLine, args []string) error {
			return r.framework(args[0], func(f any) any { return []any{at(f, "name"), at(f, "active"), at(f, "connected")} })
		}},
	}
}

// framework compares what /frameworks shows of each framework with a note.
func (r *replayer) framework(recorded string, view func(any) any) error {
	want, err := wirejson.Parse([]byte(recorded))
	if err != nil {
		return err
	}
	var text []byte
	r.master.must(func() { text, err = json.Marshal(r.master.frameworksView()) })
	if err != nil {
		return err
	}
	all, err := wirejson.Parse(text)
	if err != nil {
		return err
	}
	have := map[string]any{}
	for _, key := range []string{"frameworks", "completed_frameworks"} {
		list := []any{}
		for _, f := range at(all, key).([]any) {
			list = append(list, view(f))
		}
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(short(a), short(b)) })
		have[key] = list
	}
	for _, list := range want.(map[string]any) {
		slices.SortFunc(list.([]any), func(a, b any) int { return strings.Compare(short(a), short(b)) })
	}
	return r.compare.value(r.ids, "", want, have)
}

// sameSummary compares a body of which only the length was recorded, and whether it was compressed;
// ok says that it is one. The lengths differ, since the fake has fewer flags.
func (rec *recording) sameSummary(recorded string, have *observedResponse) (ok bool, err error) {
	m := rec.pattern(`^\(\d+ bytes(, gzip)?\)$`).FindStringSubmatch(recorded)
	if m == nil {
		return false, nil
	}
	body := []byte(have.body)
	if m[1] != "" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return true, err
		}
		if body, err = io.ReadAll(z); err != nil {
			return true, err
		}
	}
	_, err = wirejson.Parse(body)
	return true, err
}
