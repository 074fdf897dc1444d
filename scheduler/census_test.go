package scheduler

import (
	"strings"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// Running tasks also count in another process with the same store. It knows their agents from the store until they
// are offered.
func TestPresenceAfterARestart(t *testing.T) {
	rack := func(name string) []mesos.Attribute {
		return []mesos.Attribute{{Name: "rack", Type: mesos.TEXT, Text: &mesos.Value_Text{Value: name}}}
	}
	first := newStage(t)
	first.configure(func(set *settings) { set.durable = true })
	first.play([]string{"start"})
	first.play([]string{"stored"})
	first.play([]string{"subscribed", "fw"})
	first.play([]string{"stored"})
	first.play([]string{"subscribed", "fw"})
	first.play([]string{"submit", "t1", "group=web"})
	offers := offersOf([]string{"o1@a1:4:1024"})
	offers.Offers[0].Attributes = rack("r1")
	offers.Offers[0].Domain = &mesos.DomainInfo{FaultDomain: &mesos.DomainInfo_FaultDomain{
		Region: mesos.DomainInfo_FaultDomain_RegionInfo{Name: "eu"}, Zone: mesos.DomainInfo_FaultDomain_ZoneInfo{Name: "eu-1"},
	}}
	first.step(streamEvent{stream: first.machine.conn.stream, event: offersEvent(offers)})
	first.play([]string{"stored"})
	first.play([]string{"submit", "t2", "group=web", "cpus=16"})
	first.play([]string{"stored"})
	var changes []change
	for id, e := range first.machine.tasks.byID {
		whole := *e.Task
		whole.SpecStored = false
		changes = append(changes, change{id: id, task: &whole})
	}
	records, err := encodeChanges(changes)
	require.NoError(t, err)
	_, tasks, err := record.Decode(records)
	require.NoError(t, err)

	second := newStage(t)
	second.machine.restore(record.Framework{State: record.Active, ID: "fw"}, tasks, nil)
	agent := task.Agent{ID: "a1", Hostname: "a1.example", Region: "eu", Zone: "eu-1", Attributes: rack("r1")}
	require.Equal(t, []task.Presence{{Group: "web", Agent: agent, Tasks: 1}}, second.machine.census.running())

	second.play([]string{"start"})
	second.play([]string{"subscribed", "fw"})
	offers.Offers[0].Attributes = rack("r2") // the agent was started again with another
	second.step(streamEvent{stream: second.machine.conn.stream, event: offersEvent(offers)})
	agent.Attributes = rack("r2")
	require.Equal(t, []task.Presence{{Group: "web", Agent: agent, Tasks: 1}}, second.machine.census.running())
}

// What an agent offered last is still known after its last task has ended.
func TestAgentsOutliveTasks(t *testing.T) {
	s := newStage(t)
	for _, words := range []string{"start", "subscribed fw", "submit a", "offers o1@a1:4:1024", "update a FINISHED uuid=01 agent=a1"} {
		s.play(strings.Fields(words))
	}
	require.Contains(t, s.play([]string{"agents"}), "a1.example offered {CPUs:4")
}
