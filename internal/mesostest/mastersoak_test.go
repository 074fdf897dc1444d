package mesostest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// Whatever happens to masters, agents and ZooKeeper: when all are back there is one leader, which knows just
// the tasks that run, and what they leave is free.
func TestMastersSoak(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			config := Config{Seed: seed, Agents: twoAgents(), HeartbeatInterval: time.Hour}
			inBubbleOf(t, config, threeMasters(), func(c *cluster) { soak(c, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func soak(c *cluster, random *rand.Rand) {
	m, now := c.master, time.Duration(0)
	var id *mesos.FrameworkID
	for step := range 60 {
		switch n := random.IntN(3); random.IntN(8) {
		case 0:
			m.LoseMaster(n)
		case 1:
			m.FreezeMaster(n)
		case 2, 3:
			m.ReturnMaster(n)
		case 4:
			m.LoseAgent(fmt.Sprintf("agent%d.example", 1+n%2))
		case 5:
			m.ReturnAgent(fmt.Sprintf("agent%d.example", 1+n%2))
		case 6:
			m.Failover(time.Duration(random.Int64N(int64(20 * time.Second))))
		case 7:
			m.LoseZooKeeper()
			c.at(now + time.Duration(n)*5*time.Second)
			m.ReturnZooKeeper()
		}
		now = time.Since(c.start) + time.Duration(random.Int64N(int64(10*time.Second)))
		c.at(now)
		id = c.useLeader(id, fmt.Sprint("t", step))
	}
	m.ReturnZooKeeper()
	for n := range 3 {
		m.ReturnMaster(n)
		m.ReturnAgent(fmt.Sprintf("agent%d.example", 1+n%2))
	}
	c.at(now + 20*time.Minute)
	leader := m.Leader()
	require.GreaterOrEqual(c.t, leader, 0)
	if id == nil {
		return // there never was a leader to subscribe with
	}
	c.address = threeMasters()[leader]
	s := c.subscribe(c.soakInfo(id))
	require.Equal(c.t, id, s.fid)
	snapshot := m.Snapshot()
	require.Len(c.t, snapshot.Agents, 2)
	var known, running []string
	for _, t := range snapshot.Frameworks[0].Tasks {
		known = append(known, t.ID)
	}
	for _, t := range snapshot.Running {
		running = append(running, t.ID)
	}
	slices.Sort(known)
	slices.Sort(running)
	require.Equal(c.t, running, known)
	free := resources.List{}
	for _, o := range s.offers() {
		free = free.Add(resources.New(o.Resources).Unallocated())
	}
	require.Equal(c.t, int64(8000-100*len(running)), free.Milli("cpus"), "of two agents with 4 cpus")
}

func (c *cluster) soakInfo(id *mesos.FrameworkID) *mesos.FrameworkInfo {
	info := withFailoverTimeout(24 * time.Hour)
	info.Checkpoint, info.ID = ptr(true), id
	return info
}

// useLeader subscribes with the leader, if there is one, launches a task on what is offered, and leaves.
func (c *cluster) useLeader(id *mesos.FrameworkID, task string) *mesos.FrameworkID {
	leader := c.master.Leader()
	if leader < 0 || c.get(threeMasters()[leader], "/health") != "200 " {
		return id
	}
	c.address = threeMasters()[leader]
	s := c.subscribe(c.soakInfo(id))
	if offers := s.offers(); len(offers) > 0 {
		s.accept(offers[0], 0, taskInfo(offers[0], task, "sleep 100000"))
	}
	s.close()
	return s.fid
}
