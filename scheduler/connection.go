package scheduler

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// connection is how far the subscription with the master has got.
type connection struct {
	missed int // heartbeats after which it counts as lost

	phase       phase
	stream      int                 // number of the newest subscription; 0 before the first
	frameworkID string              // given by the master; "": none yet
	info        mesos.FrameworkInfo // what the framework subscribes as, without the ID

	attempts  int       // subscriptions that failed in a row
	lastErr   error     // why there is no subscription; nil: there is one, or the first is under way
	openedAt  time.Time // when SUBSCRIBED arrived
	lastHeard time.Time // when the master last said anything
	heartbeat time.Duration
	retryAt   time.Time // in phase waiting: when to subscribe again
}

// phase is what a connection is doing.
type phase int

const (
	stopped     phase = iota // no run
	waiting                  // until retryAt
	connecting               // a subscription was asked for
	registering              // SUBSCRIBED arrived, and the new framework's ID is being stored
	connected                // SUBSCRIBED arrived
)

// defaultHeartbeat is the master's interval until it has told its own.
const defaultHeartbeat = 15 * time.Second

// current reports whether stream is the subscription in use: a late event of an older one must not
// be taken for one of it.
func (c *connection) current(stream int) bool {
	return stream == c.stream && c.phase >= connecting
}

// connected reports whether calls can be made.
func (c *connection) connected() bool { return c.phase == connected }

// patience returns how long the master may be silent. It holds from the first attempt to connect on,
// so that a connection that never gets anywhere is noticed as well.
func (c *connection) maxSilence() time.Duration { return time.Duration(c.missed) * c.heartbeat }

// silence returns when the master will have been silent for too long.
func (c *connection) silentAt() time.Time { return c.lastHeard.Add(c.maxSilence()) }

// deadline returns when there is something to do: to subscribe again, or to give the subscription up.
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
func (c *connection) begin() { c.attempts, c.lastErr = 0, nil }

// connect begins a subscription, under the next number.
func (c *connection) connect(now time.Time) {
	c.stream++
	c.phase, c.lastHeard, c.heartbeat = connecting, now, defaultHeartbeat
}

// opened notes that a master took the subscription's request.
func (c *connection) opened(now time.Time) { c.lastHeard = now }

// heard notes that something arrived. While connecting, that is a sign of life only if it is SUBSCRIBED.
func (c *connection) received(now time.Time, subscribed bool) {
	if c.phase != connecting || subscribed {
		c.lastHeard = now
	}
}

// subscribed takes what SUBSCRIBED says, and reports whether the framework's ID is another one now.
func (c *connection) subscribed(id string, heartbeat time.Duration) bool {
	if heartbeat > 0 {
		c.heartbeat = heartbeat
	}
	changed := id != c.frameworkID
	c.frameworkID = id
	return changed
}

// register waits for the framework's ID to be stored.
func (c *connection) register() { c.phase = registering }

// open begins to take events and to make calls.
func (c *connection) open(now time.Time) { c.phase, c.openedAt, c.lastErr = connected, now, nil }

// lose ends a subscription.
func (c *connection) lose(err error) { c.phase, c.lastErr = waiting, err }

// steady notes that the last subscription held for long: the next pause is a short one.
func (c *connection) resetAttempts() { c.attempts = 0 }

// retry plans the next attempt.
func (c *connection) retry(at time.Time) {
	c.retryAt = at
	c.attempts++
}

// stop ends the run.
func (c *connection) stop() { c.phase = stopped }

// forget drops the framework's ID, which cannot be used again.
func (c *connection) forget() { c.frameworkID = "" }

// restore takes the ID that is on record.
func (c *connection) restore(frameworkID string) { c.frameworkID = frameworkID }

// setInfo has the framework subscribe as this from now on.
func (c *connection) setInfo(info mesos.FrameworkInfo) { c.info = info }
