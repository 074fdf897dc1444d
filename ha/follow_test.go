package ha_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/electiontest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// replica is an elector that leads when it is told, and notes when it is followed.
type replica struct {
	ha.Elector
	began time.Time
	leads []time.Duration // when a term begins; each takes two seconds
	ends  time.Duration   // of each Follow, after which it ends by itself; 0: it does not
	err   error           // of Run

	mu    sync.Mutex
	diary []string
}

func (r *replica) note(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.diary = append(r.diary, fmt.Sprint(time.Since(r.began), " ", what))
}

func (r *replica) Follow(ctx context.Context) iter.Seq[map[string][]byte] {
	return func(yield func(map[string][]byte) bool) {
		r.note("follows")
		defer r.note("ends")
		yield(map[string][]byte{"task/a": []byte("?")}) // a second
		if r.ends > 0 {
			time.Sleep(r.ends)
			return
		}
		<-ctx.Done()
	}
}

func (r *replica) Run(ctx context.Context, lead func(context.Context, scheduler.Term) error) error {
	for i, at := range r.leads {
		time.Sleep(time.Until(r.began.Add(at)))
		if err := lead(ctx, scheduler.Term{Number: uint64(i + 1), Store: slowLoad{r}}); err == nil {
			return err
		}
	}
	time.Sleep(2 * time.Second)
	return r.err
}

// slowLoad is a store that cannot be read, after two seconds.
type slowLoad struct{ r *replica }

func (s slowLoad) Load(context.Context) (map[string][]byte, error) {
	s.r.note("leads")
	time.Sleep(2 * time.Second)
	s.r.note("led")
	return nil, errors.New("not today")
}

func (slowLoad) Apply(context.Context, map[string][]byte) error { return nil }

// A replica is followed while the member does not lead, again after a pause when it has ended by itself, and no more when
// Run has returned.
func TestReplicaIsFollowed(t *testing.T) {
	left := errors.New("the member leaves")
	for name, c := range map[string]struct {
		replica *replica
		diary   []string
	}{
		"two terms": {&replica{leads: []time.Duration{5 * time.Second, 10 * time.Second}}, []string{
			"0s follows", "5s ends", "5s leads", "7s led", "7s follows", "10s ends", "10s leads", "12s led", "12s follows", "14s ends",
		}},
		"ends by itself": {&replica{leads: []time.Duration{7 * time.Second}, ends: 2 * time.Second}, []string{
			"0s follows", "3s ends", "4s follows", "7s ends", "7s leads", "9s led", "9s follows", "12s ends",
		}},
		"never leads": {&replica{}, []string{"0s follows", "2s ends"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sched, err := scheduler.New(scheduler.Config{
					Master: address, Framework: scheduler.Framework{Name: "test"}, Logger: slog.New(slog.DiscardHandler),
				})
				require.NoError(t, err)
				c.replica.began, c.replica.err = time.Now(), left
				require.ErrorIs(t, ha.Run(t.Context(), c.replica, sched), left)
				require.Equal(t, c.diary, c.replica.diary)
			})
		})
	}
}

// In an election that replicates, whoever takes over has the whole table, as without: also after a member was cut off and
// has missed what happened.
func TestTakeoverOfReplicas(t *testing.T) {
	inWorld(t, electiontest.Config{}, func(w *world) {
		w.launch(5)
		w.at(10 * time.Second)
		w.election.Cut(1)
		_, err := w.leader().sched.Kill(w.ctx, "task-0")
		require.NoError(w, err)
		_, err = w.leader().sched.Launch(w.ctx, sleeper("late"))
		require.NoError(w, err)
		w.at(20 * time.Second)
		w.election.Cut(0)
		w.election.Heal(1) // which has heard of nothing
		w.at(time.Minute)
		require.Equal(w, 1, w.leader().member)
		all, err := w.leader().sched.Tasks(w.ctx)
		require.NoError(w, err)
		require.Len(w, all, 6, "one has ended")
		_, err = w.leader().sched.Kill(w.ctx, "task-0")
		require.NoError(w, err, "it is on record")
		require.Len(w, w.master.Snapshot().Running, 5)
	})
}
