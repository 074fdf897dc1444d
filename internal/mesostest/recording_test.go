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
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// recording is what somebody saw of a real master: see testdata/recordings/README.md.
type recording struct {
	name   string
	folder string
	master []string
	agents []recordedAgent
	lines  []recordedLine // without the first
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
	rec := &recording{name: name, folder: folder}
	var head struct {
		Master     json.RawMessage `json:"master"`
		Agents     []recordedAgent `json:"agents"`
		AgentsNote string          `json:"agents_note"`
	}
	first, rest, _ := bytes.Cut(data, []byte("\n"))
	if err := json.Unmarshal(first, &head); err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	if err := json.Unmarshal(head.Master, &rec.master); err != nil {
		return nil, fmt.Errorf("line 1: only recordings of a single master can be replayed: %w", err)
	}
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
	return rec, nil
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

// config makes the flags of the recorded master into a Config. A flag that matters and has no
// place in Config is an error: the recording shows something that the fake master does not do.
func (rec *recording) config() (Config, error) {
	c := Config{}
	for _, flag := range rec.master {
		name, value := splitFlag(flag)
		var err error
		switch name {
		case "ip", "port", "work_dir", "webui_dir", "registry":
		case "hostname":
			c.Hostname = value
		case "allocation_interval":
			c.AllocationInterval, err = parseMesosDuration(value)
		case "offer_timeout":
			c.OfferTimeout, err = parseMesosDuration(value)
		case "roles":
			c.Roles = strings.Split(value, ",")
		case "root_submissions":
			c.NoRootSubmissions = value == "false"
		case "no-root_submissions":
			c.NoRootSubmissions = true
		case "domain":
			c.Domain, err = parseDomain(value)
		case "max_completed_frameworks":
			c.MaxCompletedFrameworks, err = strconv.Atoi(value)
		case "agent_ping_timeout", "max_agent_ping_timeouts":
			c.AgentPingTimeout, err = rec.pingTimeout()
		default:
			err = fmt.Errorf("not supported")
		}
		if err != nil {
			return c, fmt.Errorf("flag %s of the master: %w", flag, err)
		}
	}
	return c, nil
}

// parseDomain brings the JSON of --domain to "region/zone".
func parseDomain(text string) (string, error) {
	var domain any
	if err := json.Unmarshal([]byte(text), &domain); err != nil {
		return "", err
	}
	region, _ := at(domain, "fault_domain", "region", "name").(string)
	zone, _ := at(domain, "fault_domain", "zone", "name").(string)
	return region + "/" + zone, nil
}

func (rec *recording) pingTimeout() (time.Duration, error) {
	timeout, count := 15*time.Second, 5
	for _, flag := range rec.master {
		var err error
		switch name, value := splitFlag(flag); name {
		case "agent_ping_timeout":
			timeout, err = parseMesosDuration(value)
		case "max_agent_ping_timeouts":
			count, err = strconv.Atoi(value)
		}
		if err != nil {
			return 0, err
		}
	}
	return timeout * time.Duration(count), nil
}

// agent makes the flags of a recorded agent into an Agent.
func (rec *recording) agent(r recordedAgent) (Agent, error) {
	a := Agent{Containerizers: "mesos"}
	for _, flag := range r.Flags {
		name, value := splitFlag(flag)
		var err error
		switch name {
		case "master", "no-hostname_lookup", "work_dir", "runtime_dir", "fetcher_cache_dir", "launcher",
			"launcher_dir", "isolation", "no-systemd_enable_support", "no-switch_user":
		case "ip":
			a.IP = value
		case "port":
			a.Port, err = strconv.Atoi(value)
		case "hostname":
			a.Hostname = value
		case "resources":
			a.Resources = value
		case "attributes":
			a.Attributes = value
		case "containerizers":
			a.Containerizers = value
		case "http_command_executor":
			a.HTTPCommandExecutor = value != "false"
		case "domain":
			a.Domain, err = parseDomain(value)
		case "executor_registration_timeout":
			a.ExecutorRegistrationTimeout, err = parseMesosDuration(value)
		default:
			err = fmt.Errorf("not supported")
		}
		if err != nil {
			return a, fmt.Errorf("flag %s of %s: %w", flag, r.Agent, err)
		}
	}
	if strings.Contains(a.Resources+a.Attributes, abridged) {
		return a, rec.unabridge(&a)
	}
	rec.detect(&a)
	return a, nil
}

// abridged marks a flag whose value is not given in full.
const abridged = "... ("

// unabridge finds resources and attributes that are too long for the first line of the recording
// in the offers of the stream that it points to.
func (rec *recording) unabridge(a *Agent) error {
	for _, l := range rec.lines {
		event, err := rec.elsewhere(l.Note)
		if err != nil {
			return err
		}
		if o := offerIn(event, a.Hostname); o != nil {
			a.Resources = flagOf(newResources(o.Resources))
			a.Attributes = attributesFlag(o.Attributes)
			return nil
		}
	}
	return fmt.Errorf("the flags of %s are abridged, and its offer is nowhere", a.Hostname)
}

// detect adds what --resources leaves to the agent to find out, such as the size of its disk, from
// the agent's first offer.
func (rec *recording) detect(a *Agent) {
	named, err := parseResources(a.Resources)
	if err != nil {
		return // New will say so
	}
	for _, l := range rec.lines {
		o := offerIn(l.Event, a.Hostname)
		if o == nil {
			continue
		}
		found := newResources(o.Resources).filter(func(e resource) bool { return named.quantity(e.shape.Name) == 0 })
		if !found.empty() {
			a.Resources += ";" + flagOf(found)
		}
		return
	}
}

// offerIn is the offer of an agent in an event, nil when there is none.
func offerIn(event any, hostname string) *mesos.Offer {
	if typeOf(event) != "OFFERS" {
		return nil
	}
	var e scheduler.Event
	if decodeJSON(event, &e) != nil {
		return nil
	}
	for i := range e.Offers.Offers {
		if e.Offers.Offers[i].Hostname == hostname {
			return &e.Offers.Offers[i]
		}
	}
	return nil
}

func flagOf(rs resources) string {
	return strings.ReplaceAll(rs.unallocated().String(), "; ", ";")
}

func attributesFlag(list []mesos.Attribute) string {
	parts := []string{}
	for _, attribute := range list {
		value := attribute.GetText().GetValue()
		if attribute.Type != mesos.TEXT {
			value = formatValue(&mesos.Resource{
				Type: &attribute.Type, Scalar: attribute.Scalar, Ranges: attribute.Ranges, Set: attribute.Set,
			})
		}
		parts = append(parts, attribute.Name+":"+value)
	}
	return strings.Join(parts, ";")
}

// elsewhere returns the OFFERS event that a note says is only in the stream protobuf/NAME, nil
// when the note says no such thing.
func (rec *recording) elsewhere(note string) (any, error) {
	m := regexp.MustCompile(`^the OFFERS event itself is only in protobuf/(\w+)\.`).FindStringSubmatch(note)
	if m == nil {
		return nil, nil
	}
	data, err := os.ReadFile(filepath.Join(rec.folder, "protobuf", m[1]+".json"))
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(data) {
		v, err := parseJSON(line)
		if err != nil {
			return nil, err
		}
		if typeOf(v) == "OFFERS" {
			return v, nil
		}
	}
	return nil, fmt.Errorf("no OFFERS in protobuf/%s.json", m[1])
}

func splitFlag(flag string) (name, value string) {
	name, value, _ = strings.Cut(strings.TrimPrefix(flag, "--"), "=")
	return name, value
}

// parseMesosDuration reads "500ms", "3secs", "1.5mins".
func parseMesosDuration(text string) (time.Duration, error) {
	i := strings.IndexFunc(text, func(c rune) bool { return c >= 'a' && c <= 'z' })
	if i < 0 {
		return 0, fmt.Errorf("%q is not a duration", text)
	}
	units := map[string]time.Duration{
		"ns": time.Nanosecond, "us": time.Microsecond, "ms": time.Millisecond,
		"secs": time.Second, "mins": time.Minute, "hrs": time.Hour, "days": 24 * time.Hour,
	}
	unit, ok := units[text[i:]]
	x, err := strconv.ParseFloat(text[:i], 64)
	if err != nil || !ok {
		return 0, fmt.Errorf("%q is not a duration", text)
	}
	return time.Duration(x * float64(unit)), nil
}

// launchTimes are how long the recorded machine took to start each task, from the ACCEPT to
// TASK_STARTING, by task ID and in order, since IDs may be used again; and their median, 0 (the
// default) when none was seen.
func (rec *recording) launchTimes() (byTask map[string][]time.Duration, median time.Duration) {
	byTask = map[string][]time.Duration{}
	accepted := map[string]float64{}
	var all []time.Duration
	for _, l := range rec.lines {
		switch {
		case l.Send != nil && bytes.Contains(l.Send.Call, []byte(`"ACCEPT"`)):
			for _, m := range regexp.MustCompile(`"task_id":\s*\{"value":\s*"([^"]*)"`).FindAllSubmatch(l.Send.Call, -1) {
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

// ticks are when the recorded master allocated: every period, at phase. They are seen from offers
// that no call brought about at once. The period is a little longer than the flag says, since
// a master counts the interval from the end of one allocation to the begin of the next; over
// a minute this adds up to half an interval.
func (rec *recording) ticks(interval time.Duration) (phase, period time.Duration) {
	const delivery = 5 * time.Millisecond // from the allocation to the event
	var first, last, count time.Duration
	atOnce := math.Inf(-1)
	for _, l := range rec.lines {
		switch {
		case l.Send != nil && (bytes.Contains(l.Send.Call, []byte(`"SUBSCRIBE"`)) || bytes.Contains(l.Send.Call, []byte(`"REVIVE"`))):
			atOnce = l.T
		case strings.HasSuffix(l.Note, " started"):
			atOnce = math.Inf(1) // what registers when is not known; SUBSCRIBE or REVIVE make an end of it
		case typeOf(l.Event) == "OFFERS" && l.T-atOnce > 0.05:
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

// registration is when an agent whose start was noted at line i had registered: just before its
// first offer or update if one is seen, else about a second later, as real agents do.
func (rec *recording) registration(i int, hostname string) float64 {
	for _, l := range rec.lines[i:] {
		if offerIn(l.Event, hostname) != nil || fromAgent(l.Event) {
			return l.T - 0.02
		}
	}
	return rec.lines[i].T + 1
}

// fromAgent says whether an event is an update that an agent sent, or the master on its return.
func fromAgent(event any) bool {
	source, _ := at(event, "update", "status", "source").(string)
	reason, _ := at(event, "update", "status", "reason").(string)
	return source == "SOURCE_EXECUTOR" || source == "SOURCE_AGENT" || reason == "REASON_AGENT_REREGISTERED" ||
		reason == "REASON_AGENT_REMOVED"
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
