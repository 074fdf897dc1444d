package taskmatcher_test

import (
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// marathons reserves a resource as Marathon does for persistent volumes.
func marathons(r mesos.Resource, id string) mesos.Resource {
	r = label(reserve(r, "r"), "marathon_framework_id", id)
	principal := "marathon"
	r.Reservations[0].Principal = &principal
	return label(r, "marathon_task_id", "db.1")
}

// oldFormat turns a reservation into the format of frameworks without RESERVATION_REFINEMENT.
func oldFormat(r mesos.Resource) mesos.Resource {
	first := r.Reservations[0]
	r.Role, r.Reservations = first.Role, nil
	first.Role, first.Type = nil, nil
	r.Reservation = &first
	return r
}

// resourcesOf places one task on one offer, and returns the resources that it got.
func resourcesOf(t *testing.T, o taskmatcher.Options, s task.Spec, resources ...mesos.Resource) []mesos.Resource {
	t.Helper()
	cycle := cycleOf([]task.Spec{s}, []task.Offer{offer("a", resources...)})
	placements, rejections := taskmatcher.FirstFit{Options: o}.Match(cycle)
	require.NoError(t, check(strategy{score: firstFit, labels: o.ReservationLabels}, cycle, placements, rejections))
	if len(placements) == 0 {
		return nil
	}
	return placements[0].Resources
}

func TestReservationOfAnotherFramework(t *testing.T) {
	ours := taskmatcher.Options{ReservationLabels: map[string]string{"marathon_framework_id": "us"}}
	principal := "p"
	withPrincipal := reserve(scalar("cpus", 2), "r")
	withPrincipal.Reservations[0].Principal = &principal
	noLabels := reserve(scalar("cpus", 2), "r")
	noLabels.Reservations[0].Labels = &mesos.Labels{}
	noValue := label(reserve(scalar("cpus", 2), "r"), "marathon_framework_id", "")
	noValue.Reservations[0].Labels.Labels[0].Value = nil
	for _, c := range []struct {
		situation string
		reserved  mesos.Resource
		options   taskmatcher.Options
		used      bool
	}{
		{"labels, as from another instance of Marathon", marathons(scalar("cpus", 2), "another"), taskmatcher.Options{}, false},
		{"the old format", oldFormat(marathons(scalar("cpus", 2), "another")), taskmatcher.Options{}, false},
		{"a label without a value", noValue, taskmatcher.Options{}, false},
		{"labels of others, and we have labels", marathons(scalar("cpus", 2), "another"), ours, false},
		{"a label that we have, without a value", noValue, ours, false},
		{"our labels, and more", marathons(scalar("cpus", 2), "us"), ours, true},
		{"our labels in the old format", oldFormat(marathons(scalar("cpus", 2), "us")), ours, true},
		{
			"one of our two labels", marathons(scalar("cpus", 2), "us"),
			taskmatcher.Options{ReservationLabels: map[string]string{"marathon_framework_id": "us", "team": "blue"}}, false,
		},
		{"a labelled reservation, refined without labels", refine(marathons(scalar("cpus", 2), "another"), "r/child"), ours, false},
		{"a static reservation, refined with labels", label(refine(reserve(scalar("cpus", 2), "r"), "r/child"), "owner", "another"), ours, false},
		{"our reservation, refined by another's", label(refine(marathons(scalar("cpus", 2), "us"), "r/child"), "owner", "another"), ours, false},
		{"our reservation, refined without labels", refine(marathons(scalar("cpus", 2), "us"), "r/child"), ours, true},
		{"a principal and no labels", withPrincipal, taskmatcher.Options{}, true},
		{"a principal and no labels, in the old format", oldFormat(withPrincipal), ours, true},
		{"an empty list of labels", noLabels, taskmatcher.Options{}, true},
		{"a static reservation", reserve(scalar("cpus", 2), "r"), ours, true},
		{"a static reservation in the old format", reserveOld(scalar("cpus", 2), "r"), taskmatcher.Options{}, true},
	} {
		t.Run(c.situation, func(t *testing.T) {
			got := resourcesOf(t, c.options, spec("x", 1, 0, 0), scalar("cpus", 8), c.reserved)
			require.Len(t, got, 1)
			require.Equal(t, c.used, got[0].GetRole() == "r" || len(got[0].Reservations) > 0, "%v", got)
			require.Equal(t, c.used, c.options.Usable(&c.reserved))
			// Without anything else there is room only if it may be used.
			require.Equal(t, c.used, resourcesOf(t, c.options, spec("x", 1, 0, 0), c.reserved) != nil)
		})
	}
}

func TestPortsReservedByAnotherFramework(t *testing.T) {
	reserved := marathons(ranges("ports", 31000, 31009), "another")
	open := ranges("ports", 31500, 31501)
	got := resourcesOf(t, taskmatcher.Options{}, spec("x", 0, 0, 2), reserved, open)
	require.Equal(t, []mesos.Resource{open}, got)
	require.Nil(t, resourcesOf(t, taskmatcher.Options{}, spec("x", 0, 0, 3), reserved, open))
	named := spec("x", 0, 0, 0)
	named.Ports = []task.Port{{Host: 31005}}
	require.Nil(t, resourcesOf(t, taskmatcher.Options{}, named, reserved, open))
	own := taskmatcher.Options{ReservationLabels: map[string]string{"marathon_framework_id": "another"}}
	require.Len(t, resourcesOf(t, own, named, reserved, open), 1)
}

// What is reserved for others counts nowhere: neither for the order of agents, nor for a strategy, nor as a shortage.
func TestReservationOfAnotherFrameworkDoesNotCount(t *testing.T) {
	theirs := func(name string, amount float64) mesos.Resource { return marathons(scalar(name, amount), "another") }
	tasks := []task.Spec{spec("x", 1, 32, 0)}
	t.Run("FirstFit takes the agent with the least memory", func(t *testing.T) {
		placed, _ := match(t, tasks, []task.Offer{
			offer("a", scalar("cpus", 1), scalar("mem", 100)),
			offer("b", scalar("cpus", 1), scalar("mem", 90), theirs("mem", 1000)),
		})
		require.Equal(t, "x→b", placed)
	})
	t.Run("BestFit takes the agent that is fullest", func(t *testing.T) {
		cycle := cycleOf(tasks, []task.Offer{
			offer("a", scalar("cpus", 4), scalar("mem", 640)),
			offer("b", scalar("cpus", 3), scalar("mem", 640), theirs("cpus", 100), theirs("mem", 1)),
		})
		placements, _ := taskmatcher.BestFit{}.Match(cycle)
		require.Equal(t, "x→b", summary(placements))
	})
	t.Run("a filter and a score do not see it", func(t *testing.T) {
		o := offer("a", scalar("cpus", 2), scalar("mem", 64), scalar("x", 1), theirs("cpus", 10), theirs("x", 10), marathons(ranges("ports", 1, 9), "another"))
		seen := 0
		placements, _ := taskmatcher.Scored{Score: func(_ *task.Spec, c *taskmatcher.Candidate) float64 {
			seen++
			require.Equal(t, []float64{2, 2, 1, 1, 0}, []float64{c.Free("cpus"), c.Offered("cpus"), c.Free("x"), c.Offered("x"), float64(c.FreePorts())})
			return 0
		}}.Match(cycleOf(tasks, []task.Offer{o}))
		require.Len(t, placements, 1)
		require.Positive(t, seen)
	})
	t.Run("a shortage is about what is ours", func(t *testing.T) {
		_, rejected := match(t, tasks, []task.Offer{offer("a", scalar("cpus", .5), scalar("mem", 64), theirs("cpus", 10))})
		require.Equal(t, []string{"x: cpus: not enough on 1 agent; closest a, 0.5 short"}, rejected)
	})
	t.Run("GPUs of others do not keep tasks off", func(t *testing.T) {
		placed, _ := match(t, tasks, []task.Offer{offer("a", scalar("cpus", 1), scalar("mem", 64), theirs("gpus", 1))})
		require.Equal(t, "x→a", placed)
	})
}
