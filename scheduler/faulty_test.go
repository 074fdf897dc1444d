package scheduler_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// matcherErrors returns the errors of the offer events so far.
func (h *harness) matcherErrors() (texts []string) {
	synctest.Wait() // for the watcher
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if o, ok := e.(scheduler.OfferEvent); ok && o.Err != nil {
			texts = append(texts, o.Err.Error())
		}
	}
	return texts
}

// change changes the first resource of that name in a list, without changing what it shares.
func change(all []mesos.Resource, name string, f func(*mesos.Resource)) []mesos.Resource {
	all = slices.Clone(all)
	i := slices.IndexFunc(all, func(r mesos.Resource) bool { return r.Name == name })
	f(&all[i])
	return all
}

func setAmount(x float64) func(*mesos.Resource) {
	return func(r *mesos.Resource) { r.Scalar = &mesos.Value_Scalar{Value: x} }
}

// What a faulty matcher returns has no effect and is told, by events and by Explain. The cluster has one agent, and
// the tasks a and b ask for two ports each.
func TestFaultyMatchers(t *testing.T) {
	t.Parallel()
	first := func(f func(*task.Placement)) func([]task.Placement, []task.Rejection) ([]task.Placement, []task.Rejection) {
		return func(p []task.Placement, r []task.Rejection) ([]task.Placement, []task.Rejection) {
			p = slices.Clone(p)
			f(&p[0])
			return p, r
		}
	}
	for name, c := range map[string]struct {
		tamper func([]task.Placement, []task.Rejection) ([]task.Placement, []task.Rejection)
		err    string
	}{
		"control": {func(p []task.Placement, r []task.Rejection) ([]task.Placement, []task.Rejection) { return p, r }, ""},
		"neither placed nor rejected": {func([]task.Placement, []task.Rejection) ([]task.Placement, []task.Rejection) {
			return nil, nil
		}, `neither placed nor rejected task "a", "b"`},
		"forgets one": {func(p []task.Placement, r []task.Rejection) ([]task.Placement, []task.Rejection) {
			return p[:1], r
		}, `neither placed nor rejected task "b"`},
		"forgets one and rejects another": {func(p []task.Placement, _ []task.Rejection) ([]task.Placement, []task.Rejection) {
			return nil, []task.Rejection{{TaskID: "b"}}
		}, `neither placed nor rejected task "a"`},
		"the same task twice": {func(p []task.Placement, r []task.Rejection) ([]task.Placement, []task.Rejection) {
			return append(p, p[0]), r
		}, `placed task "a", which is not pending`},
		"an unknown task": {func(p []task.Placement, r []task.Rejection) ([]task.Placement, []task.Rejection) {
			unknown := p[0]
			unknown.TaskID = "nobody"
			return append(p, unknown), r
		}, `placed task "nobody", which is not pending`},
		"rejects an unknown task": {func(p []task.Placement, _ []task.Rejection) ([]task.Placement, []task.Rejection) {
			return p, []task.Rejection{{TaskID: "nobody"}}
		}, `rejected task "nobody", which is not pending`},
		"rejects what it places": {func(p []task.Placement, _ []task.Rejection) ([]task.Placement, []task.Rejection) {
			return p, []task.Rejection{{TaskID: "a"}}
		}, `rejected task "a", which is not pending, or which it placed`},
		"rejects a task twice": {func(p []task.Placement, _ []task.Rejection) ([]task.Placement, []task.Rejection) {
			return p[:1], []task.Rejection{{TaskID: "b"}, {TaskID: "b"}}
		}, `rejected task "b" twice`},
		"rejects more than there are": {func(p []task.Placement, _ []task.Rejection) ([]task.Placement, []task.Rejection) {
			return p[:1], []task.Rejection{{TaskID: "b", Others: 3}}
		}, `rejected task "b" and 3 more of its class, of which 0 were left`},
		"an unknown offer":   {first(func(p *task.Placement) { p.OfferIDs = []string{"none"} }), `on offer "none"`},
		"no offer":           {first(func(p *task.Placement) { p.OfferIDs = nil }), `on no offer`},
		"an offer twice":     {first(func(p *task.Placement) { p.OfferIDs = append(p.OfferIDs, p.OfferIDs...) }), `twice`},
		"another agent":      {first(func(p *task.Placement) { p.AgentID = "other" }), `of agent "other", which is not there`},
		"no resources":       {first(func(p *task.Placement) { p.Resources = nil }), `placed task "a" without resources`},
		"a negative amount":  {first(func(p *task.Placement) { p.Resources = change(p.Resources, "cpus", setAmount(-1)) }), `cpus:-1: no valid amount`},
		"not a number":       {first(func(p *task.Placement) { p.Resources = change(p.Resources, "cpus", setAmount(math.NaN())) }), `no valid amount`},
		"more than is there": {first(func(p *task.Placement) { p.Resources = change(p.Resources, "cpus", setAmount(9)) }), `cpus:9: more than is left`},
		"more in all":        {first(func(p *task.Placement) { p.Resources = change(p.Resources, "cpus", setAmount(7.5)) }), `placed task "b" on what it was not offered: cpus:1: more than is left`},
		"a resource of text": {first(func(p *task.Placement) {
			p.Resources = change(p.Resources, "mem", func(r *mesos.Resource) { r.Type = mesos.TEXT.Enum() })
		}), `neither a scalar nor ranges`},
		"no type": {first(func(p *task.Placement) {
			p.Resources = change(p.Resources, "mem", func(r *mesos.Resource) { r.Type = nil })
		}), `neither a scalar nor ranges`},
		"an unknown resource": {first(func(p *task.Placement) {
			p.Resources = change(p.Resources, "mem", func(r *mesos.Resource) { r.Name = "gold" })
		}), `more than is left`},
		"another role": {first(func(p *task.Placement) {
			p.Resources = change(p.Resources, "mem", func(r *mesos.Resource) {
				r.AllocationInfo = &mesos.Resource_AllocationInfo{Role: proto.String("other")}
			})
		}), `more than is left`},
		"a reservation": {first(func(p *task.Placement) {
			p.Resources = change(p.Resources, "mem", func(r *mesos.Resource) {
				r.Reservations = []mesos.Resource_ReservationInfo{{Type: mesos.Resource_ReservationInfo_STATIC.Enum(), Role: proto.String("*")}}
			})
		}), `more than is left`},
		"revocable and other amounts": {first(func(p *task.Placement) {
			p.Resources = append(slices.Clone(p.Resources), change(p.Resources[:1], p.Resources[0].Name, func(r *mesos.Resource) { r.Revocable = &mesos.Resource_RevocableInfo{} })...)
		}), `placed task "a" on both revocable and other cpus`},
		"a port of another task": {func(p []task.Placement, r []task.Rejection) ([]task.Placement, []task.Rejection) {
			p = slices.Clone(p)
			p[1].Resources, p[1].HostPorts = p[0].Resources, p[0].HostPorts
			return p, r
		}, `placed task "b" on what it was not offered: ports`},
		"a port twice":             {first(func(p *task.Placement) { p.HostPorts = []uint16{p.HostPorts[0], p.HostPorts[0]} }), `host port 31000 twice`},
		"a port without resources": {first(func(p *task.Placement) { p.HostPorts = []uint16{p.HostPorts[0], 31900} }), `host port 31900, which is not among its resources`},
		"too few ports":            {first(func(p *task.Placement) { p.HostPorts = p.HostPorts[:1] }), `1 host ports for 2 ports`},
		"no port":                  {first(func(p *task.Placement) { p.HostPorts = []uint16{p.HostPorts[0], 0} }), `host port 0`},
		"resources for an executor that there is not": {first(func(p *task.Placement) { p.ExecutorResources = p.Resources[:1] }), `resources for an executor, which it does not have`},
	} {
		t.Run(name, func(t *testing.T) {
			m := brokenMatcher(func(cycle task.Cycle) ([]task.Placement, []task.Rejection) {
				if len(cycle.Tasks) < 2 {
					return nil, []task.Rejection{{TaskID: cycle.Tasks[0].ID}}
				}
				return c.tamper(taskmatcher.FirstFit{}.Match(cycle))
			})
			cluster := mesostest.Config{Agents: []mesostest.Agent{{Resources: "cpus:8;mem:4096;disk:100;ports:[31000-31999]"}}}
			withHarness(t, cluster, scheduler.Config{Matcher: m}, func(ctx context.Context, h *harness) {
				for _, id := range []string{"a", "b"} {
					s := sleeper(id)
					s.Ports = make([]task.Port, 2)
					require.NoError(h, h.sched.Submit(ctx, s))
				}
				h.at(time.Minute)
				errs := h.matcherErrors()
				if c.err == "" {
					require.Empty(h, errs)
					return
				}
				require.NotEmpty(h, errs)
				require.Contains(h, errs[0], c.err)
				for _, id := range []string{"a", "b"} { // no task is lost, whatever the matcher does
					info, err := h.sched.Task(ctx, id)
					require.NoError(h, err)
					require.Contains(h, []task.State{task.StatePending, task.StateRunning}, info.State)
				}
			})
		})
	}
}

// A matcher that returns nothing for some tasks is told by Explain, with their names.
func TestMatcherThatReturnsNothing(t *testing.T) {
	nothing := brokenMatcher(func(task.Cycle) ([]task.Placement, []task.Rejection) { return nil, nil })
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: nothing}, func(ctx context.Context, h *harness) {
		for i := range 13 {
			require.NoError(h, h.sched.Submit(ctx, sleeper(fmt.Sprintf("t%02d", i))))
		}
		h.at(2 * time.Minute)
		x, err := h.sched.Explain(ctx, "t05")
		require.NoError(h, err)
		require.EqualError(h, x.MatcherErr, `scheduler: the matcher neither placed nor rejected task "t00", "t01", "t02", "t03", "t04", "t05", "t06", "t07", "t08", "t09" and 3 more`)
		require.Contains(h, x.String(), `the last cycle failed: scheduler: the matcher neither placed nor rejected task "t00"`)
		require.Contains(h, h.matcherErrors(), x.MatcherErr.Error())
	})
}

// A pod that was placed on too little stays pending, as any task does for which a placement is refused.
func TestMatcherThatPlacesAPodOnTooLittle(t *testing.T) {
	half := brokenMatcher(func(c task.Cycle) ([]task.Placement, []task.Rejection) {
		placed, rejected := taskmatcher.FirstFit{}.Match(c)
		placed[0].Resources = change(placed[0].Resources, "mem", setAmount(128))
		return placed, rejected
	})
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: half}, func(ctx context.Context, h *harness) {
		a, b := sleeper("a"), sleeper("b")
		a.Pod, b.Pod = "p", "p"
		require.NoError(h, h.sched.SubmitPod(ctx, a, b))
		h.at(time.Second)
		require.Equal(h, []task.State{task.StatePending}, h.states("a"))
		x, err := h.sched.Explain(ctx, "b")
		require.NoError(h, err)
		require.EqualError(h, x.MatcherErr, `scheduler: the matcher placed pod "p" with too little mem`)
	})
}

// A matcher that drops tasks from its argument in place does not drop them from what is kept.
func TestMatcherThatChangesItsArgument(t *testing.T) {
	started := time.Now()
	late := brokenMatcher(func(c task.Cycle) ([]task.Placement, []task.Rejection) {
		if c.Now.Sub(started) > time.Hour {
			return taskmatcher.FirstFit{}.Match(c)
		}
		var rejected []task.Rejection
		c.Tasks = slices.DeleteFunc(c.Tasks, func(d task.Demand) bool {
			held := d.ID != "a"
			if held {
				rejected = append(rejected, task.Rejection{TaskID: d.ID})
			}
			return held
		})
		placed, more := taskmatcher.FirstFit{}.Match(c)
		return placed, append(rejected, more...)
	})
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: late}, func(ctx context.Context, h *harness) {
		started = h.began
		for _, id := range []string{"b", "c", "a"} {
			require.NoError(h, h.sched.Submit(ctx, sleeper(id)))
		}
		h.at(2 * time.Hour)
		require.Empty(h, h.matcherErrors())
		for _, id := range []string{"a", "b", "c"} {
			info, err := h.sched.Task(ctx, id)
			require.NoError(h, err)
			require.True(h, info.State == task.StateRunning || info.State == task.StateFinished, id)
		}
	})
}

// tampering is the standard builder, but for what it does to the task "bad".
type tampering struct {
	taskbuilder.Standard
	task     func(*mesos.TaskInfo)
	executor func(*mesos.ExecutorInfo)
}

func (b tampering) Build(in task.BuildInput) (mesos.TaskInfo, error) {
	s := in.Spec
	s.Executor = nil
	info, err := b.Standard.Build(task.BuildInput{Spec: s, Placement: in.Placement, FrameworkID: in.FrameworkID})
	if len(in.Placement.ExecutorResources) > 0 {
		info.Command, info.Executor = nil, &mesos.ExecutorInfo{
			Type: mesos.ExecutorInfo_CUSTOM, ExecutorID: mesos.ExecutorID{Value: "e-" + s.ID}, FrameworkID: &mesos.FrameworkID{Value: in.FrameworkID},
			Command: &mesos.CommandInfo{Value: proto.String("sleep 3600")}, Resources: in.Placement.ExecutorResources,
		}
	}
	if s.ID == "bad" && err == nil {
		b.task(&info)
	}
	return info, err
}

func (b tampering) BuildPod(in task.PodBuildInput) (mesos.ExecutorInfo, []mesos.TaskInfo, error) {
	executor, tasks, err := b.Standard.BuildPod(in)
	if in.Members[0].ID == "bad" {
		b.task(&tasks[0])
		b.executor(&executor)
	}
	return executor, tasks, err
}

// A builder that makes something else than what was placed spoils only its own task, which ends with an error that says
// what is different. Another task of the same cycle runs.
func TestFaultyBuilders(t *testing.T) {
	t.Parallel()
	resources := func(f func([]mesos.Resource) []mesos.Resource) func(*mesos.TaskInfo) {
		return func(info *mesos.TaskInfo) { info.Resources = f(info.Resources) }
	}
	for name, c := range map[string]struct {
		task func(*mesos.TaskInfo)
		err  string
	}{
		"control": {func(*mesos.TaskInfo) {}, ""},
		"control: another order, in parts": {resources(func(all []mesos.Resource) []mesos.Resource {
			half := change(all[:1], "cpus", setAmount(0.5))
			return slices.Concat(half, all[1:], half)
		}), ""},
		"doubles": {resources(func(all []mesos.Resource) []mesos.Resource { return change(all, "cpus", setAmount(2)) }),
			`scheduler: the builder gave task "bad" cpus:2;mem:128 instead of cpus:1;mem:128`},
		"doubles in place": {func(info *mesos.TaskInfo) { info.Resources[0].Scalar.Value *= 2 },
			`scheduler: the builder gave task "bad" cpus:2;mem:128 instead of cpus:1;mem:128`},
		"takes all twice": {resources(func(all []mesos.Resource) []mesos.Resource { return append(all, all...) }), `the builder gave task "bad"`},
		"takes less":      {resources(func(all []mesos.Resource) []mesos.Resource { return change(all, "mem", setAmount(64)) }), `mem:64 instead of`},
		"takes nothing":   {resources(func([]mesos.Resource) []mesos.Resource { return nil }), `the builder gave task "bad" none instead of`},
		"takes another role": {resources(func(all []mesos.Resource) []mesos.Resource {
			return change(all, "mem", func(r *mesos.Resource) { r.AllocationInfo = &mesos.Resource_AllocationInfo{Role: proto.String("x")} })
		}), `cpus(allocated: *):1;mem(allocated: x):128 instead of cpus(allocated: *):1;mem(allocated: *):128`},
		"takes reserved ones": {resources(func(all []mesos.Resource) []mesos.Resource {
			return change(all, "mem", func(r *mesos.Resource) {
				r.Reservations = []mesos.Resource_ReservationInfo{{Type: mesos.Resource_ReservationInfo_STATIC.Enum(), Role: proto.String("x")}}
			})
		}), `the builder gave task "bad"`},
		"adds gpus": {resources(func(all []mesos.Resource) []mesos.Resource {
			return append(all, change(all, "cpus", func(r *mesos.Resource) { r.Name = "gpus" })[0])
		}), `cpus:1;mem:128;gpus:1 instead of cpus:1;mem:128`},
		"another ID":    {func(info *mesos.TaskInfo) { info.TaskID.Value = "other" }, `the builder made task "other"`},
		"another agent": {func(info *mesos.TaskInfo) { info.AgentID.Value = "other" }, `on agent "other"`},
		"adds executor": {func(info *mesos.TaskInfo) {
			info.Command, info.Executor = nil, &mesos.ExecutorInfo{ExecutorID: mesos.ExecutorID{Value: "e"}, Resources: info.Resources}
		}, `the builder gave the executor of task "bad" cpus:1;mem:128 instead of none`},
		"panics": {func(*mesos.TaskInfo) { panic("no") }, `no`},
	} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Builder: tampering{task: c.task}}, func(ctx context.Context, h *harness) {
				for _, id := range []string{"bad", "good"} {
					require.NoError(h, h.sched.Submit(ctx, sleeper(id)))
				}
				h.at(5 * time.Second)
				good, err := h.sched.Task(ctx, "good")
				require.NoError(h, err)
				require.Equal(h, task.StateRunning, good.State)
				h.requireFailed(ctx, "bad", c.err)
			})
		})
	}
}

// requireFailed requires that a task runs, if there is no text, or has failed with an error that contains it.
func (h *harness) requireFailed(ctx context.Context, id, text string) {
	h.Helper()
	info, err := h.sched.Task(ctx, id)
	require.NoError(h, err)
	if text == "" {
		require.Equal(h, task.StateRunning, info.State)
		return
	}
	require.Equal(h, []task.State{task.StatePending, task.StateError}, h.states(id))
	h.mu.Lock()
	defer h.mu.Unlock()
	require.True(h, slices.ContainsFunc(h.events, func(e scheduler.Event) bool {
		event, ok := e.(scheduler.TaskEvent)
		return ok && event.Task.Spec.ID == id && event.Err != nil && strings.Contains(event.Err.Error(), text)
	}), "%v", h.events)
}

// The same with pods.
func TestFaultyPodBuilders(t *testing.T) {
	t.Parallel()
	same, sameExecutor := func(*mesos.TaskInfo) {}, func(*mesos.ExecutorInfo) {}
	for name, c := range map[string]struct {
		task     func(*mesos.TaskInfo)
		executor func(*mesos.ExecutorInfo)
		err      string
	}{
		"control":          {same, sameExecutor, ""},
		"a member":         {func(info *mesos.TaskInfo) { info.Resources = change(info.Resources, "cpus", setAmount(2)) }, sameExecutor, `the builder gave task "bad"`},
		"the executor":     {same, func(info *mesos.ExecutorInfo) { info.Resources = change(info.Resources, "cpus", setAmount(2)) }, `the builder gave the executor of pod "p" cpus:2;disk:10;mem:32 instead of cpus:0.1;disk:10;mem:32`},
		"another executor": {same, func(info *mesos.ExecutorInfo) { info.ExecutorID.Value = "q" }, `the builder gave pod "p" an executor with ID "q"`},
	} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Builder: tampering{task: c.task, executor: c.executor}}, func(ctx context.Context, h *harness) {
				bad, other := sleeper("bad"), sleeper("other")
				bad.Pod, other.Pod = "p", "p"
				require.NoError(h, h.sched.SubmitPod(ctx, bad, other))
				h.at(5 * time.Second)
				h.requireFailed(ctx, "bad", c.err)
				h.requireFailed(ctx, "other", c.err)
			})
		})
	}
}

// The resources of an executor are placed together with those of the task: of ten tasks of 0.5 cpus with an executor of 0.5
// cpus, as many run as an agent of 5 cpus has room for, and none fails.
func TestExecutorWithResources(t *testing.T) {
	t.Parallel()
	cluster := mesostest.Config{Agents: []mesostest.Agent{{Resources: "cpus:5;mem:4096;disk:1000"}}, Executors: func(mesos.ExecutorInfo) *mesostest.CustomExecutor {
		return &mesostest.CustomExecutor{}
	}}
	withHarness(t, cluster, scheduler.Config{Builder: tampering{}}, func(ctx context.Context, h *harness) {
		for i := range 10 {
			s := sleeper(fmt.Sprint("t", i))
			s.CPUs, s.Executor = 0.5, &task.ExecutorResources{CPUs: 0.5, Mem: 32, Disk: 10}
			require.NoError(h, h.sched.Submit(ctx, s))
		}
		h.at(20 * time.Second)
		tasks, err := h.sched.Tasks(ctx)
		require.NoError(h, err)
		counts := map[task.State]int{}
		for _, info := range tasks {
			counts[info.State]++
		}
		require.Equal(h, map[task.State]int{task.StateRunning: 5, task.StatePending: 5}, counts)
		require.Empty(h, h.matcherErrors())
		agents, err := h.sched.Agents(ctx)
		require.NoError(h, err)
		require.Equal(h, scheduler.Amounts{CPUs: 5, Mem: 5 * 160, Disk: 50}, agents[0].Taken)
		x, err := h.sched.Explain(ctx, "t9")
		require.NoError(h, err)
		require.Contains(h, x.String(), "cpus: ")
	})
}

// A builder that gives the executor something else, or forgets it, spoils its own task only.
func TestExecutorThatIsNotAsPlaced(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		task func(*mesos.TaskInfo)
		err  string
	}{
		"control": {func(*mesos.TaskInfo) {}, ""},
		"more": {func(info *mesos.TaskInfo) {
			info.Executor.Resources = change(info.Executor.Resources, "cpus", setAmount(3))
		}, `the builder gave the executor of task "bad" cpus:3;`},
		"none": {func(info *mesos.TaskInfo) { info.Executor.Resources = nil }, `the builder gave the executor of task "bad" none instead of cpus:0.5;`},
		"no executor": {func(info *mesos.TaskInfo) {
			info.Executor, info.Command = nil, &mesos.CommandInfo{Value: proto.String("true")}
		}, `the builder gave the executor of task "bad" none instead of`},
		"the other way round": {func(info *mesos.TaskInfo) {
			info.Resources, info.Executor.Resources = info.Executor.Resources, info.Resources
		}, `the builder gave task "bad"`},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := mesostest.Config{Agents: agents(1), Executors: func(mesos.ExecutorInfo) *mesostest.CustomExecutor { return &mesostest.CustomExecutor{} }}
			withHarness(t, cluster, scheduler.Config{Builder: tampering{task: c.task}}, func(ctx context.Context, h *harness) {
				for _, id := range []string{"bad", "good"} {
					s := sleeper(id)
					s.Executor = &task.ExecutorResources{CPUs: 0.5, Mem: 32}
					require.NoError(h, h.sched.Submit(ctx, s))
				}
				h.at(5 * time.Second)
				h.requireFailed(ctx, "good", "")
				h.requireFailed(ctx, "bad", c.err)
			})
		})
	}
}

// Standard cannot make an executor: the task fails, and says so.
func TestStandardBuilderWithAnExecutor(t *testing.T) {
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(ctx context.Context, h *harness) {
		s := sleeper("bad")
		s.Executor = &task.ExecutorResources{CPUs: 0.5, Mem: 32}
		_, err := h.sched.Launch(ctx, s)
		require.ErrorIs(h, err, taskbuilder.ErrMismatch)
	})
}
