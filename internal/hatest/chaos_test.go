package hatest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha/cluster"
)

var (
	chaosSeeds = flag.Uint64("chaos", defaultSeeds, "seeds of TestChaos, each of 100 faults")
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
			if h := chaos(t, seed, 100, flaws{}, ""); len(h.broken) > 0 {
				require.Fail(t, fmt.Sprintf("again: go test ./internal/hatest -run 'TestChaos/^%d$' -chaos %d -count 5 -chaoslog\n%s", seed, seed+1, h.report()))
			}
		})
	}
}

// restTime is the longest time until everything is as it has to be. A launch that was lost with a master is not
// found out before that has not known it for ten minutes, and is asked every 15 min or so.
const restTime = 45 * time.Minute

func chaos(t *testing.T, seed uint64, times int, flawed flaws, enough string) *history {
	_, slow := os.Stat(memoryDir) // then most members have no directory
	s := setup{seed: seed, durable: seed%4 != 3 && slow == nil || seed%16 == 0, flaws: flawed, enough: enough, heartbeat: 5 * time.Second, missed: 2, reregister: time.Minute}
	if seed%5 == 4 {
		s.members = 5
	}
	if seed%3 == 2 {
		s.masters = 3
	}
	s.preset = []cluster.Preset{cluster.PresetLAN, cluster.PresetLAN, cluster.PresetWAN, cluster.PresetLocal}[seed/2%4]
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
		if flawed == (flaws{}) { // otherwise it may never rest
			w.rest(ctx, restTime)
		}
	})
}

// TestChaosControls does one thing wrong in each row, which the checks have to find within a few seeds. The barrier is not
// left out of ha/cluster, but of what its store returns.
func TestChaosControls(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute with the race detector; it runs without -short")
	}
	for name, control := range map[string]struct {
		flaws flaws
		kind  string
	}{
		"no barrier before load":     {flaws{noBarrier: true}, "I7"},
		"ACCEPT before commit":       {flaws{earlyAck: true}, "I2"},
		"acknowledged before commit": {flaws{earlyAck: true}, "I6"},
		"no proof before SUBSCRIBE":  {flaws{noProof: true}, "I2"},
		"whole map written":          {flaws{wholeMap: true}, "I7"},
		"old ID with lost memory":    {flaws{lostMemory: true}, "I7"},
		"terms that are forgotten":   {flaws{lostMemory: true}, "I5"},
		"a leader that does not end": {flaws{lingers: true}, "I1"},
		"a store for each term":      {flaws{forgets: true}, "I3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := false
			for seed := uint64(0); seed < 120 && !found; seed += 4 {
				found = slices.Contains(chaos(t, seed, 100, control.flaws, control.kind).kinds(), control.kind)
			}
			require.True(t, found, "nothing of the kind %s was found", control.kind)
		})
	}
}
