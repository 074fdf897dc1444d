package enginetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// fixtureOf returns a fixture with an engine that has this fault; "" is none.
func fixtureOf(t *testing.T, fault string) Fixture {
	pl := &platform{net: &virtualnet.Network{}, processes: map[string]*process{}}
	m := newModel(pl, fault)
	t.Cleanup(func() {
		close(m.ended)
		for _, p := range pl.running() {
			pl.end(p, 0)
		}
	})
	return Fixture{
		Engine: m, Spec: invoker.Spec{Shape: invoker.Shape{Kind: "right"}},
		Running:     func() int { return len(pl.running()) },
		DialContext: pl.net.DialContext,
		Refused:     []Refused{{Why: "a kind that is wrong", Spec: invoker.Spec{Shape: invoker.Shape{Kind: "wrong"}}, Want: invoker.ErrImage}},
		OutOfMemory: func(in invoker.Instance) { pl.end(pl.get(in.ID), 137) },
		Cut: func() func() {
			cut := func(on bool) { pl.mu.Lock(); defer pl.mu.Unlock(); pl.cut = on }
			cut(true)
			return func() { cut(false) }
		},
		Restart: func() invoker.Engine {
			close(m.ended)
			switch fault {
			case "kills at a restart":
				for _, p := range pl.running() {
					pl.end(p, 0)
				}
			case "starts again at a restart":
				for _, p := range pl.running() {
					p.in.Incarnation += "+"
				}
			}
			m = newModel(pl, fault)
			return m
		},
	}
}

// result returns what a check says of an engine with this fault.
func result(t *testing.T, c check, fault string) (err error) {
	synctest.Test(t, func(t *testing.T) { err = c.try(t.Context(), fixtureOf(t, fault)) })
	return err
}

func TestRightEngine(t *testing.T) {
	for _, c := range checks() {
		require.NoError(t, result(t, c, ""), c.name) // none is skipped
	}
	RunInBubble(t, func(t *testing.T) Fixture { return fixtureOf(t, "") })
}

// An engine that is wrong in one way does not pass this check.
func TestWrongEngines(t *testing.T) {
	for fault, want := range map[string]string{
		"loses empty variables":                "a container is as its spec says",
		"loses labels":                         "a container is as its spec says",
		"keeps the spec's labels":              "arguments and results are not shared",
		"shares its labels":                    "arguments and results are not shared",
		"one incarnation":                      "instances are complete",
		"lists five at most":                   "instances are complete",
		"lists what has ended":                 "the end of a container is told",
		"leaves what it refuses":               "refused specs leave nothing behind",
		"gives a wrong reason":                 "refused specs leave nothing behind",
		"ignores an ended context":             "a create that is given up leaves nothing behind",
		"leaves what is given up":              "a create that is given up leaves nothing behind",
		"fails for unknown containers":         "destroy is certain and can be repeated",
		"destroys once":                        "destroy is certain and can be repeated",
		"returns before the end":               "destroy is certain and can be repeated",
		"returns to the second caller at once": "destroy from many goroutines",
		"claims to be done when given up":      "destroy is given up",
		"tells of no end":                      "the end of a container is told",
		"tells one watcher":                    "the end of a container is told",
		"all ends are failures":                "the end of a container is told",
		"does not tell memory apart":           "memory is told apart",
		"watches when it is read":              "watch begins with the call",
		"tells what was before":                "watch begins with the call",
		"watches for ever":                     "watch ends with its context",
		"waits for slow watchers":              "a slow watcher holds up nobody",
		"misses changes silently":              "a slow watcher holds up nobody",
		"reads text":                           "output is exact",
		"takes one stream for the other":       "output is exact",
		"says a wrong size":                    "output is exact",
		"fails beyond the end":                 "output is exact",
		"forgets output":                       "output of a container that has ended",
		"reads nothing of nothing":             "output of nothing",
		"suspends in name only":                "suspended containers do nothing",
		"does not resume":                      "suspended containers do nothing",
		"suspends nothing":                     "suspend of nothing, destroy of the suspended",
		"knows no agents":                      "agents",
		"kills at a restart":                   "a restart finds everything",
		"starts again at a restart":            "a restart finds everything",
		"frozen for ever":                      "a restart goes on",
		"does not watch what it finds":         "a restart goes on",
		"lists nothing without a platform":     "the platform is unavailable",
		"starts without a platform":            "the platform is unavailable",
		"hides that there is no platform":      "the platform is unavailable",
	} {
		t.Run(fault, func(t *testing.T) {
			at := slices.IndexFunc(checks(), func(c check) bool { return c.name == want })
			err := result(t, checks()[at], fault)
			require.Error(t, err)
			require.NotErrorIs(t, err, errNotOffered)
			t.Log(err)
		})
	}
}

// What the engine does not offer is not checked.
func TestPlainEngine(t *testing.T) {
	type plain struct{ invoker.Engine }
	for _, c := range checks() {
		synctest.Test(t, func(t *testing.T) {
			f := fixtureOf(t, "")
			f.Engine = plain{f.Engine}
			f.Restart, f.OutOfMemory, f.Cut, f.Refused = nil, nil, nil, nil
			if err := c.try(context.WithoutCancel(t.Context()), f); err != nil && !errors.Is(err, errNotOffered) {
				t.Errorf("%s: %v", c.name, err)
			}
		})
	}
}
