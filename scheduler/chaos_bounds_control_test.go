package scheduler

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestChaosBoundsControl is the negative test of the bounds: each row is a scheduler that does too much of one thing.
func TestChaosBoundsControl(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute with the race detector; it runs without -short")
	}
	for name, control := range map[string]struct {
		broken   func() decision
		violated string
	}{
		"subscribes without a pause": {hasty, "too many calls"},
		"keeps every event":          {hoarding, "too much kept"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, runChaos(t, 0, "", control.broken()).kinds(), control.violated)
		})
	}
}

// hasty subscribes again after a moment, however often that has failed; but not for ever, since an hour of that takes minutes.
func hasty() decision {
	var failed atomic.Int64
	return func(m *machine, now time.Time, in input) []action {
		if _, ok := in.(streamClosed); ok && failed.Add(1) <= 10*mostSubscribes {
			set := m.settings
			defer func() { m.settings = set }()
			m.settings.backoffMin, m.settings.backoffMax = 100*time.Millisecond, 100*time.Millisecond
		}
		return m.step(now, in)
	}
}

// hoarding keeps something of every event, until that is too much.
func hoarding() decision {
	return func(m *machine, now time.Time, in input) []action {
		if _, ok := in.(streamEvent); ok && len(m.vacated) < 2*mostKept>>20 {
			m.vacated[strings.Repeat("x", 1<<20)+fmt.Sprint(len(m.vacated))] = maintenance{}
		}
		return m.step(now, in)
	}
}

func TestChaosMeterControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory()
		m := newMeter(h.violate)
		log := slog.New(slog.NewTextHandler(m, nil))
		for range mostSubscribes {
			m.count("SUBSCRIBE")
		}
		for range mostCalls {
			m.count("KILL")
		}
		for range mostLines {
			log.Info("fine\n\x1b")
		}
		log.Debug("not counted")
		time.Sleep(time.Minute + 1)
		m.count("SUBSCRIBE")
		require.Empty(t, h.violations)

		for range mostSubscribes {
			m.count("SUBSCRIBE")
		}
		require.Equal(t, []string{"too many calls"}, h.kinds())
		log.Info("one too many")
		require.Equal(t, []string{"too many calls", "too many lines"}, h.kinds())
		log.Info("long", "text", strings.Repeat("x", longestLine))
		fmt.Fprint(m, "a line\nand another\n")
		require.Equal(t, []string{"line not printable", "line too long", "too many calls", "too many lines"}, h.kinds())
	})
}

func TestKeptBy(t *testing.T) {
	type node struct {
		next *node
		text string
		more map[string][]byte
		any  any
	}
	ring := &node{text: strings.Repeat("x", 1000)}
	ring.next = ring
	n, largest := keptBy(ring)
	require.InDelta(t, 1000, n, 200)
	require.Contains(t, largest, "text")
	ring.more = map[string][]byte{"a": make([]byte, 10, 5000)}
	ring.any = []*node{ring, {text: strings.Repeat("y", 2000)}}
	n, largest = keptBy(ring)
	require.InDelta(t, 8000, n, 500)
	require.Contains(t, largest, "more")
}
