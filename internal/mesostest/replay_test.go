package mesostest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// TestRecordings replays recordings of a real master against the fake one: the same requests at the
// same moments, and the fake must answer and tell the same, IDs and points in time aside.
//
// The moments. A request is sent once all that was recorded before it has happened, and not before
// its recorded time. An event must come within one allocation interval and a quarter of a second of
// its recorded time: the interval because resources that are freed just before an allocation
// here may be freed just after it there, the rest because processes start and end as fast as
// the machine lets them. With the 500 ms of most recordings this tells a filter of 5 s from one of
// 6 s. Two things are taken from the recording so that more slack is not needed: the phase of
// the allocations, and the median time that executors took to start.
//
// What must be equal: status, headers and body of responses; events, each on its stream, in any
// order but with those of one task in order; the end of streams. Timestamps and details of
// containers are only looked at for presence. Offers of one event and resources of one offer are in
// any order. Nothing else may be sent up to the end of the recording, minus the tolerance
// above; heartbeats are expected at their interval.
//
// Some things are matters of chance, in Mesos as in the fake: which agent is offered to whom, and
// which of two tasks that end within milliseconds of an allocation it still takes into account. So
// a recording is replayed with other seeds, reap times and phases (within 60 ms) if need
// be, and one of them must do; the complaint that comes latest counts.
//
// The folder is that of the environment variable RECORDINGS, by default testdata/recordings.
func TestRecordings(t *testing.T) {
	folder := os.Getenv("RECORDINGS")
	if folder == "" {
		folder = filepath.Join("testdata", "recordings")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "no recordings in %s", folder)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".jsonl"), func(t *testing.T) {
			rec, err := loadRecording(file)
			require.NoError(t, err)
			require.NoError(t, replay(t, rec))
		})
	}
}

// replay returns the complaint of the luckiest attempt, nil when one had none.
func replay(t *testing.T, rec *recording) error {
	const attempts = 60
	var worst *complaint
	for i := range attempts {
		var found *complaint
		synctest.Test(t, func(*testing.T) { found = replayOnce(rec, chanceOf(i)) })
		if found == nil {
			return nil
		}
		if worst == nil || found.line > worst.line {
			worst = found
		}
		if !found.chance {
			break
		}
	}
	return worst
}

// chance is what differs from attempt to attempt.
type chance struct {
	seed  uint64
	reap  time.Duration // the most between the end of a process and its update
	phase time.Duration // added to that of the allocations
}

func chanceOf(attempt int) chance {
	reaps := []time.Duration{50, 250, 100, 200, 20}
	phases := []time.Duration{0, 20, -20, 60, -60, 0}
	return chance{
		seed:  uint64(attempt),
		reap:  reaps[attempt%len(reaps)] * time.Millisecond,
		phase: phases[(attempt/len(reaps))%len(phases)] * time.Millisecond,
	}
}

// pace gives tasks the time to start that they took in the recording, and some time to be reaped.
func (rec *recording) pace(luck chance) func(string) (time.Duration, time.Duration) {
	launches, median := rec.launchTimes()
	random := rand.New(rand.NewPCG(luck.seed, 1))
	if median == 0 {
		median = 100 * time.Millisecond
	}
	return func(task string) (launch, reap time.Duration) {
		launch, reap = median, luck.reap
		if seen := launches[task]; len(seen) > 0 {
			launch = seen[0]
			if len(seen) > 1 {
				launches[task] = seen[1:]
			}
		}
		if luck.seed > 0 {
			reap = time.Duration(random.Int64N(int64(luck.reap)))
		}
		return launch, reap
	}
}

// errUnsupported marks what was recorded of things that the fake does not do.
var errUnsupported = errors.New("not supported")

// complaint is a difference between a recording and its replay.
type complaint struct {
	line   int // of the recording
	chance bool
	text   string
}

func (c *complaint) Error() string { return fmt.Sprintf("line %d: %s", c.line, c.text) }

// replayer is one replay of one recording. One goroutine runs it; those that read from the
// master hand their findings to it as functions.
type replayer struct {
	rec      *recording
	config   Config
	master   *Master
	network  Network
	compare  comparer
	ids      *binding
	start    time.Time // of the recording
	interval time.Duration
	phase    time.Duration // of the recorded allocations
	period   time.Duration
	found    chan func()
	readers  sync.WaitGroup
	calls    []*exchange // requests whose response was not looked at yet
	streams  map[int]*exchange
	opened   *exchange // a stream whose number is not known yet
	lastLine float64   // the recorded time of the line before
	agents   map[string]*replayedAgent
}

// exchange is one request on a connection of its own.
type exchange struct {
	method    string
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

const recordedMaster = "127.0.0.1:5050"

func replayOnce(rec *recording, luck chance) *complaint {
	r := &replayer{
		rec:     rec,
		compare: comparer{ids: idPatterns()},
		ids:     newBinding(),
		found:   make(chan func()),
		streams: map[int]*exchange{},
		agents:  map[string]*replayedAgent{},
	}
	var err error
	if r.config, err = rec.config(); err != nil {
		return &complaint{line: 1, text: err.Error()}
	}
	r.config.Seed, r.config.pace = luck.seed, rec.pace(luck)
	if err := r.splitAgents(); err != nil {
		return &complaint{line: 1, text: err.Error()}
	}
	r.interval = r.config.withDefaults().AllocationInterval
	r.phase, r.period = rec.ticks(r.interval)
	r.config.AllocationInterval = r.period
	if r.master, err = New(r.config); err != nil {
		return &complaint{line: 1, text: err.Error()}
	}
	listener, err := r.network.Listen(recordedMaster)
	if err != nil {
		return &complaint{line: 1, text: err.Error()}
	}

	// The fake allocates at multiples of the interval since it runs.
	phase := (r.phase + luck.phase + r.period) % r.period
	r.start = time.Now().Add((r.period - phase) % r.period)

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.master.Run(ctx, listener) }()
	found := r.run()
	cancel()
	r.drain()
	if err := <-done; err != nil && found == nil {
		found = &complaint{line: len(rec.lines) + 1, text: "the master ended with " + err.Error()}
	}
	return found
}

// splitAgents puts the agents that are there from the beginning into the config, the others wait
// for the note of their start.
func (r *replayer) splitAgents() error {
	for _, recorded := range r.rec.agents {
		a, err := r.rec.agent(recorded)
		if err != nil {
			return err
		}
		r.agents[recorded.Agent] = &replayedAgent{Agent: a}
		first := slices.IndexFunc(r.rec.lines, func(l recordedLine) bool {
			return strings.HasPrefix(l.Note, recorded.Agent+" ") || strings.HasPrefix(l.Note, recorded.Agent+":")
		})
		if first < 0 || r.rec.lines[first].Note != recorded.Agent+" started" {
			r.config.Agents = append(r.config.Agents, a)
		}
	}
	return nil
}

// tolerance is how far from its recorded time an event may come.
func (r *replayer) tolerance() time.Duration {
	return 400 * time.Millisecond
}

// moment is a recorded time on the clock of the replay.
func (r *replayer) moment(t float64) time.Time { return r.start.Add(inSeconds(t)) }

func (r *replayer) run() *complaint {
	for i := range r.rec.lines {
		l := &r.rec.lines[i]
		if err := r.line(i, l); err != nil {
			return &complaint{line: l.number, chance: !errors.Is(err, errUnsupported), text: err.Error()}
		}
		r.lastLine = l.T
	}
	last := r.rec.lines[len(r.rec.lines)-1]
	end := r.moment(last.T)
	r.wait(end, func() bool { return false })
	if err := r.leftovers(end.Add(-250 * time.Millisecond)); err != nil {
		return &complaint{line: last.number, chance: true, text: err.Error()}
	}
	return nil
}

// wait takes what the readers find until cond holds, or the moment has come and gone. It says
// whether cond holds.
func (r *replayer) wait(until time.Time, cond func() bool) bool {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	for !cond() {
		select {
		case f := <-r.found:
			f()
		case <-timer.C:
			synctest.Wait() // what comes at this very moment counts
			for {
				select {
				case f := <-r.found:
					f()
					synctest.Wait()
					continue
				default:
				}
				return cond()
			}
		}
	}
	return true
}

// pause waits until a line may be acted upon: at its recorded time, and when the replay is late
// after half of the recorded pause at least, which lets it catch up.
func (r *replayer) pause(l *recordedLine) {
	until := r.moment(l.T)
	if late := time.Now().Add(inSeconds(l.T-r.lastLine) / 2); late.After(until) {
		until = late
	}
	r.wait(until, func() bool { return false })
}

func (r *replayer) line(i int, l *recordedLine) error {
	switch {
	case l.Send != nil:
		r.pause(l)
		return r.send(l.Send)
	case l.Response != nil:
		return r.response(l, r.opensStream(i))
	case l.Event != nil:
		return r.event(l)
	case l.Stream == "opened":
		if r.opened == nil {
			return errors.New("stream opened, but no response opened one")
		}
		r.streams[l.N], r.opened = r.opened, nil
		return nil
	case l.Stream == "closed":
		return r.closed(l)
	case l.Note != "":
		return r.note(i, l)
	}
	return errors.New("a line of unknown kind")
}

// opensStream says whether the stream of a response at line i is listened to further on.
func (r *replayer) opensStream(i int) bool {
	for _, l := range r.rec.lines[i+1:] {
		if l.Stream == "opened" {
			return true
		}
		if l.Send != nil || l.Response != nil {
			return false
		}
	}
	return false
}

func (r *replayer) send(s *recordedSend) error {
	if s.To != "" && s.To != recordedMaster {
		return fmt.Errorf("%w: a request to %s", errUnsupported, s.To)
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
	return r.raw(s.Method, b.Bytes())
}

// body is what is sent: the recorded bytes, or the call in the language of its Content-Type. The
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
	case req.constraints.constraints() == nil:
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
	constraints, err := proto.Marshal(&constraintsCall{Subscribe: &constraintsPayload{req.constraints.constraints()}})
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
func (r *replayer) raw(method string, request []byte) error {
	conn, err := r.network.DialContext(context.Background(), "tcp", recordedMaster)
	if err != nil {
		return err
	}
	x := &exchange{method: method, conn: conn}
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
			record = encodeJSON(&e)
		}
		value, err := parseJSON(record)
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
	for _, name := range []string{"Content-Type", "Allow", "Location", "WWW-Authenticate", streamIDHeader} {
		w, h := want.Headers[name], have.header.Get(name)
		if err := r.compare.text(b, w, h); err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
	}
	switch body := want.Body.(type) {
	case nil:
		return nil
	case string:
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
	v, err := parseJSON([]byte(have.body))
	if err != nil {
		return fmt.Errorf("body %q: %w", have.body, err)
	}
	if err := r.compare.value(b, "", want.Body, v); err != nil {
		return fmt.Errorf("body%w", err)
	}
	return nil
}

// event waits for the recorded event on its stream.
func (r *replayer) event(l *recordedLine) error {
	x := r.streams[l.N]
	if x == nil {
		return fmt.Errorf("an event on stream %d, which was never opened", l.N)
	}
	if typeOf(l.Event) == "HEARTBEAT" {
		x.recorded++
		return nil
	}
	return r.expect(x, l.Event, l.T)
}

func (r *replayer) expect(x *exchange, recorded any, t float64) error {
	var fault error
	when := r.moment(t)
	ok := r.wait(when.Add(r.tolerance()), func() bool {
		i, err := r.match(x, recorded)
		if err != nil {
			fault = err
			return false
		}
		fault = nil
		// SUBSCRIBED answers a request, whenever a busy master got to it.
		if early := when.Sub(x.events[i].at); early > r.tolerance() && typeOf(recorded) != "SUBSCRIBED" {
			fault = fmt.Errorf("%s came %v too early", short(recorded), early)
		}
		x.events = slices.Delete(x.events, i, i+1)
		return true
	})
	if !ok && fault == nil {
		fault = errors.New("nothing was received")
	}
	if fault != nil && !ok {
		return fmt.Errorf("%s has not come: %w; recorded was %s", typeOf(recorded), fault, short(recorded))
	}
	return fault
}

// match finds the event among those received and binds its IDs. The error tells about the one
// that looked most alike.
func (r *replayer) match(x *exchange, recorded any) (int, error) {
	fault := error(nil)
	for i, e := range x.events {
		if typeOf(e.value) != typeOf(recorded) {
			continue
		}
		trial := r.ids.clone()
		err := r.compare.value(trial, "", recorded, e.value)
		if err == nil {
			r.ids = trial
			return i, nil
		}
		if fault == nil {
			fault = fmt.Errorf("received at %.3f: %w", e.at.Sub(r.start).Seconds(), err)
		}
		if task := queuedTask(e.value); task != "" && task == queuedTask(recorded) {
			return 0, fault // updates of one task come in order
		}
	}
	if fault == nil {
		types := []string{}
		for _, e := range x.events {
			types = append(types, typeOf(e.value))
		}
		fault = fmt.Errorf("received were only %v", types)
	}
	return 0, fault
}

// queuedTask is the task of an update that the agent sent, "" of other events.
func queuedTask(event any) string {
	if at(event, "update", "status", "uuid") == nil {
		return ""
	}
	s, _ := at(event, "update", "status", "task_id", "value").(string)
	return s
}

func (r *replayer) closed(l *recordedLine) error {
	x := r.streams[l.N]
	if x == nil {
		return fmt.Errorf("stream %d was never opened", l.N)
	}
	if !r.wait(r.moment(l.T).Add(r.tolerance()), func() bool { return !x.endedAt.IsZero() }) {
		return fmt.Errorf("stream %d is still open", l.N)
	}
	x.ended = true
	if x.how != l.How {
		return fmt.Errorf("stream %d: %s, recorded: %s", l.N, x.how, l.How)
	}
	return nil
}

// leftovers looks for what happened before the moment and was not recorded.
func (r *replayer) leftovers(before time.Time) error {
	for _, n := range slices.Sorted(maps.Keys(r.streams)) {
		x := r.streams[n]
		for _, e := range x.events {
			if e.at.Before(before) {
				return fmt.Errorf("stream %d: %s came at %.3f, recorded was no such thing", n, short(e.value), e.at.Sub(r.start).Seconds())
			}
		}
		if !x.endedAt.IsZero() && !x.ended && !x.abandoned && x.endedAt.Before(before) {
			return fmt.Errorf("stream %d ended at %.3f (%s), recorded was no end", n, x.endedAt.Sub(r.start).Seconds(), x.how)
		}
		if err := r.heartbeats(x); err != nil {
			return fmt.Errorf("stream %d: %w", n, err)
		}
	}
	return nil
}

// heartbeats checks that they came at their interval, and as often as recorded; one more or less
// may fall beside the end.
func (r *replayer) heartbeats(x *exchange) error {
	interval := r.config.withDefaults().HeartbeatInterval
	for i := 1; i < len(x.beats); i++ {
		if d := x.beats[i].Sub(x.beats[i-1]); (d - interval).Abs() > 50*time.Millisecond {
			return fmt.Errorf("heartbeats %v apart", d)
		}
	}
	if d := len(x.beats) - x.recorded; d > 1 || d < -1 {
		return fmt.Errorf("%d heartbeats, recorded %d", len(x.beats), x.recorded)
	}
	return nil
}

// drain closes all connections and waits for the readers.
func (r *replayer) drain() {
	for _, x := range r.streams {
		_ = x.conn.Close()
	}
	for _, x := range r.calls {
		_ = x.conn.Close()
	}
	if r.opened != nil {
		_ = r.opened.conn.Close()
	}
	done := make(chan struct{})
	go func() { r.readers.Wait(); close(done) }()
	for {
		select {
		case <-r.found:
		case <-done:
			return
		}
	}
}

// note acts on what was done outside. A note that speaks of an action and is not understood is
// an error; all others are free comments.
func (r *replayer) note(i int, l *recordedLine) error {
	for _, n := range r.notes() {
		if m := n.pattern.FindStringSubmatch(l.Note); m != nil {
			r.pause(l)
			return n.act(i, l, m[1:])
		}
	}
	if regexp.MustCompile(`\b(killed with SIG\w+|sent SIG\w+|^(agent|master)\S* started|^(ZooKeeper|first master) killed|closed the connection|SHUT_WR|on one connection|on the same connection)`).MatchString(l.Note) {
		return fmt.Errorf("%w: %q", errUnsupported, l.Note)
	}
	return nil
}

type noteAction struct {
	pattern *regexp.Regexp
	act     func(i int, l *recordedLine, args []string) error
}

func (r *replayer) notes() []noteAction {
	simple := func(request string) func(int, *recordedLine, []string) error {
		return func(int, *recordedLine, []string) error { return r.raw(http.MethodPost, []byte(request)) }
	}
	const call = "Content-Type: application/json\r\nContent-Length: 2\r\n"
	return append(r.agentNotes(), []noteAction{
		{regexp.MustCompile(`^scheduler closed the connection of stream (\d+)$`), func(_ int, _ *recordedLine, args []string) error {
			n, _ := strconv.Atoi(args[0])
			x := r.streams[n]
			if x == nil {
				return fmt.Errorf("stream %d was never opened", n)
			}
			x.abandoned = true
			return x.conn.Close()
		}},
		{regexp.MustCompile(`^mesos-executor killed with SIGKILL$`), func(i int, _ *recordedLine, _ []string) error {
			task := r.failingTask(i)
			if !r.master.KillExecutor(task) {
				return fmt.Errorf("no executor of task %q", task)
			}
			return nil
		}},
		{regexp.MustCompile(`^the OFFERS event itself is only in `), func(_ int, l *recordedLine, _ []string) error {
			event, err := r.rec.elsewhere(l.Note)
			if err != nil {
				return err
			}
			x := r.streams[slices.Max(slices.Collect(maps.Keys(r.streams)))]
			return r.expectOffers(x, event)
		}},
		{regexp.MustCompile(`^HTTP/1\.0 request without Host$`), simple("POST /api/v1/scheduler HTTP/1.0\r\n" + call + "\r\n{}")},
		{regexp.MustCompile(`^Expect: 100-continue$`), simple("POST /api/v1/scheduler HTTP/1.1\r\nHost: m\r\nExpect: 100-continue\r\n" + call + "\r\n{}")},
		{regexp.MustCompile(`^bytes that are not HTTP$`), simple("these bytes are not HTTP\r\n\r\n")},
		{regexp.MustCompile(`^two requests pipelined on one connection, then Connection: close$`), simple(
			"POST /api/v1/scheduler HTTP/1.1\r\nHost: m\r\n" + call + "\r\n{}" +
				"POST /api/v1/scheduler HTTP/1.1\r\nHost: m\r\nConnection: close\r\n" + call + "\r\n{}")},
	}...)
}

// expectOffers matches an event that was recorded without its time, up to its IDs: those of the
// recording and of the stream beside it are of different runs.
func (r *replayer) expectOffers(x *exchange, event any) error {
	ok := r.wait(time.Now().Add(r.tolerance()), func() bool {
		return slices.ContainsFunc(x.events, func(e *observedEvent) bool { return typeOf(e.value) == "OFFERS" })
	})
	if !ok {
		return errors.New("no offers came")
	}
	i := slices.IndexFunc(x.events, func(e *observedEvent) bool { return typeOf(e.value) == "OFFERS" })
	if err := r.compare.value(newBinding(), "", event, x.events[i].value); err != nil {
		return err
	}
	x.events = slices.Delete(x.events, i, i+1)
	return nil
}

// failingTask is the task whose end is recorded next.
func (r *replayer) failingTask(i int) string {
	for _, l := range r.rec.lines[i:] {
		if at(l.Event, "update", "status", "state") == "TASK_FAILED" {
			s, _ := at(l.Event, "update", "status", "task_id", "value").(string)
			return s
		}
	}
	return ""
}
