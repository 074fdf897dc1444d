package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// history is what the leaders of a run wrote, and what was acknowledged.
type history struct {
	mu           sync.Mutex // of what follows; the leaders of a control overlap
	acknowledged map[string]string
	n            int
	lies         bool // control: acknowledged whatever the store says
}

func (h *history) lead(ctx context.Context, i int, t scheduler.Term) error {
	for ctx.Err() == nil {
		h.mu.Lock()
		key, value := fmt.Sprint("key ", h.n), fmt.Sprintf("member %d in term %d", i, t.Number)
		h.n++
		h.mu.Unlock()
		writing, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := t.Store.Apply(writing, map[string][]byte{key: []byte(value)})
		cancel()
		if err == nil || h.lies {
			h.mu.Lock()
			h.acknowledged[key] = value
			h.mu.Unlock()
		}
		var fenced interface{ Fenced() bool }
		if errors.As(err, &fenced) {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}

// lost returns what was acknowledged and is not in the store.
func (h *history) lost(records map[string][]byte) (lost []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, value := range h.acknowledged {
		if string(records[key]) != value {
			lost = append(lost, key)
		}
	}
	return lost
}

// misfortune cuts links at random for a while, and returns what was lost, and what was wrong with the terms.
func misfortune(t *testing.T, seed uint64, h *history, linger time.Duration) (lost []string, broken error) {
	inBubble(t, func(w *world) {
		w.lead = func(ctx context.Context, i int, term scheduler.Term) error {
			err := h.lead(ctx, i, term)
			time.Sleep(linger)
			return err
		}
		r := rand.New(rand.NewPCG(seed, 7))
		w.startThree()
		for range 9 {
			i := 1 + r.IntN(3)
			switch r.IntN(5) {
			case 0:
				w.net.Split([]string{ipOf(1)}, []string{ipOf(2)}, []string{ipOf(3)})
			case 1: // one way
				w.net.SetLink(ipOf(i), ipOf(i%3+1), virtualnet.Link{Cut: true})
			case 2:
				w.net.Split()
			default:
				if leaders := w.leaders(); len(leaders) > 0 && r.IntN(2) == 0 {
					i = leaders[0]
				}
				w.net.Split([]string{ipOf(i)}, w.others(i))
			}
			time.Sleep(time.Duration(r.Int64N(int64(6 * time.Second))))
		}
		w.net.Split()
		time.Sleep(5 * time.Second)
		leader := w.leader(time.Minute)
		records, err := w.members[leader].leading().Store.Load(w.Context())
		require.NoError(w, err)
		lost, broken = h.lost(records), w.check()
	})
	return lost, broken
}

func TestRandomCuts(t *testing.T) {
	t.Parallel()
	seeds := 20
	if testing.Short() {
		seeds = 2
	}
	for seed := range uint64(seeds) {
		h := &history{acknowledged: map[string]string{}}
		lost, broken := misfortune(t, seed, h, 0)
		require.Empty(t, lost, "seed %d", seed)
		require.NoError(t, broken, "seed %d", seed)
		require.NotEmpty(t, h.acknowledged)
	}
}

// Controls: the checks find what is wrong.
func TestRandomCutsControls(t *testing.T) {
	t.Parallel()
	losses, overlaps := 0, 0
	for seed := uint64(0); seed < 5 && (losses == 0 || overlaps == 0); seed++ {
		lost, _ := misfortune(t, seed, &history{acknowledged: map[string]string{}, lies: true}, 0)
		losses += len(lost)
		_, broken := misfortune(t, seed, &history{acknowledged: map[string]string{}}, 3*time.Second)
		if broken != nil {
			overlaps++
		}
	}
	require.NotZero(t, losses, "acknowledged before it is stored")
	require.NotZero(t, overlaps, "leaders that do not end with their context")
}
