package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/agenthttp"
	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/ordered"
	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Scheduler is one Mesos framework. Its methods may be called from any goroutine. Those that need a run
// wait for the first [Scheduler.Run] to begin, and return [ErrNotRunning] when it has ended. Called from a matcher, a builder,
// a policy or a log handler, which the scheduler waits for, they return [ErrReentrant].
type Scheduler struct {
	config   Config
	settings settings
	watchers watchers
	tally    *tally
	userCode userCode
	tokens   *mesoshttp.TokenSource // nil without Config.Token
	agents   *agenthttp.Client      // for Logs and ReadFile
	workDirs workDirs               // of agents, for ReadFile
	// idle holds the machine while no run does.
	idle chan *machine
	// preloaded is what Preload has decoded for the next run.
	preloaded atomic.Pointer[record.Cache]
	// stores are the stores of runs, the last one among them, and others that have not returned from a call. It belongs to
	// the run, like the machine.
	stores []storeTurn
	// decide is machine.step, except in tests that break it on purpose.
	decide func(*machine, time.Time, input) []action
	// present is the newest run, nil before the first; begun is closed by the first.
	present   atomic.Pointer[run]
	begun     chan struct{}
	closeOnce sync.Once
	warnOnce  sync.Once // that Run has not been called
}

// New returns a new scheduler, which does nothing until [Scheduler.Run] or [Scheduler.Lead] is called: methods such as
// Submit wait for that. For an invalid config it returns a [*ConfigError], or several joined.
func New(config Config) (*Scheduler, error) {
	config, err := config.normalize()
	if err != nil {
		return nil, err
	}
	tokens := config.tokenSource()
	agents, err := config.agentClient(tokens)
	if err != nil {
		return nil, err
	}
	s := &Scheduler{config: config, tokens: tokens, agents: agents, idle: make(chan *machine, 1), decide: (*machine).step, begun: make(chan struct{})}
	s.userCode.log = config.Logger
	s.tally = newTally(config.Framework.Name, &s.watchers)
	s.settings = s.userCode.wrap(config.settings())
	s.idle <- newMachine(s.settings)
	return s, nil
}

// Run subscribes to the master and serves the scheduler's other methods until ctx ends, the framework is torn down, or an
// error makes it useless to go on. It returns nil after [Scheduler.Teardown], and otherwise the cause of ctx's end,
// [ErrEvicted], a [*FrameworkRemovedError], a [*SubscribeError] or a [*FencedError]. If it cannot begin it returns the error
// of the store's Load, a [*RecordError], a [*FingerprintError] or, while another Run has not returned, [ErrRunning].
// Everything else, such as a master that cannot be reached or a store that cannot be written to, is tried again for ever.
// When ctx has ended Run returns within a second or so, also if a call of the store does not, see [Store].
//
// Tasks keep running when Run returns. It may be called again, also by another process with the same store, and goes
// on where it ended. After a [*FrameworkRemovedError] that is useless: the tasks are gone, and a new framework needs
// a new Scheduler, with [Config.RenewFramework] or an empty store.
func (s *Scheduler) Run(ctx context.Context) error { return s.Lead(ctx, Term{}) }

// Logger returns the log of the scheduler: [Config.Logger] or its default, without lines that repeat.
func (s *Scheduler) Logger() *slog.Logger { return s.config.Logger }

// String returns the name of the framework and [Config.Master] without its password.
func (s *Scheduler) String() string { return s.config.String() }

// Format prints the same as String with every verb, so that no secret is logged.
func (s *Scheduler) Format(to fmt.State, _ rune) { fmt.Fprint(to, s.String()) }

// Submit waits for [Scheduler.Run] to begin, on another goroutine, and puts a task on record. It returns when the
// record is stored, and does not wait for the task to run. If ctx ends first the task is withdrawn or killed, and the
// error is a [*WaitError]. It returns joined [*task.FieldError] for an invalid spec, and [ErrDuplicateTask] for an ID
// that is on record or remembered, see [Config.RememberIDs].
//
// With a [task.Spec.RequestID] it can be called again: if the task on record has the same RequestID and an equal spec, as
// [Scheduler.Ensure] compares them, it returns nil, however far the task has come. If only the spec is another one the error
// is a [*SpecDiffError]. Of a task that is only remembered the spec alone is compared. The task then stays on record if ctx ends
// first. Ensure is for programs that may have submitted the task in an earlier run.
func (s *Scheduler) Submit(ctx context.Context, spec task.Spec) error {
	_, err := s.put(ctx, spec, func(r ref, spec task.Spec) input { return submit{ref: r, spec: spec} })
	return err
}

// Launch puts a task on record and waits until it is running and, if it has a health check, healthy.
// If ctx ends first the task is withdrawn or killed, unless it has a RequestID, and the error is a [*WaitError], which says why
// the task was not running yet. If Run ends first the task stays on record and keeps running. It returns the errors of
// [Scheduler.Submit], and a [*TaskError] if the task ends first.
//
// With a [task.Spec.RequestID] it can be called again, as Submit, and waits if need be; several callers may wait at once. Of a
// task that has finished meanwhile it returns what is known, without an error, since it has run.
func (s *Scheduler) Launch(ctx context.Context, spec task.Spec) (task.Info, error) {
	return s.put(ctx, spec, func(r ref, spec task.Spec) input { return submit{ref: r, spec: spec, wait: true} })
}

// SubmitPod puts the members of a pod on record: tasks that run on one agent under the same executor, share its network and
// sandbox volumes, and are launched and killed together. It returns when they are stored. If ctx ends first they are
// withdrawn. With a [task.Spec.RequestID], which is the same for all, it can be called again with the same members in any
// order, as [Scheduler.Submit], and nothing is withdrawn. All must have the same [task.Spec.Pod] and satisfy
// [task.ValidatePod]; the constraints of all of them apply to the pod. It returns joined [*task.FieldError] for invalid
// specs, and [ErrDuplicateTask] for an ID or a name of a pod that is on record or remembered. See Mesos'
// docs/nested-container-and-task-group.md.
func (s *Scheduler) SubmitPod(ctx context.Context, members ...task.Spec) error {
	return s.submitPod(ctx, members, false)
}

// LaunchPod is SubmitPod, and then waits until all members run, and those with a health check are healthy. A member that has
// already finished counts as running. If ctx ends first they are withdrawn or killed, unless they have a RequestID. It also
// returns a [*TaskError] for the first member that ends in any other way.
func (s *Scheduler) LaunchPod(ctx context.Context, members ...task.Spec) ([]task.Info, error) {
	if err := s.submitPod(ctx, members, true); err != nil {
		return nil, err
	}
	infos := make([]task.Info, len(members))
	for i := range members {
		var err error
		if infos[i], err = s.Task(ctx, members[i].ID); err != nil {
			return nil, err
		}
	}
	return infos, nil
}

func (s *Scheduler) submitPod(ctx context.Context, members []task.Spec, wait bool) error {
	specs, ids := make([]task.Spec, len(members)), make([]string, len(members))
	var errs []error
	for i := range members {
		specs[i], ids[i] = members[i].Clone(), members[i].ID
		errs = append(errs, specs[i].Validate())
	}
	if err := errors.Join(append(errs, task.ValidatePod(specs))...); err != nil {
		return err
	}
	if _, able := s.config.Builder.(PodBuilder); !able {
		return &task.FieldError{Field: "Pod", Value: specs[0].Pod, Reason: "needs a builder that is a PodBuilder"}
	}
	_, err := s.ask(ctx, &request{
		pod:   specs,
		input: func(r ref) input { return submitPod{ref: r, specs: specs, wait: wait} },
		waits: ids,
	})
	return err
}

// Kill ends a task and waits until it has ended. A pending task is withdrawn. For a member of a pod it ends all
// members. If ctx ends first the task is killed nevertheless. A task that has already ended is returned as it is, or as
// it is remembered. For an ID that is neither on record nor remembered Kill returns [ErrUnknownTask].
//
// The KILL is repeated until the task has ended: after 5 s, then with pauses that double up to 1 min, or up to 15 min while
// the task is unreachable. When it can be reached again, the next one is sent at once.
// While the master does not take KILLs, all of them wait for a pause of 1 s that doubles up to 1 min, or for as long as its
// Retry-After asks for, up to 15 min; another subscription ends the pause.
func (s *Scheduler) Kill(ctx context.Context, id string) (task.Info, error) {
	return s.ask(ctx, &request{
		input: func(r ref) input { return kill{ref: r, id: id} },
		waits: []string{id},
	})
}

// Forget takes a task off the record, also in the store: a task that has ended or is only remembered, or one that is
// [task.StateUnreachable] or [task.StateUnknown] and not worth waiting for. Its ID, and the name of its pod, may be
// used again, and constraints such as UNIQUE no longer count it. With a member of a pod all members are forgotten. It
// returns a [*ForgetError] for a task, or a member of its pod, in any other state, and [ErrUnknownTask] for an ID that
// is neither on record nor remembered. Callers that wait for the task in Kill, Launch or Wait get [ErrUnknownTask]. If
// ctx ends first the task is forgotten nevertheless.
//
// Watchers are told by a [RemovedEvent]; Mesos is not told. If the task still runs when its agent comes back, it is a task
// that is not on record: [Config.UnknownTasks] says what happens to it. A kill that was asked for is forgotten as well. For
// a replacement of an unreachable task use another ID: a master refuses the old one, with [task.StateError], for as long as
// it remembers the unreachable task, and if both ran the two could not be told apart.
func (s *Scheduler) Forget(ctx context.Context, id string) error {
	_, err := s.ask(ctx, &request{input: func(r ref) input { return forget{ref: r, id: id} }})
	return err
}

// Teardown ends the framework: Mesos kills all its tasks, and its ID can never be used again. Run
// then returns nil. If ctx ends first the framework is torn down nevertheless. A later Run registers a new framework,
// except in an election. Tasks that had not ended are then on record as killed. All IDs stay taken, see [Scheduler.Forget].
func (s *Scheduler) Teardown(ctx context.Context) error {
	_, err := s.ask(ctx, &request{input: func(r ref) input { return teardown{ref: r} }})
	return err
}

// Reconcile asks the master about every task that has not ended, and waits until an update has arrived for each. For
// tasks on agents that have not re-registered since a failover of the master that may take ten minutes. The scheduler
// also reconciles by itself, after each subscription and every 15 min. If ctx ends first the reconciliation goes on.
// See Mesos' docs/reconciliation.md.
func (s *Scheduler) Reconcile(ctx context.Context) error {
	_, err := s.ask(ctx, &request{input: func(r ref) input { return reconcile{ref: r} }})
	return err
}

// Call makes a call that has no method of its own: SHUTDOWN, MESSAGE, REQUEST, UPDATE_FRAMEWORK,
// ACKNOWLEDGE_OPERATION_STATUS, RECONCILE_OPERATIONS, and KILL for a task that is not on record. Other calls, which the
// scheduler makes by itself, are refused with a [*CallError] of status 0, and so are calls without a part that they need.
//
// It returns nil if the master accepted the call, which does not mean that it has acted on it yet. Otherwise it returns
// [ErrNotSubscribed], a [*CallError], or an error of the connection, after which the call may have arrived or not. The
// framework ID is filled in, and in UPDATE_FRAMEWORK also the suppressed roles, and the failover timeout if the call has
// none: it stays as it is. What UPDATE_FRAMEWORK changes is in force until Run ends. Mesos answers with events: see
// [Scheduler.WatchRaw]. If ctx ends first the call may still be made. See Mesos' docs/scheduler-http-api.md.
func (s *Scheduler) Call(ctx context.Context, call *scheduler.Call) error {
	copied, err := checkedCall(call)
	if err != nil {
		return err
	}
	_, err = s.ask(ctx, &request{input: func(r ref) input { return rawCall{ref: r, call: copied} }})
	return err
}

// Task returns what is known of a task. For a task that is only remembered, see [Config.RememberIDs], that is its ID, its pod,
// its final state and, in Updated, when it ended. For an ID that is neither on record nor remembered it returns
// [ErrUnknownTask].
func (s *Scheduler) Task(ctx context.Context, id string) (task.Info, error) {
	var info record.Info
	known := false
	_, err := s.ask(ctx, &request{read: func(m *machine) { info, known = m.tasks.info(id) }})
	if err == nil && !known {
		err = unknown(id)
	}
	return info.Public(), err
}

// Tasks returns all tasks on record in order of submission, without those that are only remembered. Like other methods
// it returns [ErrNotRunning] when Run has ended, so that this differs from no tasks.
func (s *Scheduler) Tasks(ctx context.Context) ([]task.Info, error) {
	var all ordered.Snapshot[*record.Task]
	_, err := s.ask(ctx, &request{read: func(m *machine) { all = m.tasks.records.Snapshot() }})
	if err != nil {
		return nil, err
	}
	return infosOf(all), nil // not copied on the scheduler's goroutine, since there may be very many
}

func infosOf(tasks ordered.Snapshot[*record.Task]) []task.Info {
	infos := make([]task.Info, 0, tasks.Len())
	for t := range tasks.All() {
		infos = append(infos, t.Info.Public())
	}
	return infos
}

// History returns what has become of a task so far, the oldest transition first: each change of its state or health, with
// the reason, also those in earlier runs and processes. There are at most 16: the first one, and the last ones. Of a task
// that is only remembered, or whose record was written by a version without histories, there is one, the last. For an ID
// that is neither on record nor remembered it returns [ErrUnknownTask].
func (s *Scheduler) History(ctx context.Context, id string) ([]task.Transition, error) {
	var all []task.Transition
	_, err := s.ask(ctx, &request{read: func(m *machine) { all = m.tasks.historyOf(id) }})
	if err == nil && all == nil {
		err = unknown(id)
	}
	return all, err
}

// put asks for a single task to be put on record, with the input that in returns.
func (s *Scheduler) put(ctx context.Context, spec task.Spec, in func(ref, task.Spec) input) (task.Info, error) {
	spec = spec.Clone() // the caller may go on with its own
	if spec.Pod != "" {
		return task.Info{}, &task.FieldError{Field: "Pod", Value: spec.Pod, Reason: "must be empty: the members of a pod are submitted together, by SubmitPod or LaunchPod"}
	}
	if err := spec.Validate(); err != nil {
		return task.Info{}, err
	}
	return s.ask(ctx, &request{
		spec:  &spec,
		input: func(r ref) input { return in(r, spec) },
		waits: []string{spec.ID},
	})
}
