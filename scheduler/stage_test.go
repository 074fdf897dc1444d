package scheduler

import (
	"errors"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// stage is a machine with a clock.
type stage struct {
	t       *testing.T
	machine *machine
	began   time.Time
	now     time.Time
	lastRef ref
	sent    []send
	out     strings.Builder
}

func newStage(t *testing.T) *stage {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := &stage{t: t, began: began, now: began}
	s.machine = newMachine(settings{
		framework:      mesos.FrameworkInfo{Name: "scenario", Roles: []string{"*"}},
		matcher:        taskmatcher.FirstFit{},
		builder:        testBuilder{},
		refuse:         30 * time.Second,
		reviveInterval: 100 * time.Millisecond,
		hold:           defaultHold,
		holdPerAgent:   defaultHoldPerAgent,
		holdMax:        defaultHoldMax,
		missed:         5,
		backoffMin:     100 * time.Millisecond,
		backoffMax:     15 * time.Second,
		history:        3,
		launchTimeout:  time.Minute,
		maxLaunches:    2,
		quarantine:     10 * time.Minute,
		statsTTL:       5 * time.Minute,
		filterOffers:   true,
		// Half of the jitter, an eighth, is added: so transcripts refuse for 33.75s and 1h7m30s.
		random: func() float64 { return 0.5 },
	})
	return s
}

// statsOf returns what users are told of a machine's agents.
func statsOf(m *machine, now time.Time) []AgentStats {
	return agentStats(now, m.settings.statsTTL, m.census.facts.Snapshot(), m.tasks.records.Snapshot())
}

// configure replaces the machine by one with other settings, before the start.
func (s *stage) configure(change func(*settings)) {
	old := s.machine
	require.Equal(s.t, stopped, old.conn.phase)
	require.Empty(s.t, old.tasks.byID)
	set := old.settings
	change(&set)
	s.machine = newMachine(set)
	s.machine.conn.stream, s.machine.conn.frameworkID = old.conn.stream, old.conn.frameworkID
}

// durableStage returns a stage with a store and a subscription, on which these lines were played.
func durableStage(t *testing.T, lines ...string) *stage {
	s := newStage(t)
	s.configure(func(set *settings) { set.durable = true })
	for _, line := range append([]string{"start", "stored", "subscribed fw", "stored", "subscribed fw"}, lines...) {
		s.play(strings.Fields(line))
	}
	return s
}

// submitPod submits the pod of x and y, for caller 9.
func (s *stage) submitPod() {
	specs := []task.Spec{specOf("x", nil), specOf("y", nil)}
	for i := range specs {
		specs[i].Pod, specs[i].CPUs = "p", 0.5
	}
	s.step(submitPod{ref: 9, specs: specs})
}

// testBuilder is the standard builder, except that it misbehaves for tasks that ask for it.
type testBuilder struct{ taskbuilder.Standard }

func (b testBuilder) Build(in task.BuildInput) (mesos.TaskInfo, error) {
	s := in.Spec
	_, unbuildable := s.Labels["unbuildable"]
	switch {
	case unbuildable, strings.HasPrefix(s.ID, "unbuildable"):
		return mesos.TaskInfo{}, errors.New("no such image")
	case strings.HasPrefix(s.ID, "panicking"):
		panic("out of cheese")
	}
	info, err := b.Standard.Build(in)
	switch {
	case strings.HasPrefix(s.ID, "renamed"):
		info.TaskID.Value = "other"
	case strings.HasPrefix(s.ID, "moved"):
		info.AgentID.Value = "other"
	case strings.HasPrefix(s.ID, "unsendable"):
		info.Resources = []mesos.Resource{{Name: "cpus"}} // without the type
	}
	return info, err
}
