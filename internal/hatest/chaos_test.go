package hatest

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
)

var (
	chaosSeeds = flag.Uint64("chaos", 200, "seeds of TestChaos, each of 100 faults")
	chaosLog   = flag.Bool("chaoslog", false, "logs in the histories of TestChaos")
)

// TestChaos disturbs members and the Mesos cluster in every way that faults_test.go has, while users submit and kill
// tasks, and checks what the package comment says.
func TestChaos(t *testing.T) {
	seeds := *chaosSeeds
	if testing.Short() {
		seeds = min(seeds, 6)
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			if h := chaos(t, seed, 100, flaws{}); len(h.broken) > 0 {
				require.Fail(t, fmt.Sprintf("again: go test ./internal/hatest -run 'TestChaos/^%d$' -chaos %d -count 5 -chaoslog\n%s", seed, seed+1, h.report()))
			}
		})
	}
}

// restTime is the longest time until everything is as it has to be. A launch that was lost with a master is not
// found out before that has not known it for ten minutes, and is asked every 15 min or so.
const restTime = 45 * time.Minute

func chaos(t *testing.T, seed uint64, times int, flawed flaws) *history {
	s := setup{seed: seed, durable: seed%4 != 3, flaws: flawed, heartbeat: 5 * time.Second, missed: 2, reregister: time.Minute}
	if seed%5 == 4 {
		s.members = 5
	}
	if seed%3 == 2 {
		s.masters = 3
	}
	s.preset = []cluster.Preset{cluster.LAN, cluster.LAN, cluster.WAN, cluster.Local}[seed/2%4]
	return inWorld(t, s, func(w *world) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		working, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.users.work(working, w.source(2))
		}()
		w.disturb(times)
		stop()
		<-done
		w.users.calls.Wait()
		w.rest(ctx, restTime)
	})
}

// Controls: what is done wrong is found within a few seeds.
func TestChaosControls(t *testing.T) {
	for name, control := range map[string]struct {
		flaws flaws
		kind  string
	}{
		"no barrier before load":    {flaws{noBarrier: true}, "I7"},
		"ACCEPT before commit":      {flaws{earlyAck: true}, "I2"},
		"no proof before SUBSCRIBE": {flaws{noProof: true}, "I2"},
		"whole map written":         {flaws{wholeMap: true}, "I7"},
		"old ID with lost memory":   {flaws{lostMemory: true}, "I7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found []string
			for seed := uint64(0); seed < 20 && !slices.Contains(found, control.kind); seed++ {
				found = append(found, chaos(t, seed*4, 50, control.flaws).kinds()...)
			}
			require.Contains(t, found, control.kind)
		})
	}
}
