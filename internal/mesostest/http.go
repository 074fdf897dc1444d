package mesostest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/constraints"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/validate"
)

// streamIDHeader names the subscription that a call belongs to.
const streamIDHeader = "Mesos-Stream-Id"

// ServeHTTP answers as mesos-master does: the scheduler API and a little of what is beside it.
func (m *Master) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := endpoint(r.URL.Path)
	if !thawed(r) {
		return
	}
	principal, ok := m.authenticate(w, r, realm(path))
	if !ok || elsewhere(w, r, path) {
		return
	}
	switch path {
	case "/api/v1/scheduler":
		m.serveScheduler(w, r, principal)
	case "/api/v1":
		m.serveOperator(w, r)
	case "/teardown":
		m.serveTeardown(w, r)
	case "/frameworks":
		m.serveState(w, r, m.frameworksView)
	case "/tasks":
		m.serveState(w, r, func() any { return m.tasksView(r.URL.Query()) })
	case "/state":
		m.serveState(w, r, m.stateView)
	case "/state-summary":
		m.serveState(w, r, m.summaryView)
	case "/slaves":
		m.serveState(w, r, m.agentsView)
	case "/roles":
		m.serveState(w, r, m.rolesView)
	case "/flags":
		answerJSON(w, r, map[string]any{"flags": m.flags()})
	case "/metrics/snapshot":
		m.serveMetrics(w, r)
	case "/quota", "/weights", "/maintenance/schedule", "/maintenance/status", "/machine/down", "/machine/up":
		m.serveSetting(w, r, m.setting(path))
	case "/":
		serveRoot(w)
	case "/health":
		w.WriteHeader(http.StatusOK)
	case "/version":
		answerJSON(w, r, buildInfo())
	default:
		answer(w, http.StatusNotFound, "404 Not Found.")
	}
}

// mesosVersion is the version of Mesos that this is made after.
const mesosVersion = "1.12.0"

// endpoint finds the handler of a path as libprocess does: "/master" before it changes nothing,
// and what lies below a known path belongs to it.
func endpoint(path string) string {
	switch path {
	case "/", "/metrics/snapshot": // these are not the master's own, and have no other name
		return path
	}
	path = strings.TrimPrefix(path, "/master")
	for path != "" && path != "/" {
		switch path {
		case "/api/v1/scheduler", "/api/v1", "/teardown", "/health", "/version", "/frameworks", "/tasks", "/state", "/state-summary", "/slaves", "/redirect",
			"/roles", "/flags", "/quota", "/weights", "/maintenance/schedule", "/maintenance/status", "/machine/down", "/machine/up":
			return path
		}
		path = path[:max(strings.LastIndexByte(path, '/'), 0)]
	}
	return ""
}

// answer writes an error, or an empty success when there is no text.
func answer(w http.ResponseWriter, status int, text string) {
	if text != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// serveScheduler goes through the order of validation and stops at the first failing step.
func (m *Master) serveScheduler(w http.ResponseWriter, r *http.Request, principal string) {
	if !postOnly(w, r) {
		return
	}
	language, body, ok := readBody(w, r)
	if !ok {
		return
	}
	req, err := language.decode(body)
	if err != nil {
		answer(w, http.StatusBadRequest, err.Error())
		return
	}
	_, hasStreamID := r.Header[streamIDHeader]
	from := caller{
		principal:   principal,
		streamID:    r.Header.Get(streamIDHeader),
		hasStreamID: hasStreamID,
		constraints: req.constraints.Constraints(),
		cut:         cutter(r),
	}
	if from.constraints != nil && !constraints.Supported(m.config.Version) {
		from.constraints = nil
	}
	fault := validate.CallWithoutType
	if req.hasType {
		fault = validate.Call(&req.call, from.principal)
	}
	if fault != "" {
		answer(w, http.StatusBadRequest, fault)
		return
	}
	switch req.call.Type {
	case scheduler.Call_SUBSCRIBE, scheduler.Call_RECONCILE_OPERATIONS:
		if language = accepted(r.Header["Accept"]); language == "" {
			answer(w, http.StatusNotAcceptable, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")
			return
		}
	}
	if req.call.Type == scheduler.Call_SUBSCRIBE {
		if hasStreamID {
			answer(w, http.StatusBadRequest, "Subscribe calls should not include the 'Mesos-Stream-Id' header")
			return
		}
		m.serveStream(w, r, &req.call, from, language)
		return
	}
	rep, err := m.ask(r.Context(), from, func(from caller) reply { return m.call(&req.call, from) })
	if err != nil {
		from.cut()
		return
	}
	finish(w, r.Context(), rep, from.cut)
}

// ask gets the reply to a call from the loop, a second time when the first says to wait.
func (m *Master) ask(ctx context.Context, from caller, call func(caller) reply) (rep reply, err error) {
	err = m.do(ctx, func() { rep = call(from) })
	if err != nil || rep.delay == 0 {
		return rep, err
	}
	timer := time.NewTimer(rep.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return rep, ctx.Err()
	}
	from.delayed = true
	err = m.do(ctx, func() { rep = call(from) })
	return rep, err
}

func postOnly(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodPost {
		return true
	}
	w.Header().Set("Allow", http.MethodPost)
	answer(w, http.StatusMethodNotAllowed,
		"405 Method Not Allowed. Expecting one of { 'POST' }, but received '"+r.Method+"'.")
	return false
}

// readBody reads a request body, unzipped if need be. When it is of no use it has answered.
func readBody(w http.ResponseWriter, r *http.Request) (codec, []byte, bool) {
	contentType, ok := r.Header["Content-Type"]
	if !ok {
		answer(w, http.StatusBadRequest, "Expecting 'Content-Type' to be present")
		return "", nil, false
	}
	language := codec(contentType[0])
	if language != codecJSON && language != codecProtobuf {
		answer(w, http.StatusUnsupportedMediaType, "Expecting 'Content-Type' of application/json or application/x-protobuf")
		return "", nil, false
	}
	body, err := readLimited(r.Body, r.ContentLength)
	if err == nil && r.Header.Get("Content-Encoding") == "gzip" {
		var zipped *gzip.Reader
		if zipped, err = gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, err = readLimited(zipped, -1)
		}
	}
	switch {
	case errors.Is(err, errTooLong):
		answer(w, http.StatusRequestEntityTooLarge, "413 Request Entity Too Large.")
		return "", nil, false
	case err != nil:
		answer(w, http.StatusBadRequest, "Failed to decompress request body")
		return "", nil, false
	}
	return language, body, true
}

// maxBody is the longest body that is read, also of what comes out of a compressed one. A real
// master has no limit, but it does not share its process with a test.
const maxBody = 64 << 20

// smallBody is the longest body for which room is made before it comes. Those of most calls have some hundred bytes.
const smallBody = 64 << 10

// readLimited reads a body of that size, or one whose size is not known: -1.
func readLimited(r io.Reader, size int64) ([]byte, error) {
	if size >= 0 && size <= smallBody {
		body := make([]byte, size)
		_, err := io.ReadFull(r, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errTooLong
	}
	return body, err
}

// accepted chooses the language of an answer. JSON wins whenever it is allowed; no header at all
// allows everything, an empty one nothing.
func accepted(header []string) codec {
	if len(header) == 0 || allows(header[0], codecJSON) {
		return codecJSON
	}
	if allows(header[0], codecProtobuf) {
		return codecProtobuf
	}
	return ""
}

// allows looks for the media type itself, then for its family, then for "*/*"; the first found
// decides, and only a q-value of zero says no.
func allows(header string, c codec) bool {
	header = strings.NewReplacer(" ", "", "\t", "", "\n", "").Replace(header)
	for _, candidate := range []string{string(c), "application/*", "*/*"} {
		for item := range strings.SplitSeq(header, ",") {
			name, params, _ := strings.Cut(item, ";")
			if !strings.EqualFold(name, candidate) {
				continue
			}
			for param := range strings.SplitSeq(params, ";") {
				if q, ok := strings.CutPrefix(param, "q="); ok {
					value, err := strconv.ParseFloat(q, 64)
					return err == nil && value > 0
				}
			}
			return true
		}
	}
	return false
}

// finish writes the reply to a call, or does what a fault asks for.
func finish(w http.ResponseWriter, ctx context.Context, rep reply, cut func()) {
	switch {
	case rep.fault == Hang:
		<-ctx.Done()
	case rep.fault == Cut:
		cut()
	default:
		answer(w, rep.status, rep.body)
	}
}

// serveStream subscribes and writes events until the subscription or the client ends. An end by
// the master is the last chunk of the body; the connection stays open.
func (m *Master) serveStream(w http.ResponseWriter, r *http.Request, call *scheduler.Call, from caller, language codec) {
	var s *subscription
	rep, err := m.ask(r.Context(), from, func(from caller) (rep reply) {
		s, rep = m.subscribe(call, from)
		return rep
	})
	if err != nil {
		from.cut()
		return
	}
	if s != nil {
		defer func() { _ = m.do(context.WithoutCancel(r.Context()), func() { m.disconnected(s) }) }()
	}
	if s == nil || rep.fault != Pass {
		finish(w, r.Context(), rep, from.cut)
		return
	}

	w.Header().Set("Content-Type", string(language))
	w.Header()[streamIDHeader] = []string{s.streamID}
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	if control.Flush() != nil {
		return
	}
	var record []byte
	for {
		select {
		case <-r.Context().Done():
			if !killed(r) {
				from.cut() // a client that only closed its sending side counts as gone, too
			}
			return
		case events, more := <-s.events:
			if !more {
				return
			}
			for _, event := range events {
				var err error
				if record, err = language.appendRecord(record[:0], event); err != nil {
					m.config.Logger.Error("event not encodable", "err", err)
					from.cut()
					return
				}
				if _, err = w.Write(record); err != nil {
					return
				}
				// A real master sends each event as one chunk.
				if control.Flush() != nil {
					return
				}
			}
		}
	}
}
