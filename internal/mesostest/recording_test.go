package mesostest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// recording is what somebody saw of a real master: see testdata/recordings/README.md.
type recording struct {
	name    string
	folder  string
	masters [][]string // the flags of each
	agents  []recordedAgent

	credentials map[string]string

	lines []recordedLine // without the first

	patterns map[string]*regexp.Regexp // compiled once for all attempts to replay it
}

// pattern returns the compiled expression.
func (rec *recording) pattern(expression string) *regexp.Regexp {
	if rec.patterns[expression] == nil {
		rec.patterns[expression] = regexp.MustCompile(expression)
	}
	return rec.patterns[expression]
}

type recordedAgent struct {
	Agent string   `json:"agent"`
	Flags []string `json:"flags"`
}

// recordedLine is one line; exactly one of Send, Response, Event, Stream and Note is set.
type recordedLine struct {
	number int     // in the file, from 1
	T      float64 `json:"t"` // seconds since the start

	Send       *recordedSend     `json:"send"`
	Response   *recordedResponse `json:"response"`
	Event      any               `json:"event"`
	Stream     string            `json:"stream"` // opened or closed
	How        string            `json:"how"`
	N          int               `json:"n"`
	Note       string            `json:"note"`
	FirstBytes []byte            `json:"first_bytes_base64"`
	ZNode      any               `json:"znode"`
	Data       string            `json:"data"` // of the node
}

type recordedSend struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	To      string            `json:"to"`
	Headers map[string]string `json:"headers"`
	Call    json.RawMessage   `json:"call"`
	Body    string            `json:"body"`
	Bytes   []byte            `json:"body_base64"`
}

type recordedResponse struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    any               `json:"body"`
}

func loadRecording(path string) (*recording, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseRecording(strings.TrimSuffix(filepath.Base(path), ".jsonl"), filepath.Dir(path), data)
}

func parseRecording(name, folder string, data []byte) (*recording, error) {
	rec := &recording{name: name, folder: folder, patterns: map[string]*regexp.Regexp{}}
	var head struct {
		Master     json.RawMessage `json:"master"`
		Agents     []recordedAgent `json:"agents"`
		AgentsNote string          `json:"agents_note"`

		Credentials map[string]string `json:"credentials"`
	}
	first, rest, _ := bytes.Cut(data, []byte("\n"))
	if err := json.Unmarshal(first, &head); err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	if err := rec.masterFlags(head.Master); err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	rec.credentials = head.Credentials
	var err error
	if rec.agents, err = expandAgents(head.Agents, head.AgentsNote); err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	for i, text := range bytes.Split(rest, []byte("\n")) {
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		l := recordedLine{number: i + 2}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&l); err != nil {
			return nil, fmt.Errorf("line %d: %w", l.number, err)
		}
		rec.lines = append(rec.lines, l)
	}
	if len(rec.lines) == 0 {
		return nil, fmt.Errorf("nothing was recorded")
	}
	rec.sortMasters()
	rec.joinOffers()
	return rec, nil
}

// joinOffers makes one event of the offers that follow a new maintenance schedule, and one of the
// inverse offers. A real master allocates agent by agent then, but it may take several together.
func (rec *recording) joinOffers() {
	var schedule float64
	var lines []recordedLine
	for _, l := range rec.lines {
		if l.Send != nil && bytes.Contains(l.Send.Call, []byte(`"UPDATE_MAINTENANCE_SCHEDULE"`)) {
			schedule = l.T
		}
		first := slices.IndexFunc(lines, func(other recordedLine) bool {
			return other.T >= schedule && other.N == l.N && typeOf(other.Event) == typeOf(l.Event)
		})
		var name string
		switch typeOf(l.Event) {
		case "OFFERS":
			name = "offers"
		case "INVERSE_OFFERS":
			name = "inverse_offers"
		}
		if name == "" || first < 0 || l.T-schedule > 0.2 {
			lines = append(lines, l)
			continue
		}
		payload := at(lines[first].Event, name).(map[string]any)
		payload[name] = append(payload[name].([]any), at(l.Event, name, name).([]any)...)
	}
	rec.lines = lines
}

// expandAgents adds the agents that the note "agents 2 to 40 are like agent1" speaks of. In what
// way they are alike only their offers tell, see unabridge.
func expandAgents(agents []recordedAgent, note string) ([]recordedAgent, error) {
	if note == "" {
		return agents, nil
	}
	m := regexp.MustCompile(`^agents (\d+) to (\d+) are like agent1$`).FindStringSubmatch(note)
	if m == nil || len(agents) == 0 {
		return nil, fmt.Errorf("agents_note %q is not understood", note)
	}
	from, _ := strconv.Atoi(m[1])
	to, _ := strconv.Atoi(m[2])
	for n := from; n <= to; n++ {
		a := recordedAgent{Agent: fmt.Sprintf("agent%d", n)}
		a.Flags = []string{
			fmt.Sprintf("--port=%d", 5050+n),
			fmt.Sprintf("--hostname=agent%d.example", n),
			"--resources=" + abridged + "like agent1)",
		}
		agents = append(agents, a)
	}
	return agents, nil
}

// launchTimes returns how long the recorded machine took to start each task, from the ACCEPT to
// TASK_STARTING, by task ID and in order, since IDs may be used again; and their median, 0 (the
// default) when none was seen.
func (rec *recording) launchTimes() (byTask map[string][]time.Duration, median time.Duration) {
	byTask = map[string][]time.Duration{}
	accepted := map[string]float64{}
	var all []time.Duration
	for _, l := range rec.lines {
		switch {
		case l.Send != nil && bytes.Contains(l.Send.Call, []byte(`"ACCEPT"`)):
			for _, m := range rec.pattern(`"task_id":\s*\{"value":\s*"([^"]*)"`).FindAllSubmatch(l.Send.Call, -1) {
				accepted[string(m[1])] = l.T
			}
		case l.Event != nil && at(l.Event, "update", "status", "state") == "TASK_STARTING":
			id, _ := at(l.Event, "update", "status", "task_id", "value").(string)
			if t, ok := accepted[id]; ok {
				took := inSeconds(l.T - t)
				byTask[id] = append(byTask[id], took)
				all = append(all, took)
				delete(accepted, id) // what comes later is a repetition
			}
		}
	}
	if len(all) == 0 {
		return byTask, 0
	}
	slices.Sort(all)
	return byTask, all[len(all)/2]
}

// lives returns how long the tasks ran, from TASK_RUNNING to what came of it, by task ID and in order,
// by the clock of their executors.
func (rec *recording) lives() map[string][]time.Duration {
	lives := map[string][]time.Duration{}
	running := map[string]float64{}
	for _, l := range rec.lines {
		status := at(l.Event, "update", "status")
		if at(status, "uuid") == nil || at(status, "source") != "SOURCE_EXECUTOR" {
			continue
		}
		id, _ := at(status, "task_id", "value").(string)
		number, _ := at(status, "timestamp").(json.Number)
		moment, _ := number.Float64()
		switch from, ok := running[id]; at(status, "state") {
		case "TASK_STARTING", "TASK_KILLING":
		case "TASK_RUNNING":
			if !ok {
				running[id] = moment
			}
		default:
			if ok {
				lives[id] = append(lives[id], inSeconds(moment-from))
				delete(running, id) // what comes later is a repetition
			}
		}
	}
	return lives
}

// ticks returns when the recorded master allocated: every period, at phase. They are seen from offers
// that no call brought about at once. The period is a little longer than the flag says, since
// a master counts the interval from the end of one allocation to the begin of the next; over
// a minute this adds up to half an interval.
func (rec *recording) ticks(interval time.Duration) (phase, period time.Duration) {
	const delivery = 5 * time.Millisecond // from the allocation to the event
	var first, last, count time.Duration
	atOnce := math.Inf(-1)
	for _, l := range rec.lines {
		switch {
		case typeOf(l.Event) == "SUBSCRIBED":
			atOnce = max(atOnce, l.T) // a busy master took its time
		case l.Send != nil && rec.pattern(`"(SUBSCRIBE|REVIVE|UPDATE_MAINTENANCE_SCHEDULE)"`).Match(l.Send.Call):
			atOnce = l.T
		case strings.HasSuffix(l.Note, " started"):
			atOnce = math.Inf(1) // what registers when is not known; SUBSCRIBE or REVIVE make an end of it
		case (typeOf(l.Event) == "OFFERS" || typeOf(l.Event) == "INVERSE_OFFERS") && l.T-atOnce > 0.1:
			t := inSeconds(l.T) - delivery
			if first == 0 {
				first, last = t, t
			}
			count += (t - last + interval/2) / interval
			last = t
		}
	}
	period = interval
	if count > 10 {
		if measured := (last - first) / count; measured > interval && measured < interval+interval/50 {
			period = measured
		}
	}
	return first % period, period
}

// registration returns when an agent whose start was noted at line i had registered: just before its
// first offer or update if one is seen, else about a second later, as real agents do.
func (rec *recording) registration(i int, hostname string) float64 {
	for _, l := range rec.lines[i:] {
		if offerIn(l.Event, hostname) != nil || fromAgent(l.Event) {
			return l.T - 0.02
		}
	}
	return rec.lines[i].T + 1
}

// fromAgent reports whether an event is an update that an agent sent, or the master on its return.
func fromAgent(event any) bool {
	source, _ := at(event, "update", "status", "source").(string)
	reason, _ := at(event, "update", "status", "reason").(string)
	return source == "SOURCE_EXECUTOR" || source == "SOURCE_AGENT" || reason == "REASON_AGENT_REREGISTERED" ||
		reason == "REASON_AGENT_REMOVED"
}

// freesResources reports whether the line shows how resources became free.
func (l *recordedLine) freesResources() bool {
	if l.Send != nil {
		return bytes.Contains(l.Send.Call, []byte(`"ACCEPT"`)) || bytes.Contains(l.Send.Call, []byte(`"DECLINE"`))
	}
	switch typeOf(l.Event) {
	case "RESCIND", "FAILURE":
		return true
	case "UPDATE":
		name, _ := at(l.Event, "update", "status", "state").(string)
		return terminal(mesos.TaskState(mesos.TaskState_value[name]))
	}
	return false
}

// marksUnreachable reports whether the line may show that an agent was.
func (l *recordedLine) marksUnreachable() bool {
	return at(l.Event, "update", "status", "message") == "health check timed out" ||
		typeOf(l.Event) == "FAILURE" && at(l.Event, "failure", "executor_id") == nil
}

func inSeconds(x float64) time.Duration { return time.Duration(math.Round(x*1e6)) * time.Microsecond }

// at walks down objects.
func at(v any, path ...string) any {
	for _, name := range path {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	return v
}

func typeOf(event any) string {
	s, _ := at(event, "type").(string)
	return s
}
