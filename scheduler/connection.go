package scheduler

import (
	"fmt"
	"math"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesosid"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
)

// connection is the state of the subscription with the master.
type connection struct {
	missed int // heartbeats after which it counts as lost

	phase       phase
	stream      int                   // number of the newest subscription; 0 before the first
	frameworkID string                // assigned by the master; "": none yet
	callID      *mesos.FrameworkID    // the same in the form that calls have, of which all share one
	nonce       string                // of the first registration, for the record
	tried       bool                  // a SUBSCRIBE with the nonce may have reached a master
	ended       record.FrameworkState // Removed or TornDown, to be put on record; NoFramework: it has not ended
	info        mesos.FrameworkInfo   // of the next SUBSCRIBE, without the ID

	master string    // URL of the one that is subscribed with, or asked to
	leader string    // ID of the last one that was subscribed with, which differs after each of its starts; "": none, or not said
	since  time.Time // when the present subscription began, or the last one ended; before the first, when the run began

	attempts    int       // subscriptions that failed in a row
	newLeader   bool      // another master leads since the present attempt began
	shortened   bool      // the pause is, or was, short because of that
	shortPauses int       // such pauses in a row
	lastErr     error     // why there is no subscription; nil: there is one, or the first one is being made
	openedAt    time.Time // when SUBSCRIBED arrived
	lastHeard   time.Time // when the last event arrived
	answered    bool      // the master has accepted the HTTP request of the present subscription
	excused     bool      // a time in which the loop was busy does not count as silence since then
	heartbeat   time.Duration
	retryAt     time.Time // in phase waiting: when to subscribe again

	registeredAt time.Time // when a master assigned frameworkID; zero: before this run
	renewals     int       // in a row of frameworks that were soon removed
	notBefore    time.Time // no SUBSCRIBE before that, whichever master leads: it would register yet another framework
}

// phase is a phase of a connection.
type phase int

const (
	stopped     phase = iota // no run
	waiting                  // until retryAt
	recording                // until the framework is on record; SUBSCRIBE comes then
	connecting               // SUBSCRIBE is under way
	registering              // SUBSCRIBED arrived, and the new framework's ID is being stored
	connected                // SUBSCRIBED arrived
)

// defaultHeartbeat is the interval of the master's heartbeats until SUBSCRIBED has said otherwise.
const defaultHeartbeat = 15 * time.Second

// subscribedLimit is how long after the answer to its HTTP request SUBSCRIBED, or an ERROR, may take. Masters need a moment
// to authorize the framework; what stands in front of one may keep the event back.
const subscribedLimit = 15 * time.Second

// The range of intervals that are believed. Masters send a heartbeat each 15 s, and that cannot be configured.
const (
	minHeartbeat = time.Second
	maxHeartbeat = time.Hour
)

// heartbeatOf returns the interval of heartbeats that a master names, and reports whether it is one that is believed. One
// that is too short or too long counts as the shortest or longest, and one that is no time at all as the default.
func heartbeatOf(seconds float64) (interval time.Duration, believed bool) {
	switch {
	case seconds == 0: // not said
		return defaultHeartbeat, true
	case math.IsNaN(seconds) || seconds < 0:
		return defaultHeartbeat, false
	case seconds < minHeartbeat.Seconds():
		return minHeartbeat, false
	case seconds > maxHeartbeat.Seconds():
		return maxHeartbeat, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}

// current reports whether stream is the current subscription. Late inputs of an older one are ignored.
func (c *connection) current(stream int) bool {
	return stream == c.stream && c.phase >= connecting
}

// connected reports whether calls can be made.
func (c *connection) connected() bool { return c.phase == connected }

// maxSilence returns how long the master may be silent. It also applies while connecting, so that a connection that is
// never answered is detected as well.
func (c *connection) maxSilence() time.Duration { return time.Duration(c.missed) * c.heartbeat }

// silentAt returns when the master will have been silent for too long.
func (c *connection) silentAt() time.Time {
	if c.phase == connecting && c.answered {
		return c.lastHeard.Add(subscribedLimit)
	}
	return c.lastHeard.Add(c.maxSilence())
}

// silence returns the error of a master that was silent for too long.
func (c *connection) silence(now time.Time) error {
	err := fmt.Errorf("%w for %v", errSilent, now.Sub(c.lastHeard).Round(time.Millisecond))
	switch {
	case c.phase != connecting && c.master != "":
		return fmt.Errorf("scheduler: the stream of %s: %w", c.master, err)
	case c.answered:
		return fmt.Errorf("scheduler: %s has accepted SUBSCRIBE and sends no answer: %w", c.master, err)
	}
	return err
}

// deadline returns when to subscribe again, or when to end a silent subscription.
func (c *connection) deadline() (at time.Time, ok bool) {
	switch c.phase {
	case waiting:
		return c.retryAt, true
	case connecting, registering, connected:
		return c.silentAt(), true
	}
	return time.Time{}, false
}

// begin begins a run.
func (c *connection) begin(now time.Time) {
	c.attempts, c.lastErr, c.since = 0, nil, now
	c.notBefore, c.renewals = time.Time{}, 0
}

// connect begins a subscription, under the next number.
func (c *connection) connect(now time.Time) {
	c.stream++
	if !c.shortened {
		c.shortPauses = 0
	}
	c.newLeader, c.shortened, c.answered, c.excused = false, false, false, false
	c.phase, c.lastHeard, c.heartbeat = connecting, now, defaultHeartbeat
}

// opened notes that the master with this URL accepted the HTTP request.
func (c *connection) opened(now time.Time, master string) {
	c.lastHeard, c.master, c.answered = now, master, true
}

// received notes that an event arrived. While connecting, only SUBSCRIBED counts as a sign of life.
func (c *connection) received(now time.Time, subscribed bool) {
	if c.phase != connecting || subscribed {
		c.lastHeard, c.excused = now, false
	}
}

// wasBusy makes a time not count as silence of the master, in which the loop was busy and took no events. It does so once
// between two events: the reader of the stream goes on when such a step is over, and what it then reads is taken before the
// next silence is judged.
func (c *connection) wasBusy(now time.Time, took time.Duration) {
	if c.excused {
		return
	}
	c.excused = true
	if c.lastHeard = c.lastHeard.Add(took); c.lastHeard.After(now) {
		c.lastHeard = now
	}
}

// expects reports whether an event of a type is taken now. SUBSCRIBED comes once in a subscription, and first; what comes
// before it could not be answered.
func (c *connection) expects(t scheduler.Event_Type) bool {
	switch t {
	case scheduler.Event_ERROR:
		return true
	case scheduler.Event_SUBSCRIBED:
		return c.phase == connecting
	}
	return c.connected()
}

// checkID returns a [*FrameworkIDError] if the framework cannot be subscribed under this ID.
func (c *connection) checkID(id string) error {
	if c.frameworkID == id && id != "" || c.frameworkID == "" && mesosid.Fault(id) == "" {
		return nil
	}
	return &FrameworkIDError{Master: c.master, FrameworkID: c.frameworkID, Subscribed: strings.ToValidUTF8(id[:min(len(id), mesosid.MaxLen)], "\uFFFD")}
}

// subscribed takes an ID that was checked, and the heartbeat, of SUBSCRIBED. It reports whether the framework's ID is new.
func (c *connection) subscribed(now time.Time, id string, heartbeat time.Duration) bool {
	c.heartbeat = heartbeat
	if id == c.frameworkID {
		return false
	}
	c.frameworkID, c.registeredAt = id, now
	return true
}

// idOfCalls returns the framework's ID for a call, which must not be changed: all calls share it.
func (c *connection) idOfCalls() *mesos.FrameworkID {
	if c.callID == nil || c.callID.Value != c.frameworkID {
		c.callID = &mesos.FrameworkID{Value: c.frameworkID}
	}
	return c.callID
}

// led takes the ID of the master that SUBSCRIBED names, and reports whether another one led before.
func (c *connection) led(master string) (changed bool) {
	if master == "" {
		return false
	}
	before := c.leader
	c.leader = master
	return before != "" && before != master
}

// register waits for the framework's ID to be stored.
func (c *connection) register() { c.phase = registering }

// open notes that from now on events are taken and calls can be made.
func (c *connection) open(now time.Time) {
	c.phase, c.openedAt, c.since, c.lastErr = connected, now, now, nil
}

// lose ends a subscription, or an attempt to make one.
func (c *connection) lose(now time.Time, err error) {
	if c.connected() {
		c.since = now
	}
	c.phase, c.lastErr = waiting, err
}

// status returns what users are told of it.
func (c *connection) status() Status {
	s := Status{FrameworkID: c.frameworkID, Connected: c.connected(), Since: c.since}
	if s.Connected {
		s.Master = c.master
	} else {
		s.Err = c.lastErr
	}
	return s
}

// resetAttempts makes the next pause a short one, after a subscription that lasted for long.
func (c *connection) resetAttempts() { c.attempts, c.shortPauses = 0, 0 }

// The pause before another framework is registered in place of the second one in a row that was removed; it doubles up to
// the longest. A framework that lasted for that long begins a new row.
const (
	renewMin = 30 * time.Second
	renewMax = time.Hour
)

// renew notes that a framework was removed in place of which another is to be registered.
func (c *connection) renew(now time.Time) {
	if now.Sub(c.registeredAt) >= renewMax {
		c.renewals = 0
	}
	if c.renewals > 0 {
		c.notBefore = now.Add(min(renewMin<<min(c.renewals-1, 10), renewMax))
	}
	c.renewals++
}

// retry schedules the next attempt. If pauses are not to grow any more, it does not count as another one.
func (c *connection) retry(at time.Time, grow bool) {
	c.retryAt = latest(at, c.notBefore)
	if grow {
		c.attempts++
	}
}

// maxShortPauses is how many pauses in a row may be short because of a new leader. After them comes a whole one, so that
// there is no storm of attempts while ZooKeeper names one master after the other.
const maxShortPauses = 3

// shortPause reports whether this pause may be short because another master leads, once, and counts it.
func (c *connection) shortPause() bool {
	if c.shortened || c.shortPauses >= maxShortPauses {
		return false
	}
	c.shortened = true
	c.shortPauses++
	return true
}

// noteNewLeader notes that another master leads, which the present attempt may not know.
func (c *connection) noteNewLeader() { c.newLeader = true }

// retryBy ends the pause at that time at the latest.
func (c *connection) retryBy(at time.Time) {
	if at.Before(c.retryAt) {
		c.retryAt = latest(at, c.notBefore)
	}
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// stop ends the run.
func (c *connection) stop() { c.phase = stopped }

// forget drops the framework's ID, which cannot be used any more.
func (c *connection) forget() { c.frameworkID, c.nonce, c.tried = "", "", false }

// waitForRecord waits for the framework to be on record.
func (c *connection) waitForRecord() { c.phase = recording }

// setNonce sets the nonce of the first registration.
func (c *connection) setNonce(nonce string) { c.nonce, c.tried = nonce, false }

// tryNonce notes that SUBSCRIBE is made without an ID, and returns the nonce if that was done before.
func (c *connection) tryNonce() (before string) {
	if c.frameworkID != "" {
		return ""
	}
	if c.tried {
		before = c.nonce
	}
	c.tried = true
	return before
}

// markEnded notes that the framework has ended, as Removed or TornDown.
func (c *connection) markEnded(how record.FrameworkState) { c.ended = how }

// restore sets what the store has of the framework. Of one that was removed nothing is left: another is to be registered.
func (c *connection) restore(f record.Framework) {
	if f.State != record.Removed {
		c.frameworkID, c.nonce, c.tried = f.ID, f.Nonce, f.Nonce != ""
	}
}

// record returns what is to be stored of the framework.
func (c *connection) record(f record.Fingerprint, term uint64) record.Framework {
	r := record.Framework{ID: c.frameworkID, Nonce: c.nonce, Fingerprint: f, Term: term}
	switch {
	case c.frameworkID == "" && c.nonce == "":
		return record.Framework{}
	case c.frameworkID == "":
		r.State = record.Registering
	case c.ended != record.NoFramework:
		r.State = c.ended
	default:
		r.State = record.Active
	}
	return r
}

// setInfo sets the FrameworkInfo for the following subscriptions.
func (c *connection) setInfo(info mesos.FrameworkInfo) { c.info = info }
