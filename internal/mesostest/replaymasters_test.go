package mesostest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// replayedMaster is a master of the recording: one of those of a cluster.
type replayedMaster struct {
	cluster *Master
	number  int
	address string
}

// masterFlags reads the flags of one master, or of several by name. They are put in the order in
// which they led.
func (rec *recording) masterFlags(head json.RawMessage) error {
	var one []string
	if json.Unmarshal(head, &one) == nil {
		rec.masters = [][]string{one}
		return nil
	}
	var several map[string][]string
	if err := json.Unmarshal(head, &several); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(several)) {
		rec.masters = append(rec.masters, several[name])
	}
	return nil
}

// sortMasters puts the masters in the order in which they led, as far as notes tell.
func (rec *recording) sortMasters() {
	var leaders []string
	for _, l := range rec.lines {
		if m := rec.pattern(`^(?:leader is the master of|leading master|new leader:) \(?port (\d+)`).FindStringSubmatch(l.Note); m != nil {
			leaders = append(leaders, m[1])
		}
	}
	rank := func(flags []string) int {
		if i := slices.Index(leaders, flagValue(flags, "port")); i >= 0 {
			return i
		}
		return len(leaders)
	}
	slices.SortStableFunc(rec.masters, func(a, b []string) int { return rank(a) - rank(b) })
}

func flagValue(flags []string, name string) string {
	for _, flag := range flags {
		if n, value := splitFlag(flag); n == name {
			return value
		}
	}
	return ""
}

// leaderKilled returns when a leader was, and when another one was first seen to lead.
func (rec *recording) leaderKilled() (at, until float64, ok bool) {
	for _, l := range rec.lines {
		switch {
		case rec.pattern(masterKill).MatchString(l.Note):
			at, ok = l.T, true
		case ok && until == 0 && rec.pattern(`^new leader: |, 405, `).MatchString(l.Note):
			until = l.T
		}
	}
	return at, until, ok
}

// Notes about master processes, with the port of the one meant.
const (
	masterKill  = `^(?:leading master|the leader|master)(?: \(port (\d+)\))? killed with SIGKILL$`
	masterStart = `^master-(\d+) started$`
)

// election makes the fake elect when the recorded masters did: sessions end within about a heartbeat
// of ZooKeeper before the session timeout.
func (r *replayer) election() {
	killed, until, ok := r.rec.leaderKilled()
	if !ok {
		return
	}
	if until > 0 {
		r.config.SessionTimeout = min(r.config.withDefaults().SessionTimeout, inSeconds(until-killed)-200*time.Millisecond)
	}
	r.config.reregister = func(hostname string, _ *rand.Rand) time.Duration {
		return max(0, time.Until(r.moment(r.rec.comeback(killed, hostname))))
	}
}

// comeback returns when an agent registered with the new leader: just before its first offer, unless a note
// says that it had before.
func (rec *recording) comeback(killed float64, hostname string) float64 {
	for _, l := range rec.lines {
		switch {
		case l.T <= killed:
		case offerIn(l.Event, hostname) != nil:
			return l.T - 0.02
		case strings.Contains(l.Note, "the agent has re-registered"):
			return killed
		}
	}
	return killed + 75 // its ping timeout
}

// listen makes the masters of the recording and returns how to run them. Masters with different
// paths in ZooKeeper know nothing of each other.
func (r *replayer) listen() (map[*Master][]net.Listener, error) {
	listeners := map[*Master][]net.Listener{}
	clusters := map[string]*Master{}
	r.masters = map[string]*replayedMaster{}
	for _, flags := range r.rec.masters {
		m := clusters[flagValue(flags, "zk")]
		if m == nil {
			var err error
			if m, err = r.cluster(flags); err != nil {
				return nil, err
			}
			clusters[flagValue(flags, "zk")] = m
		}
		port := flagValue(flags, "port")
		address := net.JoinHostPort("127.0.0.1", port)
		if len(r.rec.masters) > 1 {
			address = net.JoinHostPort(flagValue(flags, "hostname"), port)
		}
		l, err := r.network.Listen(address)
		if err != nil {
			return nil, err
		}
		r.masters[port] = &replayedMaster{cluster: m, number: len(listeners[m]), address: address}
		listeners[m] = append(listeners[m], l)
	}
	r.master = r.masters[flagValue(r.rec.masters[0], "port")].cluster
	return listeners, nil
}

// cluster makes the fake for a master that has its own path in ZooKeeper.
func (r *replayer) cluster(flags []string) (*Master, error) {
	config := r.config
	var err error
	if quorum := flagValue(flags, "quorum"); quorum != "" {
		if config.Quorum, err = strconv.Atoi(quorum); err != nil {
			return nil, err
		}
	}
	if len(r.rec.masters) > 1 {
		config.Hostname = ""
	}
	return New(config)
}

// prepare brings about what was so before the recording began: ZooKeeper and masters that a note says
// were started.
func (r *replayer) prepare() {
	for _, l := range r.rec.lines {
		if l.Note == "ZooKeeper started" {
			for m := range r.clusters() {
				m.LoseZooKeeper()
			}
			for _, m := range r.masters {
				m.cluster.LoseMaster(m.number) // what began with ZooKeeper knows who led
				m.cluster.ReturnMaster(m.number)
			}
		}
	}
	for _, l := range r.rec.lines {
		if m := r.rec.pattern(masterStart).FindStringSubmatch(l.Note); m != nil {
			r.masters[m[1]].cluster.LoseMaster(r.masters[m[1]].number)
		}
		if r.rec.pattern(masterKill).MatchString(l.Note) {
			return // what starts now was killed
		}
	}
}

func (r *replayer) clusters() map[*Master]bool {
	all := map[*Master]bool{}
	for _, m := range r.masters {
		all[m.cluster] = true
	}
	return all
}

// address returns where a request goes: to the master that listened there, by default on port 5050.
func (r *replayer) address(to string) (string, error) {
	if a := r.agents[to]; a != nil {
		return net.JoinHostPort(a.IP, strconv.Itoa(a.Port)), nil
	}
	_, port, err := net.SplitHostPort(cmp.Or(to, recordedMaster))
	if m := r.masters[port]; err == nil && m != nil {
		return m.address, nil
	}
	return "", fmt.Errorf("%w: a request to %s", errUnsupported, to)
}

// masterNotes returns what was done to masters and to ZooKeeper, and what was seen of their election.
func (r *replayer) masterNotes() []noteAction {
	on := func(act func(*Master, int) bool) func(int, *recordedLine, []string) error {
		return func(_ int, _ *recordedLine, args []string) error {
			port := flagValue(r.rec.masters[0], "port")
			if len(args) > 0 && args[0] != "" {
				port = args[0]
			}
			if m := r.masters[port]; m == nil || !act(m.cluster, m.number) {
				return fmt.Errorf("no master on port %s", port)
			}
			return nil
		}
	}
	all := func(act func(*Master)) func(int, *recordedLine, []string) error {
		return func(int, *recordedLine, []string) error {
			for m := range r.clusters() {
				act(m)
			}
			return nil
		}
	}
	return []noteAction{
		{masterKill, on((*Master).LoseMaster)},
		{`^first master killed$`, on((*Master).LoseMaster)},
		{masterStart, on((*Master).ReturnMaster)},
		{`^ZooKeeper started$`, all((*Master).ReturnZooKeeper)},
		{`^ZooKeeper killed$`, all((*Master).LoseZooKeeper)},
		{`^GET /api/v1/scheduler of the two others: (.*)$`, func(_ int, _ *recordedLine, args []string) error {
			return r.others(args[0])
		}},
		{`^znodes under /mesos: \[(.*), log_replicas\]$`, func(_ int, _ *recordedLine, args []string) error {
			var names []string
			for _, c := range r.candidates() {
				names = append(names, fmt.Sprintf("json.info_%010d", c.Sequence))
			}
			if have := strings.Join(names, ", "); have != args[0] {
				return fmt.Errorf("nodes %s, recorded %s", have, args[0])
			}
			return nil
		}},
	}
}

func (r *replayer) candidates() []Candidate {
	var list []Candidate
	r.master.WatchElection(func(seen []Candidate) { list = seen })
	r.master.WatchElection(nil)
	return list
}

// znode compares a recorded node of the election.
func (r *replayer) znode(l *recordedLine) error {
	want, err := wirejson.Parse([]byte(l.Data))
	if err != nil {
		return err
	}
	path, _ := l.ZNode.(string)
	for _, c := range r.candidates() {
		if !strings.HasSuffix(path, fmt.Sprintf("/json.info_%010d", c.Sequence)) {
			continue
		}
		have, err := wirejson.Parse(c.Info)
		if err != nil {
			return err
		}
		return r.compare.value(r.ids, "", want, have)
	}
	return fmt.Errorf("no node %s", path)
}

// others asks masters with GET what they answer: a list of port, status, Location and body.
func (r *replayer) others(text string) error {
	var recorded [][4]any
	if err := json.Unmarshal([]byte(text), &recorded); err != nil {
		return err
	}
	for _, want := range recorded {
		m := r.masters[fmt.Sprint(want[0])]
		if m == nil {
			return fmt.Errorf("no master on port %v", want[0])
		}
		transport := &http.Transport{DialContext: r.network.DialContext, DisableKeepAlives: true}
		request, err := http.NewRequest(http.MethodGet, "http://"+m.address+"/api/v1/scheduler", nil)
		if err != nil {
			return err
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			return err
		}
		_ = response.Body.Close()
		location, _ := want[2].(string)
		if have := response.Header.Get("Location"); float64(response.StatusCode) != want[1] || have != location {
			return fmt.Errorf("port %v: %d to %q, recorded %v to %q", want[0], response.StatusCode, have, want[1], location)
		}
	}
	return nil
}
