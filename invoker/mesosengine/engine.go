package mesosengine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/internal/rotation"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// ownerLabel is the label that all containers of invokers have. Other tasks of the framework are none of the engine's.
const ownerLabel = "invoker.owner"

// killTime is how long Create waits for the end of a container that has not come up. It is killed in any case.
const killTime = 10 * time.Second

// Engine is an [invoker.Engine] that is also an [invoker.OutputReader], an [invoker.OutputLinker] and an [invoker.AgentLister].
// Its methods may be called from any goroutine.
type Engine struct {
	scheduler *scheduler.Scheduler
	config    Config
	streams   *rotation.Streams
	agents    agents
}

// New returns an engine whose containers are tasks of a scheduler, which somebody else runs: see [SchedulerConfig]. For an invalid
// config it returns a [*ConfigError], or several joined.
func New(s *scheduler.Scheduler, config Config) (*Engine, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	return &Engine{scheduler: s, config: config, streams: rotation.New(maxStreams)}, nil
}

// Create runs a task, whose ID is that of the container, and returns when Mesos says that it is running. If it does not come to
// that it is killed, and Create waits for its end, up to 10 s after that of ctx. If the scheduler's run ends meanwhile, the task
// stays on record, and [Engine.Instances] lists it in the next run.
//
// Its errors wrap [invoker.ErrNoCapacity], also when ctx ends while no offer fits, [invoker.ErrImage], also for a kind without a command in
// mode Command and for no image in the others, [invoker.ErrMemory],
// [invoker.ErrStart], or [invoker.ErrUnavailable] for all that another attempt may not meet. When docker run itself fails, most
// likely because a host port is in use, Create tries once more, without the ports on that agent.
func (e *Engine) Create(ctx context.Context, id string, s invoker.Spec) (invoker.Instance, error) {
	if s.Labels[ownerLabel] == "" {
		return invoker.Instance{}, fmt.Errorf("mesosengine: container %q has no label %s: it could not be found again", id, ownerLabel)
	}
	if err := e.config.runs(s); err != nil {
		return invoker.Instance{}, err
	}
	spec := e.config.taskSpec(id, s)
	if err := e.avoid(ctx, &spec, s.Avoid); err != nil {
		return invoker.Instance{}, startFailed(err)
	}
	info, err := e.launch(ctx, spec)
	if dockerRunFailed(err) && e.scheduler.Forget(ctx, id) == nil {
		info, err = e.launch(ctx, spec)
	}
	if err != nil {
		return invoker.Instance{}, startFailed(err)
	}
	in := e.instance(&info)
	if in.Address == "" {
		return invoker.Instance{}, errors.Join(fmt.Errorf("%w: Mesos does not tell its address", invoker.ErrUnavailable), e.giveUp(ctx, id))
	}
	in.Output = e.outputOf(ctx, id)
	return in, nil
}

// avoid keeps a task from the hosts of these agents, as far as they have made an offer.
func (e *Engine) avoid(ctx context.Context, spec *task.Spec, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	known, err := e.scheduler.Agents(ctx)
	if err != nil {
		return err
	}
	spec.Constraints = slices.Clone(spec.Constraints)
	for i := range known {
		if a := &known[i].Agent; slices.Contains(ids, a.ID) {
			spec.Constraints = append(spec.Constraints, task.Constraint{
				Attribute: task.AttributeHostname, Operator: task.OpUnlike, Value: regexp.QuoteMeta(a.Hostname),
			})
		}
	}
	return nil
}

// launch submits a task and waits until it is running, whatever its health: the invoker finds out by itself when it answers.
func (e *Engine) launch(ctx context.Context, spec task.Spec) (task.Info, error) {
	err := e.scheduler.Submit(ctx, spec)
	submitted := err == nil
	var info task.Info
	if submitted {
		info, err = e.scheduler.Wait(ctx, spec.ID, scheduler.UntilRunningAnyHealth)
	}
	var gaveUp *scheduler.WaitError
	if err != nil && (submitted || errors.As(err, &gaveUp)) {
		err = errors.Join(err, e.giveUp(ctx, spec.ID))
	}
	return info, err
}

// giveUp kills a task, and returns nil when it has ended.
func (e *Engine) giveUp(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), killTime)
	defer cancel()
	if err := e.kill(ctx, id); err != nil {
		return fmt.Errorf("it is being killed, and has not ended yet: %w", err)
	}
	return nil
}

// kill kills a task, and returns nil when it has ended. One that is not known has.
func (e *Engine) kill(ctx context.Context, id string) error {
	_, err := e.scheduler.Kill(ctx, id)
	if errors.Is(err, scheduler.ErrUnknownTask) {
		return nil
	}
	return err
}

// Destroy kills a task without a grace period and returns nil when it has ended. After an error it is killed nevertheless: the
// scheduler repeats that until Mesos confirms it. While its agent is unreachable nothing can be confirmed.
func (e *Engine) Destroy(ctx context.Context, id string) error {
	if err := e.kill(ctx, id); err != nil {
		return fmt.Errorf("%w: %w", invoker.ErrUnavailable, err)
	}
	return nil
}

// Instances lists the tasks with the label invoker.owner that have not ended, of any owner. It returns those that are on record,
// and thus may be older than what Mesos knows: [Engine.Watch] tells of the difference once the scheduler has asked. A task whose launch
// is not confirmed yet has no address.
func (e *Engine) Instances(ctx context.Context) ([]invoker.Instance, error) {
	tasks, err := e.scheduler.Tasks(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", invoker.ErrUnavailable, err)
	}
	var all []invoker.Instance
	for i := range tasks {
		if t := &tasks[i]; ours(t) && !t.State.Terminal() {
			in := e.instance(t)
			in.Output = e.outputOf(ctx, in.ID)
			all = append(all, in)
		}
	}
	return all, nil
}

// ours reports whether a task is the container of an invoker.
func ours(t *task.Info) bool { return t.Spec.Labels[ownerLabel] != "" }

// instance returns a task as a container. One that has not come up has no address.
func (e *Engine) instance(t *task.Info) invoker.Instance {
	in := invoker.Instance{
		ID: t.Spec.ID, Incarnation: containerID(t.Status), Agent: t.AgentID, Labels: maps.Clone(t.Spec.Labels), Started: t.Submitted,
	}
	if in.Incarnation == "" || len(t.Spec.Ports) == 0 {
		return in
	}
	switch port := t.Spec.Ports[0]; {
	case port.NoHost && len(t.IPs) > 0:
		in.Address = net.JoinHostPort(t.IPs[0], strconv.Itoa(int(port.Container)))
	case !port.NoHost && len(t.HostPorts) > 0:
		in.Address = net.JoinHostPort(host(t), strconv.Itoa(int(t.HostPorts[0])))
	}
	return in
}

// host returns where the agent of a task is reached: where it serves HTTP itself, or else its hostname.
func host(t *task.Info) string {
	address := strings.TrimPrefix(t.AgentAddress, "https://")
	if host, _, err := net.SplitHostPort(address); err == nil && host != "" {
		return host
	}
	return t.Hostname
}

// containerID returns the ID that Mesos has given to a container, "" if there is none yet.
func containerID(status *mesos.TaskStatus) string {
	return status.GetContainerStatus().GetContainerID().GetValue()
}
