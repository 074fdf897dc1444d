package mesostest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// config makes the flags of the recorded master into a Config. A flag that matters and has no
// place in Config is an error: the recording shows something that the fake master does not do.
func (rec *recording) config() (Config, error) {
	c := Config{}
	for _, flag := range rec.masters[0] {
		name, value := splitFlag(flag)
		var err error
		switch name {
		case "ip", "port", "work_dir", "webui_dir", "zk", "quorum", // zk and quorum: see replayer.listen
			"authenticate_http_frameworks", "authenticate_http_readwrite", "authenticate_http_readonly",
			"http_framework_authenticators": // as soon as there are credentials
		case "credentials":
			c.Credentials = rec.credentials
		case "registry":
			c.InMemoryRegistry = value == "in_memory"
		case "zk_session_timeout":
			c.SessionTimeout, err = parseMesosDuration(value)
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
			c.AgentPingTimeout, c.MaxAgentPingTimeouts, err = rec.pingTimeout()
		default:
			err = fmt.Errorf("not supported")
		}
		if err != nil {
			return c, fmt.Errorf("flag %s of the master: %w", flag, err)
		}
	}
	return c, nil
}

// recordedExecutor does what the program does that the recordings have instead of it.
func recordedExecutor(info mesos.ExecutorInfo) *CustomExecutor {
	if !strings.Contains(info.Command.GetValue(), "upd(e['kill']['task_id'],'TASK_KILLED',message='as you wish')") {
		return nil
	}
	return &CustomExecutor{
		Launch: func(mesos.TaskInfo) []mesos.TaskStatus {
			return []mesos.TaskStatus{{
				State: mesos.TASK_RUNNING.Enum(), Data: []byte("payload"), Message: ptr("up and running"),
				Labels: &mesos.Labels{Labels: []mesos.Label{{Key: "k", Value: ptr("v")}}},
			}}
		},
		Kill: func(mesos.TaskID) []mesos.TaskStatus {
			return []mesos.TaskStatus{{State: mesos.TASK_KILLED.Enum(), Message: ptr("as you wish")}}
		},
		Message:    func(data []byte) [][]byte { return [][]byte{append([]byte("echo:"), data...)} },
		ExitStatus: 7,
	}
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

// pingTimeout returns how long an agent must not answer, and how many pings that are.
func (rec *recording) pingTimeout() (whole time.Duration, count int, err error) {
	interval := 15 * time.Second
	count = 5
	for _, flag := range rec.masters[0] {
		switch name, value := splitFlag(flag); name {
		case "agent_ping_timeout":
			interval, err = parseMesosDuration(value)
		case "max_agent_ping_timeouts":
			count, err = strconv.Atoi(value)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return interval * time.Duration(count), count, nil
}

// agent makes the flags of a recorded agent into an Agent.
func (rec *recording) agent(r recordedAgent) (Agent, error) {
	a := Agent{Containerizers: "mesos"}
	for _, flag := range r.Flags {
		name, value := splitFlag(flag)
		var err error
		switch name {
		case "master", "no-hostname_lookup", "runtime_dir", "fetcher_cache_dir", "launcher",
			"launcher_dir", "isolation", "no-systemd_enable_support", "no-switch_user":
		case "ip":
			a.IP = value
		case "work_dir":
			a.WorkDir = value
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
			a.Resources = flagOf(resources.New(o.Resources))
			a.Attributes = attributesFlag(o.Attributes)
			return nil
		}
	}
	return fmt.Errorf("the flags of %s are abridged, and its offer is nowhere", a.Hostname)
}

// detect adds what --resources leaves to the agent to find out, such as the size of its disk, from
// the agent's first offer.
func (rec *recording) detect(a *Agent) {
	named, err := resources.Parse(a.Resources)
	if err != nil {
		return // New will say so
	}
	for _, l := range rec.lines {
		o := offerIn(l.Event, a.Hostname)
		if o == nil {
			continue
		}
		found := resources.New(o.Resources).Filter(func(e resources.Entry) bool { return named.Quantity(e.Shape.Name) == 0 })
		if !found.Empty() {
			a.Resources += ";" + flagOf(found)
		}
		return
	}
}

// offerIn returns the offer of an agent in an event, nil when there is none.
func offerIn(event any, hostname string) *mesos.Offer {
	if typeOf(event) != "OFFERS" {
		return nil
	}
	var e scheduler.Event
	if wirejson.Decode(event, &e) != nil {
		return nil
	}
	for i := range e.Offers.Offers {
		if e.Offers.Offers[i].Hostname == hostname {
			return &e.Offers.Offers[i]
		}
	}
	return nil
}

func flagOf(rs resources.List) string {
	return strings.ReplaceAll(rs.Unallocated().String(), "; ", ";")
}

func attributesFlag(list []mesos.Attribute) string {
	parts := []string{}
	for _, attribute := range list {
		value := attribute.GetText().GetValue()
		if attribute.Type != mesos.TEXT {
			value = resources.FormatValue(&mesos.Resource{
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
	m := rec.pattern(`^the OFFERS event itself is only in protobuf/(\w+)\.`).FindStringSubmatch(note)
	if m == nil {
		return nil, nil
	}
	data, err := os.ReadFile(filepath.Join(rec.folder, "protobuf", m[1]+".json"))
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(data) {
		v, err := wirejson.Parse(line)
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
