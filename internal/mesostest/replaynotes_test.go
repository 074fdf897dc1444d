package mesostest

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// note acts on what was done outside. A note that speaks of an action and is not understood is
// an error; all others are free comments.
func (r *replayer) note(i int, l *recordedLine) error {
	for _, n := range r.notes() {
		if m := r.rec.pattern(n.pattern).FindStringSubmatch(l.Note); m != nil {
			r.pause(l)
			return n.act(i, l, m[1:])
		}
	}
	if r.rec.pattern(`\b(killed with SIG\w+|sent SIG\w+|^(agent|master)\S* started|^(ZooKeeper|first master) killed|closed the connection|SHUT_WR|on one connection|on the same connection)`).MatchString(l.Note) {
		return fmt.Errorf("%w: %q", errUnsupported, l.Note)
	}
	return nil
}

type noteAction struct {
	pattern string
	act     func(i int, l *recordedLine, args []string) error
}

func (r *replayer) notes() []noteAction {
	simple := func(request string) func(int, *recordedLine, []string) error {
		return func(int, *recordedLine, []string) error {
			return r.raw(recordedMaster, http.MethodPost, []byte(request))
		}
	}
	const call = "Content-Type: application/json\r\nContent-Length: 2\r\n"
	return append(slices.Concat(r.agentNotes(), r.masterNotes(), r.connectionNotes()), []noteAction{
		{`^scheduler closed the connection of stream (\d+)$`, func(_ int, _ *recordedLine, args []string) error {
			n, _ := strconv.Atoi(args[0])
			x := r.streams[n]
			if x == nil {
				return fmt.Errorf("stream %d was never opened", n)
			}
			x.abandoned = true
			return x.conn.Close()
		}},
		{`^mesos-executor killed with SIGKILL$`, func(i int, _ *recordedLine, _ []string) error {
			task := r.failingTask(i)
			if !r.master.KillExecutor(task) {
				return fmt.Errorf("no executor of task %q", task)
			}
			return nil
		}},
		{`^the OFFERS event itself is only in `, func(_ int, l *recordedLine, _ []string) error {
			event, err := r.rec.elsewhere(l.Note)
			if err != nil {
				return err
			}
			x := r.streams[slices.Max(slices.Collect(maps.Keys(r.streams)))]
			return r.expectOffers(x, event)
		}},
		{`^HTTP/1\.0 request without Host$`, simple("POST /api/v1/scheduler HTTP/1.0\r\n" + call + "\r\n{}")},
		{`^Expect: 100-continue$`, simple("POST /api/v1/scheduler HTTP/1.1\r\nHost: m\r\nExpect: 100-continue\r\n" + call + "\r\n{}")},
		{`^bytes that are not HTTP$`, simple("these bytes are not HTTP\r\n\r\n")},
		{`^two requests pipelined on one connection, then Connection: close$`, simple(
			"POST /api/v1/scheduler HTTP/1.1\r\nHost: m\r\n" + call + "\r\n{}" +
				"POST /api/v1/scheduler HTTP/1.1\r\nHost: m\r\nConnection: close\r\n" + call + "\r\n{}")},
	}...)
}

// expectOffers matches an event that was recorded without its time, up to its IDs: those of the
// recording and of the stream beside it are of different runs.
func (r *replayer) expectOffers(x *exchange, event any) error {
	ok := r.wait(time.Now().Add(r.interval+tolerance), func() bool {
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

// failingTask returns the task whose end is recorded next.
func (r *replayer) failingTask(i int) string {
	for _, l := range r.rec.lines[i:] {
		if at(l.Event, "update", "status", "state") == "TASK_FAILED" {
			s, _ := at(l.Event, "update", "status", "task_id", "value").(string)
			return s
		}
	}
	return ""
}
