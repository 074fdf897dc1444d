package taskmatcher_test

import (
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// Ports that a task does not name are from 1024 on, while there are any.
func TestPortsBelow1024(t *testing.T) {
	named := func(ports ...uint16) []task.Port {
		var all []task.Port
		for _, port := range ports {
			all = append(all, task.Port{Host: port})
		}
		return all
	}
	everything := ranges("ports", 1, 21, 23, 5050, 5052, 32000)
	for _, c := range []struct {
		situation string
		offered   []mesos.Resource
		ports     []task.Port
		want      []uint16
	}{
		{"any three of nearly all", []mesos.Resource{everything}, named(0, 0, 0), []uint16{1024, 1025, 1026}},
		{"one is named", []mesos.Resource{everything}, named(0, 80, 0), []uint16{1024, 80, 1025}},
		{"some from 1024 on", []mesos.Resource{ranges("ports", 80, 90, 1023, 1024)}, named(0, 0, 0), []uint16{1024, 80, 81}},
		{"none from 1024 on", []mesos.Resource{ranges("ports", 80, 90)}, named(0), []uint16{80}},
		{"those are taken by name", []mesos.Resource{ranges("ports", 80, 90, 2000, 2000)}, named(0, 2000), []uint16{80, 2000}},
		{"reserved ones below, others above", []mesos.Resource{reserve(ranges("ports", 80, 90), "r"), ranges("ports", 2000, 2000)}, named(0, 0), []uint16{2000, 80}},
		{"reserved ones first", []mesos.Resource{reserve(ranges("ports", 1000, 2000), "r"), ranges("ports", 500, 900, 30000, 30001)}, named(0), []uint16{1024}},
	} {
		t.Run(c.situation, func(t *testing.T) {
			s := task.Spec{ID: "x", Ports: c.ports}
			for _, random := range []bool{false, true} {
				cycle := cycleOf([]task.Spec{s}, []task.Offer{offer("a", c.offered...)})
				m := taskmatcher.Spread{Options: taskmatcher.Options{RandomPorts: random}}
				placements, rejections := m.Match(cycle)
				require.NoError(t, check(strategy{score: spread}, cycle, placements, rejections))
				if !random {
					require.Equal(t, c.want, placements[0].HostPorts)
				}
			}
		})
	}
}

func TestRandomPortsBelow1024(t *testing.T) {
	m := taskmatcher.FirstFit{Options: taskmatcher.Options{RandomPorts: true}}
	low := 0
	for seed := range uint64(200) {
		cycle := cycleOf([]task.Spec{spec("x", 0, 0, 3)}, []task.Offer{offer("a", ranges("ports", 1, 1023, 2000, 2001))})
		cycle.Seed = seed
		placements, _ := m.Match(cycle)
		require.ElementsMatch(t, []uint16{2000, 2001}, placements[0].HostPorts[:2])
		if placements[0].HostPorts[2] < 512 {
			low++
		}
	}
	require.InDelta(t, 100, low, 40)
}
