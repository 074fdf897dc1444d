package scheduler

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/eventpb"
)

// What is kept of offers, and of the tasks on them, does not take more memory than if each text were by itself, as it is when
// mesos-go decodes. Package eventpb makes one text of those of an offer, and whoever keeps a part of it keeps all.
func TestKeptOffers(t *testing.T) {
	theirs := func(frame []byte) (*scheduler.Event, error) {
		e := new(scheduler.Event)
		return e, e.Unmarshal(frame)
	}
	decoder := eventpb.New()
	ours := func(frame []byte) (*scheduler.Event, error) { return decoder.Survey(frame, math.MaxInt).Decode() }
	wasteful := func(frame []byte) (*scheduler.Event, error) {
		e, err := theirs(frame)
		for _, o := range e.Offers.Offers {
			name := o.Resources[0].Name
			o.Resources[0].Name = (name + strings.Repeat("x", 200))[:len(name)]
		}
		return e, err
	}
	for what, c := range map[string]keptCase{
		"at hand":                {},
		"declined":               {declined: true},
		"rescinded":              {rescinded: true},
		"tasks":                  {launched: true},
		"tasks, offers declined": {launched: true, declined: true},
	} {
		bound := 1.01 * c.kept(t, theirs)
		require.LessOrEqual(t, c.kept(t, ours), bound, what)
		if !c.rescinded { // then the resources are forgotten
			require.Greater(t, c.kept(t, wasteful), bound, "control: %s", what)
		}
	}
}

// keptCase is what becomes of the offers: a task is launched on each, and those that are left are declined or rescinded.
type keptCase struct{ launched, declined, rescinded bool }

// kept returns how many bytes a machine keeps for each of many agents that are offered twice.
func (c keptCase) kept(t *testing.T, decode func([]byte) (*scheduler.Event, error)) float64 {
	const agents = 1000
	now := time.Unix(1_800_000_000, 0)
	before := liveHeap()
	m := pendingMachine(now, 0, "", func(s *settings) { s.statsTTL = time.Hour })
	step := func(in input) {
		for _, a := range m.step(now, in) {
			if s, is := a.(send); is {
				m.step(now, callDone{stream: 1, call: s.call})
			}
		}
	}
	for round := range 2 {
		for i := range agents {
			if c.launched {
				step(submit{spec: specOf(fmt.Sprintf("task-of-the-test-%d-%d", round, i), map[string]string{"cpus": "3"})})
			}
		}
		event := offersOfAgents(agents, fmt.Sprintf("-O%d", round))
		frame, err := event.Marshal()
		require.NoError(t, err)
		event, err = decode(frame)
		require.NoError(t, err)
		step(streamEvent{stream: 1, event: event})
		step(wake{})
		for i := range event.Offers.Offers {
			if c.rescinded {
				step(streamEvent{stream: 1, event: &scheduler.Event{Type: scheduler.Event_RESCIND, Rescind: &scheduler.Event_Rescind{OfferID: event.Offers.Offers[i].ID}}})
			}
			if c.launched {
				step(streamEvent{stream: 1, event: statusOf(strings.Clone(event.Offers.Offers[i].AgentID.Value), fmt.Sprintf("task-of-the-test-%d-%d", round, i), mesos.TASK_RUNNING, 0)})
			}
		}
		if c.declined {
			now = now.Add(time.Minute)
			step(wake{})
		}
	}
	if c.launched {
		require.Equal(t, 2*agents, len(m.tasks.byID))
	}
	kept := liveHeap() - before
	runtime.KeepAlive(m)
	return float64(kept) / agents
}

// offersOfAgents returns an event with an offer of each agent, with as much text as agents of clusters have.
func offersOfAgents(agents int, suffix string) *scheduler.Event {
	const framework = "66549417-1791-41bf-bebf-adeb5c1d4270"
	event := &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: offersOf(nil)}
	for i := range agents {
		o := offersOf([]string{fmt.Sprintf("%s%s-%d@%s-S%d:4:65536:31000-31999", framework, suffix, i, framework, i)}).Offers[0]
		o.FrameworkID.Value, o.Hostname = framework+"-0000", fmt.Sprintf("agent-%d.cluster.example", i)
		o.URL = &mesos.URL{Scheme: "http", Address: mesos.Address{Hostname: proto(o.Hostname), IP: proto("10.0.0.1"), Port: 5051}, Path: proto("/slave(1)")}
		for j := range 5 {
			o.Attributes = append(o.Attributes, mesos.Attribute{Name: fmt.Sprint("attribute", j), Type: mesos.TEXT, Text: &mesos.Value_Text{Value: "value"}})
		}
		event.Offers.Offers = append(event.Offers.Offers, o)
	}
	return event
}
