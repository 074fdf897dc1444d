package scheduler

import (
	"fmt"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

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
				actions := m.step(now, idle{})
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

func pendingMachine(now time.Time, n int, cpus string) *machine {
	m := newMachine(settings{
		framework: mesos.FrameworkInfo{Roles: []string{"*"}},
		matcher:   taskmatcher.FirstFit{}, builder: taskbuilder.Standard{},
		refuse: time.Second, hold: DefaultHold, missed: 5, backoffMax: time.Second, history: n,
		random: func() float64 { return 0 },
	})
	m.step(now, start{})
	m.step(now, streamEvent{stream: 1, event: &scheduler.Event{
		Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{FrameworkID: &mesos.FrameworkID{Value: "fw"}},
	}})
	for i := range n {
		m.step(now, submit{spec: specOf(fmt.Sprintf("t%d", i), map[string]string{"cpus": cpus})})
	}
	return m
}
