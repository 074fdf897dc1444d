package scheduler

import (
	"cmp"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the transcripts of the scenarios")

// TestScenarios passes the commands in testdata/scenarios, the lines that begin with ">", to the machine, and
// compares the actions that it returns with the lines below each. Run it with -update to
// rewrite them, and review the difference.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			recorded, err := os.ReadFile(file)
			require.NoError(t, err)
			played := playScenario(t, string(recorded))
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(played), 0o644))
				return
			}
			require.Equal(t, string(recorded), played)
		})
	}
}

// playScenario runs the commands of a transcript and returns the transcript with the actions of the machine.
func playScenario(t *testing.T, text string) string {
	s := newStage(t)
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, ">"):
			fmt.Fprintf(&b, "%s\n%s", line, s.play(strings.Fields(line[1:])))
		case line == "", strings.HasPrefix(line, "#"):
			fmt.Fprintln(&b, line)
		}
	}
	return b.String()
}

// play performs one command and returns the actions.
func (s *stage) play(words []string) string {
	s.out.Reset()
	verb, args, options := words[0], []string{}, map[string]string{}
	for _, w := range words[1:] {
		if k, v, ok := strings.Cut(w, "="); ok {
			options[k] = strings.ReplaceAll(v, "_", " ")
		} else {
			args = append(args, w)
		}
	}
	switch verb {
	case "durable": // from here on there is a store to wait for, in a term of leadership or not
		s.configure(func(set *settings) {
			set.durable, set.renew = true, slices.Contains(args, "renew")
			_, _ = fmt.Sscan(options["term"], &set.term)
		})
	case "remember": // no more than these IDs of ended tasks
		s.configure(func(set *settings) {
			_, _ = fmt.Sscan(options["count"], &set.remember.Count)
			set.remember.For = s.duration(options["for"])
		})
	case "limits": // cycles and time that a task may be pending
		s.configure(func(set *settings) {
			_, _ = fmt.Sscan(options["cycles"], &set.maxCycles)
			set.maxWait = s.duration(options["wait"])
		})
	case "explain":
		fmt.Fprintf(&s.out, "  %v\n", s.machine.explain(s.now, s.machine.tasks.byID[args[0]]))
	case "agents":
		for _, a := range statsOf(s.machine, s.now) {
			fmt.Fprintf(&s.out, "  %s offered %+v for %v at %v, taken by %d: %+v\n",
				a.Agent.Hostname, a.Offered, a.Roles, max(-1, a.OfferedAt.Sub(s.began)), a.Tasks, a.Taken)
		}
	case "presence":
		for _, p := range s.machine.census.running() {
			fmt.Fprintf(&s.out, "  %d of group %q on %s\n", p.Tasks, p.Group, p.Agent.Hostname)
		}
	case "policy":
		s.policy(options)
	case "wait":
		s.wait(args[0])
	case "tasks":
		for _, e := range s.machine.tasks.inOrder() {
			fmt.Fprintf(&s.out, "  %s %s on %q\n", e.Info.Spec.ID, e.Info.State, e.Info.AgentID)
		}
		for _, id := range slices.Sorted(maps.Keys(s.machine.tasks.remembered.tasks)) {
			fmt.Fprintf(&s.out, "  %s is remembered\n", id)
		}
	case "offers":
		offers := offersOf(args)
		for i := range offers.Offers {
			if role := options["role"]; role != "" {
				offers.Offers[i].AllocationInfo.Role = &role
			}
			if options["allocation"] == "resources" { // and not the offer
				for j := range offers.Offers[i].Resources {
					offers.Offers[i].Resources[j].AllocationInfo = offers.Offers[i].AllocationInfo
				}
				offers.Offers[i].AllocationInfo = nil
			}
			if options["maintenance"] != "" {
				offers.Offers[i].Unavailability = s.maintenance(options)
			}
		}
		s.event(options, offersEvent(offers))
	case "done":
		s.done(args[0], args[1], options["message"])
	default:
		s.step(s.input(verb, args, options))
	}
	return s.out.String()
}

// policy sets roles and the offer policy, before the start.
func (s *stage) policy(options map[string]string) {
	s.configure(func(set *settings) { s.policyOf(set, options) })
}

func (s *stage) policyOf(set *settings, options map[string]string) {
	duration := func(key string, to *time.Duration) {
		if text := options[key]; text != "" {
			var err error
			*to, err = time.ParseDuration(text)
			require.NoError(s.t, err)
		}
	}
	duration("hold", &set.hold)
	duration("prefer", &set.waitPreferred)
	duration("maxwait", &set.maxWait)
	for key, to := range map[string]*int{"max": &set.holdMax, "agent": &set.holdPerAgent} {
		if n, err := strconv.Atoi(options[key]); err == nil {
			*to = n
		}
	}
	if roles := options["roles"]; roles != "" {
		set.framework.Roles = strings.Split(roles, ",")
	}
}

func (s *stage) input(verb string, args []string, options map[string]string) input {
	switch verb {
	case "start":
		return start{}
	case "elected":
		return leaderElected{}
	case "open":
		return streamOpened{stream: s.machine.conn.stream, master: "http://m1:5050"}
	case "close":
		if status, err := strconv.Atoi(options["status"]); err == nil {
			return streamClosed{stream: s.stream(options), err: &SubscribeError{Status: status, Message: options["error"]}}
		}
		err := errors.New(options["error"])
		switch strings.Join(args, "") {
		case "leaderless":
			err = &leaderlessError{err}
		case "elected":
			err = fmt.Errorf("%w: %w", err, errNewLeader)
		}
		return streamClosed{stream: s.stream(options), err: err}
	case "end":
		return end{}
	case "garbled":
		return streamGarbled{stream: s.stream(options), err: errors.New("garbled")}
	case "submit", "launch":
		s.lastRef++
		return submit{ref: s.lastRef, spec: specOf(args[0], options), wait: verb == "launch"}
	case "kill":
		s.lastRef++
		return kill{ref: s.lastRef, id: args[0]}
	case "forget":
		s.lastRef++
		return forget{ref: s.lastRef, id: args[0]}
	case "cancel":
		n, err := strconv.Atoi(args[0])
		require.NoError(s.t, err)
		return cancel{ref: ref(n), id: args[1]}
	case "reconcile":
		s.lastRef++
		return reconcile{ref: s.lastRef}
	case "stored":
		if options["error"] != "" {
			return stored{err: errors.New(options["error"])}
		}
		records := 1 << 20 // all
		if n, err := strconv.Atoi(options["records"]); err == nil {
			records = n
		}
		return stored{records: records}
	case "rename": // a call of the user's
		s.lastRef++
		return rawCall{ref: s.lastRef, call: &scheduler.Call{Type: scheduler.Call_UPDATE_FRAMEWORK, UpdateFramework: &scheduler.Call_UpdateFramework{
			FrameworkInfo: mesos.FrameworkInfo{Name: args[0], Roles: strings.Split(cmp.Or(options["roles"], "*"), ",")},
		}}}
	case "teardown":
		s.lastRef++
		return teardown{ref: s.lastRef}
	}
	return streamEvent{stream: s.stream(options), event: s.eventOf(verb, args, options)}
}

func (s *stage) stream(options map[string]string) int {
	if n := options["stream"]; n != "" {
		i, err := strconv.Atoi(n)
		require.NoError(s.t, err)
		return i
	}
	return s.machine.conn.stream
}

func (s *stage) eventOf(verb string, args []string, options map[string]string) *scheduler.Event {
	switch verb {
	case "subscribed":
		seconds, _ := strconv.ParseFloat(options["heartbeat"], 64) // 0: not said
		return &scheduler.Event{Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{
			FrameworkID: &mesos.FrameworkID{Value: args[0]}, HeartbeatIntervalSeconds: &seconds,
			MasterInfo: &mesos.MasterInfo{Version: proto(options["version"])},
		}}
	case "heartbeat":
		return &scheduler.Event{Type: scheduler.Event_HEARTBEAT}
	case "rescind":
		return &scheduler.Event{Type: scheduler.Event_RESCIND, Rescind: &scheduler.Event_Rescind{OfferID: mesos.OfferID{Value: args[0]}}}
	case "lost":
		return &scheduler.Event{Type: scheduler.Event_FAILURE, Failure: &scheduler.Event_Failure{AgentID: &mesos.AgentID{Value: args[0]}}}
	case "inverse":
		return &scheduler.Event{Type: scheduler.Event_INVERSE_OFFERS, InverseOffers: &scheduler.Event_InverseOffers{InverseOffers: []mesos.InverseOffer{{
			OfferID: mesos.OfferID{Value: args[0]}, AgentID: &mesos.AgentID{Value: args[1]}, Unavailability: *s.maintenance(options),
		}}}}
	case "error":
		return &scheduler.Event{Type: scheduler.Event_ERROR, Error: &scheduler.Event_Error{Message: options["message"]}}
	case "update":
		return &scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: s.statusOf(args, options)}}
	}
	require.FailNow(s.t, "unknown command", verb)
	return nil
}

// maintenance parses when maintenance begins, counted from the beginning of the scenario, and optionally how long it
// takes.
func (s *stage) maintenance(options map[string]string) *mesos.Unavailability {
	start := s.began.Add(s.duration(options["maintenance"]))
	u := &mesos.Unavailability{Start: mesos.TimeInfo{Nanoseconds: start.UnixNano()}}
	if options["takes"] != "" {
		u.Duration = &mesos.DurationInfo{Nanoseconds: int64(s.duration(options["takes"]))}
	}
	return u
}

func (s *stage) duration(text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	require.NoError(s.t, err)
	return d
}

func (s *stage) statusOf(args []string, options map[string]string) mesos.TaskStatus {
	state, ok := mesos.TaskState_value["TASK_"+args[1]]
	require.True(s.t, ok, args[1])
	status := mesos.TaskStatus{TaskID: mesos.TaskID{Value: args[0]}, State: mesos.TaskState(state).Enum()}
	if agent := options["agent"]; agent != "" {
		status.AgentID = &mesos.AgentID{Value: agent}
	}
	if m := options["message"]; m != "" {
		status.Message = &m
	}
	if h := options["healthy"]; h != "" {
		healthy := h == "true"
		status.Healthy = &healthy
	}
	if r := options["reason"]; r != "" {
		reason, ok := mesos.TaskStatus_Reason_value["REASON_"+strings.ReplaceAll(r, " ", "_")]
		require.True(s.t, ok, r)
		status.Reason = mesos.TaskStatus_Reason(reason).Enum()
	}
	var err error
	status.UUID, err = hex.DecodeString(options["uuid"])
	require.NoError(s.t, err)
	return status
}

func (s *stage) event(options map[string]string, e *scheduler.Event) {
	s.step(streamEvent{stream: s.stream(options), event: e})
}

// done passes the outcome of the last call of a type to the machine: ACCEPT or, for the ACCEPT of an offer, ACCEPT:o1.
func (s *stage) done(call, result, message string) {
	call, offer, _ := strings.Cut(call, ":")
	for i := len(s.sent) - 1; i >= 0; i-- {
		if c := s.sent[i]; c.call.GetType().String() == call && strings.Contains(c.String(), offer) {
			o := map[string]outcome{"accepted": accepted, "refused": refused, "unsent": unsent, "unclear": unclear, "stale": stale}[result]
			require.Equal(s.t, result, o.String())
			var err error
			if o != accepted {
				err = errors.New("no")
			}
			if message != "" {
				err = &CallError{Call: call, Status: 400, Message: message}
			}
			s.step(callDone{stream: c.stream, call: c.call, ref: c.ref, outcome: o, err: err})
			return
		}
	}
	require.FailNow(s.t, "no such call was sent", call)
}

// wait lets time pass, and wakes the machine when it is due.
func (s *stage) wait(duration string) {
	d, err := time.ParseDuration(duration)
	require.NoError(s.t, err)
	until := s.now.Add(d)
	for {
		at := s.machine.deadline()
		if at.IsZero() || at.After(until) {
			break
		}
		require.False(s.t, at.Before(s.now), "the deadline %v is in the past of %v", at, s.now)
		s.now = at
		fmt.Fprintf(&s.out, "  at %v:\n", s.now.Sub(s.began))
		s.step(wake{})
		require.NotEqual(s.t, at, s.machine.deadline(), "waking at the deadline changed nothing")
	}
	s.now = until
}

func (s *stage) step(in input) {
	for _, a := range s.actions(in) {
		if c, ok := a.(send); ok {
			s.sent = append(s.sent, c)
		}
		if n, ok := a.(notify); ok {
			if c, ok := n.event.(ConnectionEvent); ok && !c.Connected && !c.NextAttempt.IsZero() {
				fmt.Fprintf(&s.out, "  %s, again after %v\n", a, c.NextAttempt.Sub(s.now))
				continue
			}
		}
		line, _, _ := strings.Cut(a.String(), "\n") // without the stack of a panic
		fmt.Fprintf(&s.out, "  %s\n", line)
	}
}

// actions returns the actions of an input and, if the machine is due after it, those of wake.
func (s *stage) actions(in input) []action {
	actions := slices.Clone(s.machine.step(s.now, in))
	if s.machine.due(s.now) {
		actions = append(actions, s.machine.step(s.now, wake{})...)
	}
	return actions
}
