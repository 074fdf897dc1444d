package mesostest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// TestRecordings replays recordings of a real master against the fake one: the same requests at the
// same moments, and the fake must answer and tell the same, IDs and points in time aside.
//
// The moments. A request is sent once all that was recorded before it has happened, and not before
// its recorded time. An event must come within 0.4 s of its recorded time, since processes start
// and end as fast as the machine lets them; news of checks within 0.75 s, since every check is
// a process. Offers that come within 0.1 s of what freed their resources may come an allocation
// interval later, and those that missed an allocation by less than 0.25 s an interval earlier:
// the order of the two is a matter of milliseconds; so it is with inverse offers, which are answered
// right behind an allocation. All this tells a filter of 5 s from one of
// 6 s. Four things are taken from the recording so that more slack is not needed: when it
// allocated and pinged its agents, and how long executors took to start and to notice the end of their tasks.
//
// What must be equal: status, headers and body of responses; events, each on its stream, in any
// order but with those of one task in order; the end of streams. Timestamps, details of containers
// and what a task's stderr holds, which is mostly the executor's log, are only looked at for
// presence; of the flags in /state those count that the fake has. Offers of one event and resources of one offer are in
// any order. Nothing else may be sent up to a quarter of a second before the end of the recording;
// heartbeats are expected at their interval.
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
			t.Parallel()
			rec, err := loadRecording(file)
			require.NoError(t, err)
			require.NoError(t, replay(t, rec, func(*complaint) bool { return false }))
		})
	}
}

// replay returns the complaint of the luckiest attempt, nil when one had none. It makes attempts with every reap time
// and phase twice, with different seeds, unless a complaint is enough to go by.
func replay(t *testing.T, rec *recording, enough func(*complaint) bool) error {
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
		if !found.chance || enough(found) {
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

// launch returns how long tasks take to start: as long as in the recording.
func (rec *recording) launch() func(string) time.Duration {
	launches, median := rec.launchTimes()
	if median == 0 {
		median = 100 * time.Millisecond
	}
	return func(task string) time.Duration {
		if took, ok := next(launches, task); ok {
			return took
		}
		return median
	}
}

// slowestReap is how much of the recorded life of a task may be the time to notice its end.
const slowestReap = 400 * time.Millisecond

// reap lets the executor notice the end of a task when it did in the recording, in every other
// attempt; else some time later.
func (rec *recording) reap(luck chance) func(string, time.Duration) time.Duration {
	lives := rec.lives()
	random := rand.New(rand.NewPCG(luck.seed, 1))
	return func(task string, ran time.Duration) time.Duration {
		life, ok := next(lives, task)
		switch {
		case ok && luck.seed%2 == 0:
			return min(max(life-ran, 0), slowestReap)
		case luck.seed == 0:
			return luck.reap
		}
		return time.Duration(random.Int64N(int64(luck.reap)))
	}
}

// next takes the first duration seen of a task; the last one stays.
func next(seen map[string][]time.Duration, task string) (d time.Duration, ok bool) {
	list := seen[task]
	if len(list) == 0 {
		return 0, false
	}
	if len(list) > 1 {
		seen[task] = list[1:]
	}
	return list[0], true
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
	masters  map[string]*replayedMaster // by port; master is the cluster of the first
	network  virtualnet.Network
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
	kept     *talk // the connection that the notes speak of
}

const recordedMaster = "127.0.0.1:5050"

func replayOnce(rec *recording, luck chance) *complaint {
	r := &replayer{
		rec:     rec,
		compare: comparer{ids: rec.pattern(idPattern)},
		ids:     newBinding(),
		found:   make(chan func()),
		streams: map[int]*exchange{},
		agents:  map[string]*replayedAgent{},
	}
	var err error
	if r.config, err = rec.config(); err != nil {
		return &complaint{line: 1, text: err.Error()}
	}
	r.config.Seed, r.config.launch, r.config.reap = luck.seed, rec.launch(), rec.reap(luck)
	r.config.Executors, r.config.ListenAgents, r.config.pinged = recordedExecutor, AtIP(r.network.Listen), r.pinged
	if err := r.splitAgents(); err != nil {
		return &complaint{line: 1, text: err.Error()}
	}
	r.interval = r.config.withDefaults().AllocationInterval
	r.phase, r.period = rec.ticks(r.interval)
	r.config.AllocationInterval = r.period
	r.election()
	listeners, err := r.listen()
	if err != nil {
		return &complaint{line: 1, text: err.Error()}
	}

	// The fake allocates at multiples of the interval since it runs.
	phase := (r.phase + luck.phase + r.period) % r.period
	r.start = time.Now().Add((r.period - phase) % r.period)

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, len(listeners))
	for m, on := range listeners {
		go func() { done <- m.Run(ctx, on[0], on[1:]...) }()
	}
	r.prepare()
	found := r.run()
	cancel()
	r.drain()
	for range listeners {
		if err := <-done; err != nil && found == nil {
			found = &complaint{line: len(rec.lines) + 1, text: "the master ended with " + err.Error()}
		}
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

const (
	tolerance      = 400 * time.Millisecond // see TestRecordings
	checkTolerance = 750 * time.Millisecond
	endTolerance   = 250 * time.Millisecond // what came so shortly before the end may have come after it
)

// window returns how much earlier and later than recorded the event at line i may come.
func (r *replayer) window(i int) (early, late time.Duration) {
	l := &r.rec.lines[i]
	early, late = tolerance, tolerance
	switch {
	case at(l.Event, "update", "status", "healthy") != nil || at(l.Event, "update", "status", "check_status") != nil:
		early, late = checkTolerance, checkTolerance
	case typeOf(l.Event) == "INVERSE_OFFERS":
		early += r.interval // the answer came right behind an allocation, where the filter ends too
	case typeOf(l.Event) == "SUBSCRIBED":
		early = time.Hour // it answers a request, whenever a busy master got to it
	case typeOf(l.Event) == "OFFERS":
		for j := i - 1; j >= 0; j-- {
			before := inSeconds(l.T - r.rec.lines[j].T)
			if before > r.interval {
				break
			}
			if !r.rec.lines[j].freesResources() {
				continue
			}
			if before < 100*time.Millisecond {
				late = tolerance + r.interval
			}
			if before > r.interval-250*time.Millisecond {
				early = tolerance + r.interval
			}
		}
	}
	return early, late
}

// pinged returns when an agent that is lost now misses its first ping: so long before the recorded master gave an
// agent up as that waits for it. It is not ok when no agent was given up for a loss at about this time.
func (r *replayer) pinged(now time.Time) (first time.Time, ok bool) {
	c := r.config.withDefaults()
	interval := c.AgentPingTimeout / time.Duration(c.MaxAgentPingTimeouts)
	for i := range r.rec.lines {
		if l := &r.rec.lines[i]; l.marksUnreachable() {
			first = r.moment(l.T).Add(-c.AgentPingTimeout)
			if late := first.Sub(now); late > -tolerance && late < interval+tolerance {
				return first, true
			}
		}
	}
	return time.Time{}, false
}

// moment returns a recorded time on the clock of the replay.
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
	if err := r.leftovers(end.Add(-endTolerance)); err != nil {
		return &complaint{line: last.number, chance: true, text: err.Error()}
	}
	return nil
}

// wait takes what the readers find until cond holds, or the moment has come and gone. It reports
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
		return r.event(i, l)
	case l.Stream == "opened":
		if r.opened == nil {
			return errors.New("stream opened, but no response opened one")
		}
		r.streams[l.N], r.opened = r.opened, nil
		return nil
	case l.Stream == "closed":
		return r.closed(l)
	case l.ZNode != nil:
		return r.znode(l)
	case l.Note != "":
		return r.note(i, l)
	}
	return errors.New("a line of unknown kind")
}

// opensStream reports whether the stream of a response at line i is listened to further on.
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

// drain closes all connections and waits for the readers.
func (r *replayer) drain() {
	for _, x := range r.streams {
		_ = x.conn.Close()
	}
	for _, x := range r.calls {
		_ = x.conn.Close()
	}
	if r.kept != nil {
		_ = r.kept.conn.Close()
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
