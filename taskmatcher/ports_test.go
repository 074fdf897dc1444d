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

// A port without a host port needs none in the offer.
func TestPortsWithoutHostPort(t *testing.T) {
	inner := task.Port{Container: 8080, NoHost: true}
	for _, c := range []struct {
		situation string
		ports     []task.Port
		offered   []mesos.Resource
		want      []uint16
	}{
		{"alone, where no ports are offered", []task.Port{inner}, nil, []uint16{0}},
		{"several", []task.Port{inner, {Container: 9090, NoHost: true}}, nil, []uint16{0, 0}},
		{"before and after one", []task.Port{inner, {}, inner}, []mesos.Resource{ranges("ports", 31000, 31000)}, []uint16{0, 31000, 0}},
		{"beside one by number", []task.Port{{Host: 31001}, inner}, []mesos.Resource{ranges("ports", 31000, 31001)}, []uint16{31001, 0}},
	} {
		t.Run(c.situation, func(t *testing.T) {
			cycle := cycleOf([]task.Spec{{ID: "x", CPUs: 1, Ports: c.ports}}, []task.Offer{offer("a", append(c.offered, scalar("cpus", 1))...)})
			placements, rejections := taskmatcher.FirstFit{}.Match(cycle)
			require.NoError(t, check(strategy{score: firstFit}, cycle, placements, rejections))
			require.Equal(t, c.want, placements[0].HostPorts)
			require.Len(t, placements[0].Resources, 1+len(c.offered))
		})
	}
}
