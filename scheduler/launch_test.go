package scheduler

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// step is one of the diagram in the comment of type launch.
type step struct{ from, to, event string }

func documentedSteps(t *testing.T) []step {
	text, err := os.ReadFile("launch.go")
	require.NoError(t, err)
	var steps []step
	for _, m := range regexp.MustCompile(`(?m)^//\t(any state|\w+) +→ (\w+) +(\w+):`).FindAllStringSubmatch(string(text), -1) {
		steps = append(steps, step{m[1], m[2], m[3]})
	}
	return steps
}

// TestLaunchDiagram compares the steps of launches with the diagram: those that change the state are the ones in it.
func TestLaunchDiagram(t *testing.T) {
	events := [launchEvents]string{"placed", "sent", "answered", "asked", "told", "confirmed", "voided", "withdrawn"}
	documented := documentedSteps(t)
	require.Len(t, documented, 10)
	used := map[step]bool{}
	for from := range launch(launchStates) {
		for e, event := range events {
			to, legal := from.on(launchEvent(e))
			if to == from {
				continue // nothing happened, whether that is legal or not
			}
			require.True(t, legal)
			exact, any := step{from.String(), to.String(), event}, step{"any state", to.String(), event}
			switch {
			case slices.Contains(documented, exact):
				used[exact] = true
			case slices.Contains(documented, any) && (to == launchConfirmed || from != launchConfirmed && from != launchNone):
				used[any] = true
			default:
				require.Fail(t, "the diagram lacks a step", "%v", exact)
			}
		}
	}
	for _, s := range documented {
		require.True(t, used[s], "no such step: %v", s)
	}
}

// TestIllegalSteps: a confirmed task is not launched again, and nothing is placed or sent twice.
func TestIllegalSteps(t *testing.T) {
	for from, events := range map[launch][]launchEvent{
		launchNone:      {eventSent, eventAnswered, eventAsked, eventVoided, eventWithdrawn},
		launchHeld:      {eventPlaced, eventAsked},
		launchSent:      {eventPlaced, eventSent},
		launchAnswered:  {eventPlaced, eventSent, eventAnswered},
		launchAsked:     {eventPlaced, eventSent, eventAnswered},
		launchConfirmed: {eventPlaced, eventSent, eventAnswered, eventVoided, eventWithdrawn},
		launchVoid:      {eventPlaced, eventSent, eventAnswered},
	} {
		for e := range launchEvent(launchEvents) {
			to, legal := from.on(e)
			require.Equal(t, !slices.Contains(events, e), legal, "%v in %v", e, from)
			require.True(t, legal || to == from, "an illegal step changes nothing")
		}
	}
	unknown, legal := launch(launchStates).on(eventPlaced)
	require.False(t, legal)
	require.True(t, strings.HasPrefix(unknown.String(), "launch("))
}
