package scheduler

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// BenchmarkStepOffers measures one step of the machine: an event of 1,000 offers that meets
// 1,000 pending tasks, all of which are launched (fits), or none (full).
func BenchmarkStepOffers(b *testing.B) {
	const n = 1000
	words := make([]string, n)
	for i := range words {
		words[i] = fmt.Sprintf("o%d@a%d:8:%d", i, i, 4096+i)
	}
	event := &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: offersOf(words)}
	for _, c := range []struct {
		name     string
		cpus     string
		launched int
	}{{"fits", "8", n}, {"full", "9", 0}} {
		b.Run(c.name, func(b *testing.B) {
			now := time.Unix(0, 0)
			b.ReportAllocs()
			for range b.N {
				b.StopTimer()
				m := pendingMachine(now, n, c.cpus)
				b.StartTimer()
				m.step(now, streamEvent{stream: 1, event: event})
				actions := m.step(now, wake{})
				b.StopTimer()
				launched := 0
				for _, a := range actions {
					if s, ok := a.(send); ok {
						launched += len(launchedBy(s.call))
					}
				}
				require.Equal(b, c.launched, launched)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/step")
		})
	}
}

// BenchmarkStepUpdates measures an update with a uuid about one of 10,000 running tasks, whose acknowledgement the master takes.
func BenchmarkStepUpdates(b *testing.B) {
	const tasks = 10_000
	m := runningMachine(b, tasks, 1, 0)
	m.acks.reset()
	now := time.Unix(1_800_000_000, 0)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		id := serviceSpec(i%tasks, 1).ID
		e := statusOf(m.tasks.byID[id].Info.AgentID, id, mesos.TASK_RUNNING, 0)
		e.Update.Status.Healthy = proto(i/tasks%2 == 0)
		e.Update.Status.UUID = binary.BigEndian.AppendUint64(e.Update.Status.UUID[:8], uint64(i))
		acks := 0
		for _, a := range m.step(now, streamEvent{stream: 1, event: e}) {
			if s, ok := a.(send); ok {
				acks++
				m.step(now, callDone{stream: 1, call: s.call})
				break
			}
		}
		require.Equal(b, 1, acks)
	}
}

// BenchmarkStepOffer measures an event with one offer that meets no task and is declined later, while 10,000 others are at hand.
func BenchmarkStepOffer(b *testing.B) {
	now := time.Unix(0, 0)
	m := pendingMachine(now, 0, "")
	i := 0
	for b.Loop() {
		i++
		now = now.Add(10 * time.Microsecond)
		m.step(now, streamEvent{stream: 1, event: offersEvent(offersOf([]string{fmt.Sprintf("o%d@a%d:8:4096", i, i%1000)}))})
		if !m.due(now) {
			continue
		}
		for _, a := range m.step(now, wake{}) {
			if s, ok := a.(send); ok {
				m.step(now, callDone{stream: 1, call: s.call})
				break
			}
		}
	}
}

// BenchmarkIdleCycle measures a cycle of 1,000 offers that none of 100,000 pending tasks of 50 classes
// fits: with the matcher, and with one that rejects each class without looking, which leaves the
// scheduler's own part; and the same after a task was withdrawn and another one submitted (changing).
func BenchmarkIdleCycle(b *testing.B) {
	const offers, tasks, classes = 1000, 100_000, 50
	words := make([]string, offers)
	for i := range words {
		words[i] = fmt.Sprintf("o%d@a%d:8:%d:31000-31999", i, i, 4096+i)
	}
	event := &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: offersOf(words)}
	for _, c := range []struct {
		name    string
		matcher TaskMatcher
		changes bool
	}{{"FirstFit", taskmatcher.FirstFit{}, false}, {"rejecting", rejecting{}, false}, {"changing", rejecting{}, true}} {
		b.Run(c.name, func(b *testing.B) {
			now := time.Unix(0, 0)
			m := pendingMachine(now, 0, "", func(set *settings) {
				set.matcher, set.maxCycles, set.maxWait = c.matcher, 1_000_000_000, time.Hour*1_000_000
			})
			for i := range tasks {
				m.step(now, submit{spec: specOf(fmt.Sprintf("t%d", i), map[string]string{"cpus": fmt.Sprint(9 + i%classes)})})
			}
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Second)
				m.step(now, streamEvent{stream: 1, event: event})
				m.step(now, wake{})
				b.StopTimer()
				require.Equal(b, tasks, m.backlog.pending.Len())
				m.pool.takeAll()
				m.timers = timers{}
				if c.changes {
					first, _ := m.backlog.pending.First()
					m.step(now, kill{id: first.Info.Spec.ID})
					m.step(now, submit{spec: specOf(fmt.Sprintf("t%d", m.tasks.serial), map[string]string{"cpus": "9"})})
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms/cycle")
		})
	}
}

// rejecting is a matcher that places nothing, and looks at each class once.
type rejecting struct{}

func (rejecting) Match(c task.Cycle) ([]task.Placement, []task.Rejection) {
	var rejections []task.Rejection
	first := map[*task.Spec]int{}
	for _, d := range c.Tasks {
		if at, found := first[d.Spec]; found {
			rejections[at].Others++
			continue
		}
		first[d.Spec] = len(rejections)
		rejections = append(rejections, task.Rejection{TaskID: d.ID, Reasons: []task.Reason{{Kind: task.ReasonShortage, Resource: "cpus", Agents: len(c.Offers), Short: 1}}})
	}
	return nil, rejections
}

func pendingMachine(now time.Time, n int, cpus string, changes ...func(*settings)) *machine {
	set := settings{
		framework: mesos.FrameworkInfo{Roles: []string{"*"}},
		matcher:   taskmatcher.FirstFit{}, builder: taskbuilder.Standard{},
		refuse: time.Second, hold: defaultHold, missed: 5, backoffMax: time.Second, history: n,
		random: func() float64 { return 0 },
	}
	for _, change := range changes {
		change(&set)
	}
	m := newMachine(set)
	m.step(now, start{})
	m.step(now, streamEvent{stream: 1, event: &scheduler.Event{
		Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{FrameworkID: &mesos.FrameworkID{Value: "fw"}},
	}})
	for i := range n {
		m.step(now, submit{spec: specOf(fmt.Sprintf("t%d", i), map[string]string{"cpus": cpus})})
	}
	return m
}
