package scheduler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/logguard"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// logging returns a loop that logs as that of a scheduler, and the number of lines so far.
func logging(level slog.Level) (*loop, *bytes.Buffer, func() int) {
	var b bytes.Buffer
	guard := logguard.Logger(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: level})))
	l := &loop{log: slog.New(userHandler{guard.Handler(), &userCode{}})}
	return l, &b, func() int { return strings.Count(b.String(), "\n") }
}

// What repeats is a few lines a minute, however often it does.
func TestLinesPerMinute(t *testing.T) {
	for name, c := range map[string]struct {
		say       func(context.Context, *loop, int)
		perSecond int
		most      int // lines in ten minutes
	}{
		"a leader that flaps": {func(ctx context.Context, l *loop, n int) {
			if n%2 == 0 {
				l.logEvent(ctx, ConnectionEvent{Connected: true, FrameworkID: "f"})
			} else {
				l.logEvent(ctx, ConnectionEvent{Err: fmt.Errorf("scheduler: the stream ended: %d", n), NextAttempt: time.Now()})
			}
		}, 6_200, 30},
		"calls that fail": {func(ctx context.Context, l *loop, n int) {
			call := &scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: fmt.Sprint("t", n)}}}
			l.logCall(ctx, callDone{call: call, outcome: refused, err: errors.New("503")})
		}, 5_000, 15},
		"calls of two types that fail": {func(ctx context.Context, l *loop, n int) {
			call := &scheduler.Call{Type: []scheduler.Call_Type{scheduler.Call_MESSAGE, scheduler.Call_SHUTDOWN}[n%2]}
			l.logCall(ctx, callDone{call: call, outcome: refused, err: errors.New("503")})
		}, 1_000, 30},
		"a store that fails": {func(ctx context.Context, l *loop, n int) {
			l.logEvent(ctx, StoreEvent{Err: []error{nil, errors.New("disk full")}[n%2]})
		}, 100, 30},
		"a matcher that panics": {func(ctx context.Context, l *loop, _ int) {
			l.logEvent(ctx, OfferEvent{Err: panicked("the matcher", "x")})
		}, 100, 30},
		"tasks that are not on record": {func(ctx context.Context, l *loop, n int) {
			l.logEvent(ctx, UnknownTaskEvent{Status: mesos.TaskStatus{TaskID: mesos.TaskID{Value: fmt.Sprint(n)}}})
		}, 1_000, 15},
		"agents that are lost":             {func(ctx context.Context, l *loop, n int) { l.logEvent(ctx, FailureEvent{AgentID: fmt.Sprint(n)}) }, 1_000, 15},
		"updates that change nothing much": {func(ctx context.Context, l *loop, _ int) { l.logEvent(ctx, &taskChange{minor: true}) }, 10_000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, _, lines := logging(slog.LevelInfo)
				for second := range 600 {
					for n := range max(1, c.perSecond/20) {
						c.say(t.Context(), l, n+second)
					}
					time.Sleep(time.Second)
				}
				require.LessOrEqual(t, lines(), c.most)
				if c.most > 0 {
					require.GreaterOrEqual(t, lines(), 10)
				}
			})
		})
	}
}

// Each change of a task's state is a line, and so is each of its health.
func TestLinesOfTasks(t *testing.T) {
	l, _, lines := logging(slog.LevelInfo)
	for n := range 1_000 {
		l.logEvent(t.Context(), &taskChange{info: record.Info{Spec: record.Spec{ID: fmt.Sprint(n)}, State: task.StateRunning}})
	}
	require.Equal(t, 1_000, lines())
	l.logEvent(t.Context(), &taskChange{minor: true})
	require.Equal(t, 1_000, lines())
	debug, b, _ := logging(slog.LevelDebug)
	debug.logEvent(t.Context(), &taskChange{minor: true})
	require.Contains(t, b.String(), "level=DEBUG msg=task")
}

// A call with 20,000 IDs is a short line, whatever its type.
func TestLineOfCallWithManyIDs(t *testing.T) {
	const many = 20_000
	offers, inverse, roles := make([]mesos.OfferID, many), make([]mesos.OfferID, many), make([]string, many)
	tasks, infos := make([]scheduler.Call_Reconcile_Task, many), make([]mesos.TaskInfo, many)
	for i := range many {
		id := fmt.Sprintf("7811ecd5-9ed5-4dfa-bd54-e1c20ec60199-O%d", i)
		offers[i].Value, inverse[i].Value, roles[i], tasks[i].TaskID.Value, infos[i].TaskID.Value = id, id, id, id, id
	}
	for _, call := range []*scheduler.Call{
		{Type: scheduler.Call_DECLINE, Decline: &scheduler.Call_Decline{OfferIDs: offers}},
		{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{OfferIDs: offers, Operations: []mesos.Offer_Operation{
			{Type: mesos.Offer_Operation_LAUNCH, Launch: &mesos.Offer_Operation_Launch{TaskInfos: infos}}}}},
		{Type: scheduler.Call_REVIVE, Revive: &scheduler.Call_Revive{Roles: roles}},
		{Type: scheduler.Call_SUPPRESS, Suppress: &scheduler.Call_Suppress{Roles: roles}},
		{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{Tasks: tasks}},
		{Type: scheduler.Call_ACCEPT_INVERSE_OFFERS, AcceptInverseOffers: &scheduler.Call_AcceptInverseOffers{InverseOfferIDs: inverse}},
		{Type: scheduler.Call_DECLINE_INVERSE_OFFERS, DeclineInverseOffers: &scheduler.Call_DeclineInverseOffers{InverseOfferIDs: inverse}},
		{Type: scheduler.Call_UPDATE_FRAMEWORK, UpdateFramework: &scheduler.Call_UpdateFramework{SuppressedRoles: roles}},
		{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: strings.Repeat("\n", many)}}},
	} {
		t.Run(call.GetType().String(), func(t *testing.T) {
			l, b, lines := logging(slog.LevelInfo)
			l.logCall(t.Context(), callDone{call: call, outcome: unclear, err: errors.New("no answer")})
			require.Equal(t, 1, lines())
			require.LessOrEqual(t, b.Len(), 9<<10) // of escape sequences, which the handler escapes again
			if call.Kill == nil {
				require.LessOrEqual(t, b.Len(), 2<<10)
				require.Contains(t, b.String(), "and 19990 more")
			}
		})
	}
}

// What a line is about has the same name in all lines, and is not there if it is unknown.
func TestKeysOfLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, b, _ := logging(slog.LevelDebug)
		ctx := t.Context()
		agent := &mesos.AgentID{Value: "S1"}
		l.logEvent(ctx, &taskChange{info: record.Info{Spec: record.Spec{ID: "a"}, State: task.StatePending}})
		l.logEvent(ctx, &taskChange{info: record.Info{Spec: record.Spec{ID: "a"}, State: task.StateRunning, AgentID: "S1", Hostname: "h1"}, message: "healthy"})
		l.logEvent(ctx, RemovedEvent{Tasks: []string{"a", "b"}})
		l.logEvent(ctx, ConnectionEvent{Connected: true, FrameworkID: "f-1"})
		l.logEvent(ctx, ConnectionEvent{FrameworkID: "f-1", Err: errors.New("eof")})
		l.logEvent(ctx, FailureEvent{AgentID: "S1"})
		l.logEvent(ctx, UnknownTaskEvent{Status: mesos.TaskStatus{TaskID: mesos.TaskID{Value: "b"}, AgentID: agent, State: mesos.TASK_RUNNING.Enum()}})
		l.logEvent(ctx, InverseOfferEvent{Offer: InverseOffer{AgentID: "S1"}, Accepted: true})
		l.logCall(ctx, callDone{call: &scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: "a"}, AgentID: agent}}, outcome: refused, err: errors.New("503")})
		l.logCall(ctx, callDone{call: acceptOf("o1", "o2"), outcome: unclear, err: errors.New("503")})
		var lines []string
		for line := range strings.Lines(b.String()) {
			_, line, _ = strings.Cut(line, "level=")
			lines = append(lines, strings.TrimSpace(line))
		}
		require.Equal(t, []string{
			`INFO msg=task task_id=a state=pending`,
			`INFO msg=task task_id=a state=running agent_id=S1 hostname=h1 message=healthy`,
			`DEBUG msg="tasks not on record any more" event="2 tasks not on record any more: a, b"`,
			`INFO msg=subscribed framework_id=f-1`,
			`WARN msg="not subscribed" framework_id=f-1 error=eof`,
			`WARN msg="agent lost" agent_id=S1`,
			`WARN msg="unknown task" task_id=b agent_id=S1 event="unknown task b running on S1"`,
			`WARN msg="inverse offer" agent_id=S1 event="inverse offer for S1 from 0001-01-01T00:00:00Z accepted"`,
			`WARN msg="call failed" call=KILL about="a on S1" task_id=a agent_id=S1 outcome=refused error=503`,
			`WARN msg="call failed" call=ACCEPT about="o1 o2" offer_id=o1 outcome=unclear error=503`,
		}, lines)
	})
}

func acceptOf(offers ...string) *scheduler.Call {
	accept := &scheduler.Call_Accept{}
	for _, id := range offers {
		accept.OfferIDs = append(accept.OfferIDs, mesos.OfferID{Value: id})
	}
	return &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: accept}
}
