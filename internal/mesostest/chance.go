package mesostest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// Chances are faults that come by chance, drawn from Config.Seed. Each is a probability from 0 to 1;
// those of calls add up to 1 at most.
type Chances struct {
	// Of each call, SUBSCRIBE too, that Intercept lets pass; at most one of them.

	Unavailable float64 // answered 503, without effect
	Hang        float64 // never answered, without effect
	Cut         float64 // the connection breaks, without effect
	HangAfter   float64 // never answered, but it has its effect
	CutAfter    float64 // the connection breaks, but it has its effect
	Delay       float64 // it has its effect, and is answered, up to MaxDelay later

	// Of each event that is sent.

	CutStream float64 // the stream breaks after it was sent, maybe before it is read
	Duplicate float64 // an UPDATE comes twice
	Late      float64 // an UPDATE comes up to MaxDelay later, those of its task behind it: events of others overtake it
	Drop      float64 // an UPDATE that the master made, which has no uuid, does not come

	// MaxDelay bounds what Delay and Late do. Default 1 s.
	MaxDelay time.Duration
}

// disturbance is the chances and their source.
type disturbance struct {
	Chances
	random *rand.Rand // of its own, so that IDs stay what they are
}

// Disturb lets faults come by chance from now on; the zero Chances end it. The same seed gives the same faults
// for the same calls and events in the same order. The error names the field that is no probability.
func (m *Master) Disturb(c Chances) error {
	sum := 0.0
	for i, p := range []struct {
		name  string
		value float64
	}{
		{"Unavailable", c.Unavailable},
		{"Hang", c.Hang},
		{"Cut", c.Cut},
		{"HangAfter", c.HangAfter},
		{"CutAfter", c.CutAfter},
		{"Delay", c.Delay},
		{"CutStream", c.CutStream},
		{"Duplicate", c.Duplicate},
		{"Late", c.Late},
		{"Drop", c.Drop},
	} {
		if !(p.value >= 0 && p.value <= 1) {
			return fmt.Errorf("mesostest: Chances.%s is no probability: %v", p.name, p.value)
		}
		if i < 6 {
			sum += p.value
		}
	}
	if sum > 1 {
		return fmt.Errorf("mesostest: Chances of calls add up to more than 1: %v", sum)
	}
	if c.MaxDelay < 0 {
		return fmt.Errorf("mesostest: Chances.MaxDelay is negative: %s", c.MaxDelay)
	}
	setDefault(&c.MaxDelay, time.Second)
	m.must(func() { m.disturbance.Chances = c })
	return nil
}

// happens draws with a probability.
func (d *disturbance) happens(p float64) bool { return p > 0 && d.random.Float64() < p }

// delay draws a time up to MaxDelay, at least 1 ns.
func (d *disturbance) delay() time.Duration {
	return 1 + time.Duration(d.random.Int64N(int64(d.MaxDelay)))
}

// ofCall draws what becomes of a call. A delay is drawn instead of a fault.
func (d *disturbance) ofCall() (Fault, time.Duration) {
	if d.Unavailable+d.Hang+d.Cut+d.HangAfter+d.CutAfter+d.Delay == 0 {
		return Pass, 0
	}
	x := d.random.Float64()
	for _, c := range []struct {
		p     float64
		fault Fault
	}{{d.Unavailable, 503}, {d.Hang, Hang}, {d.Cut, Cut}, {d.HangAfter, HangAfter}, {d.CutAfter, CutAfter}} {
		if x -= c.p; x < 0 {
			return c.fault, 0
		}
	}
	if x < d.Delay {
		return Pass, d.delay()
	}
	return Pass, 0
}

// deliver puts an event on the framework's stream, or does what chance wants. What is sent meanwhile on another
// stream is no matter of this one.
func (m *Master) deliver(f *framework, e *scheduler.Event) {
	d, s := &m.disturbance, f.stream
	if u := e.GetUpdate(); u != nil {
		if u.Status.UUID == nil && d.happens(d.Drop) {
			return
		}
		id := u.Status.TaskID.Value
		if waiting, ok := s.late[id]; ok {
			s.late[id] = append(waiting, e)
			return
		}
		if d.happens(d.Late) {
			if s.late == nil {
				s.late = make(map[string][]*scheduler.Event)
			}
			s.late[id] = []*scheduler.Event{e}
			m.after(d.delay(), func() {
				for _, e := range s.late[id] {
					s.push(e, m.muted())
				}
				delete(s.late, id)
			})
			return
		}
		if d.happens(d.Duplicate) {
			s.push(e, m.muted())
		}
	}
	s.push(e, m.muted())
	if d.happens(d.CutStream) {
		m.after(0, func() { m.cutStream(s) }) // whoever sends is in the midst of something
	}
}
