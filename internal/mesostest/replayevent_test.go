package mesostest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// event waits for the recorded event on its stream.
func (r *replayer) event(i int, l *recordedLine) error {
	x := r.streams[l.N]
	if x == nil {
		return fmt.Errorf("an event on stream %d, which was never opened", l.N)
	}
	if typeOf(l.Event) == "HEARTBEAT" {
		x.recorded++
		return nil
	}
	early, late := r.window(i)
	return r.expect(x, l, early, late)
}

func (r *replayer) expect(x *exchange, l *recordedLine, early, late time.Duration) error {
	var fault error
	recorded, when := l.Event, r.moment(l.T)
	ok := r.wait(when.Add(late), func() bool {
		i, err := r.match(x, recorded)
		if err != nil {
			fault = err
			return false
		}
		fault = nil
		if d := when.Sub(x.events[i].at); d > early {
			fault = fmt.Errorf("%s came %v too early", short(recorded), d)
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

// queuedTask returns the task of an update that the agent sent, "" of other events.
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
	if !r.wait(r.moment(l.T).Add(tolerance), func() bool { return !x.endedAt.IsZero() }) {
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
