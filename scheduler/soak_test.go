package scheduler_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// TestSoak lets tasks come and go for ten minutes of cluster time while streams break, the master
// goes silent, offers are taken back and calls are refused or lost. When that is over and all has
// settled, scheduler and master agree on every task, nothing waits for an acknowledgement, no
// offer is kept, and a new task runs at once. What takes a reconciliation to find out is left out:
// no ACCEPT is lost without an answer.
func TestSoak(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			cluster := mesostest.Config{Agents: agents(5), Seed: seed}
			inWorld(t, cluster, scheduler.Config{History: -1}, func(ctx context.Context, w *world) {
				w.disturb(ctx, rand.New(rand.NewPCG(seed, 0)))
				w.master.Intercept(nil)
				w.master.Silence(false)
				w.at(30*time.Minute + 500*time.Millisecond) // an agent waits up to ten for an acknowledgement
				w.agree(ctx)
				_, err := w.sched.Launch(ctx, task.Spec{ID: "last", CPUs: 0.01, Mem: 1, Command: task.Command{Shell: "sleep 3600"}})
				require.NoError(w, err)
			})
		})
	}
}

// disturb does something every few seconds, for ten minutes.
func (w *world) disturb(ctx context.Context, random *rand.Rand) {
	faults := []mesostest.Fault{mesostest.Pass, http.StatusServiceUnavailable, http.StatusForbidden, mesostest.Cut, mesostest.Hang, mesostest.Swallow}
	n := 0
	w.at(time.Second) // a framework ID that is lost before it arrives cannot be known
	for time.Since(w.began) < 10*time.Minute {
		switch random.IntN(10) {
		case 0:
			w.master.CutStreams()
		case 1:
			w.master.Silence(random.IntN(2) == 0)
		case 2:
			w.master.RescindOffers()
		case 3:
			f := faults[random.IntN(len(faults))]
			w.master.Intercept(func(c *calls.Call) mesostest.Fault {
				switch {
				case c.Type == calls.Call_ACCEPT && f < 0, // no reconciliation
					c.Type == calls.Call_SUBSCRIBE && f == http.StatusForbidden, // would end the run
					// A master that says that it took a call, and forgets, is noticed only by what follows.
					f == mesostest.Swallow && c.Type != calls.Call_KILL && c.Type != calls.Call_ACKNOWLEDGE:
					return mesostest.Pass
				}
				return f
			})
		case 4, 5:
			id := fmt.Sprintf("t%d", random.IntN(n+1))
			short, cancel := context.WithTimeout(ctx, time.Second)
			_, _ = w.sched.Kill(short, id)
			cancel()
		default:
			spec := sleeper(fmt.Sprintf("t%d", n))
			spec.CPUs = float64(1 + random.IntN(3))
			spec.Command.Shell = []string{"sleep 3600", "sleep 20", "exit 3"}[random.IntN(3)]
			require.NoError(w, w.sched.Submit(ctx, spec))
			n++
		}
		time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
	}
}

// agree compares what the scheduler and the master know.
func (w *world) agree(ctx context.Context) {
	state := w.master.Snapshot()
	require.Len(w, state.Frameworks, 1)
	running := map[string]bool{}
	for _, known := range state.Frameworks[0].Tasks {
		require.Equal(w, mesos.TASK_RUNNING, known.State, known.ID)
		require.Zero(w, known.Unacked, known.ID)
		running[known.ID] = true
	}
	for info := range w.sched.Tasks(ctx) {
		if info.State == task.Running {
			require.True(w, running[info.Spec.ID], "%s runs only for the scheduler", info.Spec.ID)
			delete(running, info.Spec.ID)
			continue
		}
		// Staging: the master's own word that the offer was gone was lost with a stream.
		require.Contains(w, []task.State{task.Pending, task.Staging}, info.State, info.Spec.ID)
	}
	require.Empty(w, running, "run only for the master")
	require.Empty(w, state.Offers)
}
