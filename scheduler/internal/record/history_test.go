package record

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// places are those of the random histories, one of which cannot be kept whole.
func places() []Place {
	return []Place{{}, {"S1", "h1"}, {"S2", "h2"}, {"S1", ""}, {strings.Repeat("ä", 300), "h"}}
}

// A history equals a plain list of transitions, from which the second one is removed when there are too many, wherever the
// task moves meanwhile, and its bytes are read as they were written.
func TestHistoriesAreLists(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 2))
		submitted := time.Unix(r.Int64N(4e9), r.Int64N(1e9)).UTC()
		at, here := submitted, Place{}
		var h History
		var want []task.Transition
		for range r.IntN(50) {
			if r.IntN(3) == 0 {
				to := places()[r.IntN(5)]
				h, here = h.Move(submitted, here, to), to
			}
			at = at.Add(time.Duration(r.Int64N(1e12) - 1e10)) // a clock may be set back
			step := task.Transition{At: at, State: task.State(r.IntN(int(task.StateUnknown) + 1)), AgentID: here.AgentID, Hostname: here.Hostname}
			if r.IntN(2) == 0 {
				step.Message = strings.Repeat("ü", r.IntN(200))
			}
			if r.IntN(8) == 0 { // neither here nor there
				step.AgentID, step.Hostname = "S9", "h9"
			}
			h = h.Add(step, submitted, here)
			step.AgentID, step.Message = ShortText(step.AgentID), ShortText(step.Message)
			if want = append(want, step); len(want) > HistoryLimit {
				want = slices.Delete(want, 1, 2)
			}
		}
		got, err := h.Transitions(submitted, here)
		require.NoError(t, err)
		require.Equal(t, want, got)
		short, err := h.WithoutMessages(submitted, here).Transitions(submitted, here)
		require.NoError(t, err)
		require.Len(t, short, len(want))
		require.LessOrEqual(t, len(h.WithoutMessages(submitted, here)), 200)
		for i := range short {
			require.Equal(t, [2]any{want[i].At, want[i].State}, [2]any{short[i].At, short[i].State})
			require.Empty(t, short[i].Message)
		}
	}
}

// What a task that runs usually has been through takes few bytes: time goes by in steps.
func TestHistoriesAreSmall(t *testing.T) {
	submitted := time.Date(2026, 11, 29, 1, 2, 3, 123456789, time.UTC)
	here := Place{"66549417-1791-41bf-bebf-adeb5c1d4270-S12", "agent12.example"}
	var h History
	for i, state := range []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning, task.StateRunning} {
		step := task.Transition{At: submitted.Add(time.Duration(i*i) * 333_333_333), State: state}
		if i > 0 {
			step.AgentID, step.Hostname = here.AgentID, here.Hostname
		}
		if i == 4 {
			step.Message = "healthy"
		}
		h = h.Add(step, submitted, here)
	}
	require.LessOrEqual(t, len(h), 40)
}

func TestTextsAreCut(t *testing.T) {
	for _, text := range []string{"", "a", strings.Repeat("x", 256), strings.Repeat("x", 257), strings.Repeat("x", 252) + "ü" + "yyyy"} {
		cut := ShortText(text)
		require.LessOrEqual(t, len(cut), 256)
		require.True(t, utf8.ValidString(cut))
		require.Equal(t, len(text) <= 256, cut == text)
	}
}

// Damaged bytes are an error, and those that are none are read.
func FuzzHistory(f *testing.F) {
	f.Add("", int64(0))
	f.Add(string(fullTask("a").History), sampleTime().UnixNano())
	f.Add("\x30\x00", int64(1))
	f.Add("\x80\x00", int64(1))
	f.Add("\x40\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", int64(1))
	f.Fuzz(func(t *testing.T, bytes string, submitted int64) {
		at, here := time.Unix(0, submitted), Place{"S1", "h1"}
		all, err := History(bytes).Transitions(at, here)
		if err != nil {
			require.Empty(t, all)
			require.NotPanics(t, func() { History(bytes).Add(task.Transition{At: at}, at, here) })
			return
		}
		require.LessOrEqual(t, len(all), HistoryLimit)
		again, err := newHistory(all, at, here).Transitions(at, here)
		require.NoError(t, err)
		require.Equal(t, all, again)
	})
}
