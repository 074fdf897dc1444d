package invoker

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// now returns what the pool holds when everything rests.
func (w *world) now() Snapshot {
	synctest.Wait()
	s, err := w.invoker.Snapshot(w.t.Context())
	require.NoError(w.t, err)
	return s
}

func TestStemCellsAreReplacedWhileAnInvokerRuns(t *testing.T) {
	for name, stored := range map[string]bool{"in the store": true, "in memory": false} {
		t.Run(name, func(t *testing.T) {
			setUp := func(w *world) {
				w.config.Pool.Stems = []StemCells{{Kind: "a", Initial: 1}}
				if stored {
					w.store = &fakeStore{}
				}
			}
			inWorld(t, setUp, func(t *testing.T, w *world) {
				time.Sleep(time.Second)
				require.Equal(t, []StemStats{{Shape: Shape{Kind: "a", Memory: 256}, Want: 1, Have: 1}}, w.now().Stats.Stems)
				wanted := []StemCells{{Kind: "b", Memory: 128, Initial: 2, Min: 1, Max: 3, TTL: time.Hour}}
				require.NoError(t, w.invoker.SetStemCells(t.Context(), wanted))
				wanted[0].Kind = "changed by the caller"
				time.Sleep(time.Second)
				set := []StemCells{{Kind: "b", Memory: 128, Initial: 2, Min: 1, Max: 3, TTL: time.Hour}}
				require.Equal(t, set, w.now().StemCells)
				require.Equal(t, []StemStats{
					{Shape: Shape{Kind: "a", Memory: 256}, Have: 1}, {Shape: Shape{Kind: "b", Memory: 128}, Want: 2, Have: 2},
				}, w.now().Stats.Stems, "what is not wanted any more goes later")

				_ = w.end()
				w.again()
				require.Equal(t, set, w.now().StemCells)
				require.NoError(t, w.invoker.SetStemCells(t.Context(), nil))
				require.Empty(t, w.now().StemCells)
				require.NoError(t, w.invoker.ResetStemCells(t.Context()))
				configured := []StemCells{{Kind: "a", Memory: 256, Initial: 1, Min: 1, Max: 1}}
				require.Equal(t, configured, w.now().StemCells)
				_ = w.end()
				w.again()
				require.Equal(t, configured, w.now().StemCells)
			})
		})
	}
}

// again has the same invoker lead again, as after a change of the leader and back.
func (w *world) again() {
	w.lead(w.invoker, scheduler.Term{})
}

func TestStemCellsThatAreNotValidChangeNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Pool = PoolConfig{Memory: 512, Stems: []StemCells{{Kind: "a", Initial: 1}}}
	}, func(t *testing.T, w *world) {
		before := w.now().StemCells
		many := make([]StemCells, maxStems+1)
		for i := range many {
			many[i].Kind = fmt.Sprint(i)
		}
		for field, cells := range map[string][]StemCells{
			"Stems[1].Kind":      {{Kind: "a"}, {}},
			"Stems[0].Image":     {{Kind: "a", Image: "\xff"}},
			"Stems[0].Memory":    {{Kind: "a", Memory: 513}},
			"Stems[0].Initial":   {{Kind: "a", Initial: -1}},
			"Stems[0].Min":       {{Kind: "a", Min: 2, Max: 1}},
			"Stems[0].TTL":       {{Kind: "a", TTL: -1}},
			"Stems[0].Increment": {{Kind: "a", Threshold: 1}},
			"Stems[1]":           {{Kind: "a"}, {Kind: "a", Memory: 256}},
			"Stems":              many,
		} {
			var invalid *ConfigError
			require.ErrorAs(t, w.invoker.SetStemCells(t.Context(), cells), &invalid, field)
			require.Equal(t, field, invalid.Field)
		}
		require.Error(t, w.invoker.SetStemCells(t.Context(), []StemCells{{Kind: "a", Memory: math.MaxInt}}))
		require.Equal(t, before, w.now().StemCells)
	})
}

func TestAnAgentIsDrainedAndUsedAgain(t *testing.T) {
	inWorld(t, withStore, func(t *testing.T, w *world) {
		busy, err := w.invoker.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		idle, err := w.invoker.Acquire(t.Context(), sample("b"))
		require.NoError(t, err)
		idle.Release()
		for _, c := range w.now().Containers {
			require.NoError(t, w.invoker.Drain(t.Context(), c.Agent))
			require.NoError(t, w.invoker.Drain(t.Context(), c.Agent), "twice is no error")
		}
		time.Sleep(time.Second)
		left := AgentInfo{ID: "agent-2", Draining: true, Drained: true}
		runs := AgentInfo{ID: "agent-1", Used: 256, Containers: 1, Draining: true, Drained: true}
		require.Equal(t, []AgentInfo{runs, left}, w.now().Agents, "what is busy runs out")
		next, err := w.invoker.Acquire(t.Context(), sample("a"))
		require.NoError(t, err)
		next.Release()
		busy.Release()
		time.Sleep(time.Second)
		require.Equal(t, []string{"agent-1", "agent-2"}, w.engine.avoided)
		runs.Used, runs.Containers = 0, 0
		require.Equal(t, []AgentInfo{runs, left}, w.now().Agents[:2])

		_ = w.end()
		w.again()
		require.Equal(t, []AgentInfo{runs, left}, w.now().Agents[:2], "the next run knows it")
		for _, agent := range []string{"agent-1", "agent-2", "unknown"} {
			require.NoError(t, w.invoker.Undrain(t.Context(), agent))
		}
		require.NotContains(t, w.now().Agents, runs)
		require.NotContains(t, w.now().Agents, left)
	})
}

func TestAgentsThatCannotBeDrained(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for _, agent := range []string{"", "\xff", strings.Repeat("a", 257)} {
			for _, order := range []error{w.invoker.Drain(t.Context(), agent), w.invoker.Undrain(t.Context(), agent)} {
				var invalid *ConfigError
				require.ErrorAs(t, order, &invalid)
				require.Equal(t, "Agent", invalid.Field)
			}
		}
		for i := range maxDrained {
			require.NoError(t, w.invoker.Drain(t.Context(), fmt.Sprint("agent-", i)))
		}
		require.ErrorContains(t, w.invoker.Drain(t.Context(), "one-more"), "200 agents are drained already")
		require.NoError(t, w.invoker.Drain(t.Context(), "agent-7"))
		require.NoError(t, w.invoker.Undrain(t.Context(), "agent-7"))
		require.NoError(t, w.invoker.Drain(t.Context(), "one-more"))
		_ = w.end()
		require.ErrorIs(t, w.invoker.Drain(t.Context(), "late"), ErrNotLeading)
		require.ErrorIs(t, w.invoker.SetStemCells(t.Context(), nil), ErrNotLeading)
	})
}

// TestOrdersThatAreNotStoredAreNotCarriedOut has a store that fails, and one of another leader.
func TestOrdersThatAreNotStoredAreNotCarriedOut(t *testing.T) {
	inWorld(t, withStore, func(t *testing.T, w *world) {
		w.store.setHook(func(context.Context, map[string][]byte) error { return errTest })
		require.ErrorIs(t, w.invoker.Drain(t.Context(), "x"), errTest)
		w.store.setHook(func(context.Context, map[string][]byte) error { return fencedError{} })
		require.ErrorIs(t, w.invoker.Drain(t.Context(), "x"), ErrNotLeading)
		w.store.setHook(nil)
		require.Empty(t, w.now().Agents)
		require.Equal(t, []string{runKey}, w.store.keys())
	})
}
