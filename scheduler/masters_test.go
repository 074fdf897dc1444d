package scheduler_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"testing"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func threeMasters() []string {
	return []string{"m0.example:5050", "m1.example:5050", "m2.example:5050"}
}

// Any master redirects to the leading one.
func TestRedirect(t *testing.T) {
	for _, entry := range []string{"m2.example:5050", "http://m1.example:5050", "gone.example:5050,m1.example:5050"} {
		withMasters(t, threeMasters(), mesostest.Config{Agents: agents(1)}, scheduler.Config{Master: entry}, func(ctx context.Context, h *harness) {
			_, err := h.sched.Launch(ctx, sleeper("a"))
			require.NoError(h, err, "calls go to the leader as well")
			events, _ := h.connections()
			require.True(h, events[len(events)-1].Connected)
		})
	}
}

// The leading master answers nothing any more. That is noticed after five heartbeats, and the next attempt asks another one.
func TestFrozenMaster(t *testing.T) {
	withMasters(t, threeMasters(), mesostest.Config{Agents: agents(1)}, scheduler.Config{}, func(_ context.Context, h *harness) {
		h.at(20 * time.Second)
		require.True(h, h.master.FreezeMaster(0))
		h.at(20*time.Second + 90*time.Second)
		events, times := h.connections()
		require.True(h, events[len(events)-1].Connected)
		require.Equal(h, 15*time.Second+75*time.Second, times[1], "a heartbeat was the last that it said")
		require.ErrorContains(h, events[1].Err, "the master said nothing for 1m15s")
	})
}

// The leading master dies. The scheduler is subscribed with the next one by the first attempt after
// that one leads, its tasks have never been anything but running, and all is as it was.
func TestMasterFailover(t *testing.T) {
	cluster := mesostest.Config{Agents: agents(3), SessionTimeout: 10 * time.Second, Recovery: 50 * time.Millisecond, Reregistration: 2 * time.Second}
	withMasters(t, threeMasters(), cluster, scheduler.Config{}, func(ctx context.Context, h *harness) {
		for _, id := range []string{"a", "b", "c"} {
			_, err := h.sched.Launch(ctx, sleeper(id))
			require.NoError(h, err)
		}
		h.at(20 * time.Second)
		require.True(h, h.master.LoseMaster(0))
		leads := 30*time.Second + 50*time.Millisecond
		h.at(10 * time.Minute)

		events, times := h.connections()
		last := len(events) - 1
		require.Equal(h, 20*time.Second, times[1], "noticed at once")
		require.True(h, events[last].Connected)
		require.Equal(h, events[last-1].NextAttempt.Sub(h.began), times[last], "at the announced instant")
		require.Less(h, times[last-1], leads, "every attempt before failed because nobody led")
		require.GreaterOrEqual(h, times[last], leads)
		require.Less(h, times[last]-leads, 2*time.Second, "asking while nobody leads is cheap")

		require.NoError(h, h.sched.Reconcile(ctx))
		for _, id := range []string{"a", "b", "c"} {
			require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, h.states(id))
		}
		require.Len(h, h.master.Snapshot().Running, 3)
		_, err := h.sched.Kill(ctx, "a")
		require.NoError(h, err)
		_, err = h.sched.Launch(ctx, sleeper("d"))
		require.NoError(h, err)
	})
}

// One URL, of a master that does not lead: while it redirects to the dead leader, and knows of none, the pauses are short.
func TestMasterFailoverWithOneURL(t *testing.T) {
	cluster := mesostest.Config{Agents: agents(1), SessionTimeout: 10 * time.Second, Recovery: 50 * time.Millisecond}
	withMasters(t, threeMasters(), cluster, scheduler.Config{Master: "m2.example:5050"}, func(_ context.Context, h *harness) {
		h.at(20 * time.Second)
		require.True(h, h.master.LoseMaster(0))
		leads := 30*time.Second + 50*time.Millisecond
		h.at(time.Minute)
		events, times := h.connections()
		last := len(events) - 1
		require.True(h, events[last].Connected)
		require.GreaterOrEqual(h, times[last], leads)
		require.Less(h, times[last]-leads, 2*time.Second)
		require.Greater(h, last, 7, "several attempts")
	})
}

// A master that refuses the SUBSCRIBE itself is asked less and less often, also if others of the list are dead.
func TestMasterRefusesInAList(t *testing.T) {
	for _, masters := range []string{"m0.example:5050", "m0.example:5050,gone.example:5050", "gone.example:5050,m0.example:5050"} {
		withMasters(t, threeMasters()[:1], mesostest.Config{}, scheduler.Config{Master: masters}, func(_ context.Context, h *harness) {
			h.at(time.Second)
			h.master.Intercept(func(c *calls.Call) mesostest.Fault {
				if c.Type == calls.Call_SUBSCRIBE {
					return http.StatusInternalServerError
				}
				return mesostest.Pass
			})
			h.master.CutStreams()
			h.at(10 * time.Minute)
			events, _ := h.connections()
			require.Less(h, len(events), 120, "some 80 attempts, one every 7.5 s; with pauses of 1.5 s it would be 400")
			longest := time.Duration(0)
			for i := range events[1:] {
				longest = max(longest, events[i+1].NextAttempt.Sub(events[i].NextAttempt))
			}
			require.Greater(h, longest, 10*time.Second)
		})
	}
}

// A master of a list takes the connection and never answers: after 15 s the next one is asked.
func TestSilentMasterInAList(t *testing.T) {
	masters := scheduler.Config{Master: "silent.example:5050,m0.example:5050"}
	withIdleScheduler(t, threeMasters(), mesostest.Config{}, masters, func(ctx context.Context, h *harness) {
		silent, err := h.network.Listen("silent.example:5050")
		require.NoError(h, err)
		defer silent.Close()
		h.lead(ctx, scheduler.Term{})
		h.at(15*time.Second - 1)
		events, _ := h.connections()
		require.Empty(h, events)
		h.at(15 * time.Second)
		events, times := h.connections()
		require.Len(h, events, 1)
		require.True(h, events[0].Connected)
		require.Equal(h, 15*time.Second, times[0])
	})
}

// What stands in front of a master accepts SUBSCRIBE and keeps the events back: after 15 s the next of the list is asked.
func TestMasterThatSendsOnlyAHead(t *testing.T) {
	masters := scheduler.Config{Master: "proxy.example:5050,m0.example:5050"}
	withIdleScheduler(t, threeMasters(), mesostest.Config{}, masters, func(ctx context.Context, h *harness) {
		l, err := h.network.Listen("proxy.example:5050")
		require.NoError(h, err)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", r.Header.Get("Accept"))
			w.Header().Set("Mesos-Stream-Id", "1")
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})}
		go func() { _ = server.Serve(l) }()
		defer server.Close()
		h.lead(ctx, scheduler.Term{})
		h.at(20 * time.Second)
		events, times := h.connections()
		require.Len(h, events, 2)
		require.EqualError(h, events[0].Err, "scheduler: http://proxy.example:5050 has accepted SUBSCRIBE and sends no answer: the master said nothing for 15s")
		require.Equal(h, 15*time.Second, times[0])
		require.True(h, events[1].Connected)
		require.Less(h, times[1], 15*time.Second+200*time.Millisecond)
	})
}

// The address of an agent, a path that does not exist, and a server that is no master: each attempt says so, and where.
func TestNotAMaster(t *testing.T) {
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host == "agent.example:5051" && r.URL.Path == "/slave(1)/health":
		case r.Host == "agent.example:5051":
			http.Error(w, "Failed to validate agent::Call: Expecting 'type' to be present", http.StatusBadRequest)
		default:
			http.NotFound(w, r)
		}
	})
	for entry, want := range map[string]string{
		"agent.example:5051":              "http://agent.example:5051: this is an agent, not a master",
		"web.example:80":                  "http://web.example:80: this is not a Mesos master",
		"http://m0.example:5050/no/such/": "http://m0.example:5050/no/such: this is not a Mesos master, or its path is another one",
		"nobody.example":                  "http://nobody.example:5050",
		"https://web.example:80":          "https://web.example:80: the server does not speak TLS",
	} {
		withIdleScheduler(t, threeMasters(), mesostest.Config{}, scheduler.Config{Master: entry}, func(ctx context.Context, h *harness) {
			for _, address := range []string{"agent.example:5051", "web.example:80"} {
				l, err := h.network.Listen(address)
				require.NoError(h, err)
				server := &http.Server{Handler: pages, ErrorLog: log.New(io.Discard, "", 0)}
				go func() { _ = server.Serve(l) }()
				defer server.Close()
			}
			h.lead(ctx, scheduler.Term{})
			h.at(time.Minute)
			events, _ := h.connections()
			require.NotEmpty(h, events)
			require.ErrorContains(h, events[0].Err, want)
			require.False(h, events[0].NextAttempt.IsZero(), "another one may come")
		})
	}
}

// ZooKeeper is down: each attempt fails with that, at once, and it is not claimed that a leader stays.
func TestZooKeeperIsDown(t *testing.T) {
	config := scheduler.Config{Master: "zk://user:secret@zk.example:2181/mesos"}
	withMasters(t, threeMasters(), mesostest.Config{}, config, func(ctx context.Context, h *harness) {
		require.NoError(h, h.sched.Submit(ctx, sleeper("a")))
		h.at(time.Minute)
		status, err := h.sched.Status(ctx)
		require.NoError(h, err)
		require.ErrorContains(h, status.Err, "no leading master is known yet: ")
		explained, err := h.sched.Explain(ctx, "a")
		require.NoError(h, err)
		require.Contains(h, explained.String(), "not subscribed: scheduler: cannot subscribe: detector: no leading master is known yet: ")
		events, times := h.connections()
		require.NotEmpty(h, events)
		require.Less(h, times[0], 5*time.Second)
		for _, e := range events {
			require.ErrorContains(h, e.Err, "no leading master is known yet: ")
			require.ErrorContains(h, e.Err, "could not connect to a server")
			require.NotContains(h, e.Err.Error(), "secret")
			require.NotContains(h, e.Err.Error(), "stays")
			require.False(h, e.NextAttempt.IsZero())
		}
	})
}

// Until the agent of a task has re-registered, a new master sends no update about it. The master is asked again and
// again, and the task is not taken for lost, however long that takes.
func TestReconciliationWaitsForAgents(t *testing.T) {
	cluster := mesostest.Config{Agents: agents(2), SessionTimeout: time.Second}
	withMasters(t, threeMasters(), cluster, scheduler.Config{}, func(ctx context.Context, h *harness) {
		info, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.at(10 * time.Second)
		require.True(h, h.master.LoseAgent(info.Hostname))
		require.True(h, h.master.LoseMaster(0))
		h.at(9 * time.Minute)
		require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, h.states("a"))
		reconciled := make(chan error, 1)
		go func() { reconciled <- h.sched.Reconcile(ctx) }()
		h.at(9*time.Minute + 30*time.Second)
		require.Empty(h, reconciled)
		require.True(h, h.master.ReturnAgent(info.Hostname))
		require.NoError(h, <-reconciled)
		require.Less(h, time.Since(h.began), 11*time.Minute, "the longest pause between two questions is a minute")
		require.Equal(h, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, h.states("a"))
	})
}

// A kill that a new master drops, because it does not know the task yet, is sent again.
func TestKillDuringFailover(t *testing.T) {
	cluster := mesostest.Config{Agents: agents(1), SessionTimeout: time.Second}
	withMasters(t, threeMasters(), cluster, scheduler.Config{}, func(ctx context.Context, h *harness) {
		info, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.at(10 * time.Second)
		require.True(h, h.master.LoseAgent(info.Hostname))
		require.True(h, h.master.LoseMaster(0))
		h.at(time.Minute)
		killed := make(chan error, 1)
		go func() {
			_, err := h.sched.Kill(ctx, "a")
			killed <- err
		}()
		h.at(3 * time.Minute)
		require.Empty(h, killed)
		require.True(h, h.master.ReturnAgent(info.Hostname))
		require.NoError(h, <-killed)
		require.Less(h, time.Since(h.began), 3*time.Minute+63*time.Second)
		require.Empty(h, h.master.Snapshot().Running)
	})
}
