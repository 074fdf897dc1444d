package scheduler_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// follower is who follows the output of a task.
type follower struct {
	w     *logWorld
	began time.Time
	ended chan struct{}

	mu  sync.Mutex
	got []string // chunks with their times
	err error    // may be read after ended is closed
}

func (w *logWorld) follow(ctx context.Context, id string, o scheduler.LogOptions) *follower {
	o.Follow = true
	f := &follower{w: w, began: time.Now(), ended: make(chan struct{})}
	go func() {
		defer close(f.ended)
		for c, err := range w.Logs(ctx, id, o) {
			if err != nil {
				f.err = err
				f.note("end")
				return
			}
			f.note(show(c))
		}
		f.note("end")
	}()
	return f
}

func (f *follower) note(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, fmt.Sprintf("%s %v", what, time.Since(f.began)))
}

// at waits until so much has passed since the beginning.
func (f *follower) at(d time.Duration) {
	time.Sleep(time.Until(f.began.Add(d)))
	synctest.Wait()
}

// takes checks what has come since the last time.
func (f *follower) takes(want ...string) {
	f.w.Helper()
	require.Equal(f.w, want, f.take())
}

// take returns what has come since the last time.
func (f *follower) take() []string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	got := f.got
	f.got = nil
	return got
}

// ends waits for the end, and returns the error.
func (f *follower) ends() error {
	<-f.ended
	return f.err
}

// What a task writes arrives while it writes, and Follow ends with the task.
func TestLogsFollow(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{}, func(w *logWorld) {
		w.launch("t", `echo a; sleep 1; echo b; sleep 10; echo c`)
		all := w.follow(w.Context(), "t", scheduler.LogOptions{})
		tail := w.follow(w.Context(), "t", scheduler.LogOptions{Offset: -1})
		five := w.follow(w.Context(), "t", scheduler.LogOptions{Limit: 5})
		all.at(time.Minute)
		all.takes("0:a\n 0s", "2:b\n 1.5s", "4:c\n 11s", "end 12s") // it ended at 11.05 s, which was seen at 11.5 s
		tail.takes("1:\n 0s", "2:b\n 1.5s", "4:c\n 11s", "end 12s")
		five.takes("0:a\n 0s", "2:b\n 1.5s", "4:c 11s", "end 11s")
		for _, f := range []*follower{all, tail, five} {
			require.NoError(w, f.ends())
		}

		after := w.follow(w.Context(), "t", scheduler.LogOptions{Offset: 2})
		time.Sleep(300 * time.Millisecond)
		require.NoError(w, w.WriteOutput("t", "stdout", []byte("late\n"))) // by a logger that lags behind
		after.at(time.Minute)
		after.takes("2:b\nc\n 0s", "6:late\n 500ms", "end 500ms")
	})
}

// A file that is rotated or cut is read from its beginning.
func TestLogsOfFilesThatAreRotated(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{}, func(w *logWorld) {
		w.launch("t", "echo 123456; sleep 3600")
		write := func(text string) { require.NoError(w, w.WriteOutput("t", "stdout", []byte(text))) }
		f := w.follow(w.Context(), "t", scheduler.LogOptions{})
		f.at(time.Second)
		f.takes("0:123456\n 0s")
		write("lost")
		require.NoError(w, w.RotateOutput("t", "stdout"))
		f.at(2 * time.Second)
		f.takes("R0: 1.5s") // the new file is empty
		write("new\n")
		f.at(3 * time.Second)
		f.takes("0:new\n 3s")
		require.NoError(w, w.RotateOutput("t", "stdout"))
		write("nw\n")
		f.at(4 * time.Second)
		f.takes("R0:nw\n 3.5s")

		// What is then longer than what was read is not seen to be another file.
		require.NoError(w, w.RotateOutput("t", "stdout"))
		write("newest\n")
		f.at(5 * time.Second)
		f.takes("3:est\n 5s")

		got, err := w.logs(w.Context(), "t", scheduler.LogOptions{Offset: 50})
		require.NoError(w, err)
		require.Equal(w, "R0:newest\n", got)
		require.NoError(w, w.RotateOutput("t", "stdout"))
		got, err = w.logs(w.Context(), "t", scheduler.LogOptions{Offset: 50})
		require.NoError(w, err)
		require.Equal(w, "R0:", got)
	})
}

// While it follows, an agent may be away for a while, but not for ever.
func TestLogsWhileAgentRestarts(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{}, func(w *logWorld) {
		host := w.launch("t", "echo a; sleep 60; echo b; sleep 3600").Hostname
		f := w.follow(w.Context(), "t", scheduler.LogOptions{})
		f.at(10 * time.Second)
		f.takes("0:a\n 0s")
		require.NoError(w, w.SetAgentAPI(host, false))
		f.at(70 * time.Second)
		require.NoError(w, w.SetAgentAPI(host, true))
		f.at(80 * time.Second)
		f.takes("2:b\n 1m11.5s")
		require.NoError(w, w.LoseAgent(host))
		f.at(10 * time.Minute)
		f.takes("end 2m51s") // 90 s after 1m21s
		require.Equal(w, scheduler.CodeAgentAway, scheduler.ErrorCode(f.ends()))
		require.ErrorContains(w, f.err, "its agent is away, and the task unreachable: dial tcp agent1.example:5051: connection refused")
	})
}

// An agent that serves at another port after a restart is found there as soon as it makes an offer.
func TestLogsOfAgentThatMoves(t *testing.T) {
	network, port := &virtualnet.Network{}, 7000
	cluster := mesostest.Config{Agents: []mesostest.Agent{{}}, ListenAgents: func(a mesostest.Agent) (net.Listener, error) {
		port++
		return network.Listen(net.JoinHostPort(a.Hostname, strconv.Itoa(port)))
	}}
	withAgents(t, network, cluster, scheduler.Config{}, func(m *mesostest.Master, w *logWorld) {
		info := w.launch("t", "echo a; sleep 60; echo b; sleep 3600")
		f := w.follow(w.Context(), "t", scheduler.LogOptions{})
		f.at(10 * time.Second)
		require.Equal(w, "agent1.example:7001", info.AgentAddress)
		f.takes("0:a\n 0s")
		require.True(w, m.LoseAgent(info.Hostname))
		require.True(w, m.ReturnAgent(info.Hostname))
		f.at(65 * time.Second)
		require.Empty(w, f.take())
		w.launch("u", "sleep 3600") // for which the agent makes an offer
		f.at(70 * time.Second)
		got := f.take()
		require.Len(w, got, 1)
		require.Contains(w, got[0], "2:b\n")
	})
}

// A task whose launch came to nothing is launched again: the output is that of the newest launch, wherever that is.
func TestLogsOfTaskThatIsLaunchedAgain(t *testing.T) {
	agents := []mesosfake.Agent{{Resources: "cpus:1"}, {Resources: "cpus:1"}}
	withLogs(t, mesosfake.Config{Agents: agents}, scheduler.Config{}, func(w *logWorld) {
		swallow := true
		w.Intercept(func(c mesosfake.Call) mesosfake.Fault {
			if c.Type == "ACCEPT" && swallow {
				swallow = false
				return mesosfake.FaultSwallow
			}
			return mesosfake.FaultNone
		})
		require.NoError(w, w.Submit(w.Context(), logSpec("t", "echo I run; sleep 3600")))
		time.Sleep(10 * time.Second)
		info, err := w.Task(w.Context(), "t")
		require.NoError(w, err)
		require.Equal(w, task.StateStaging, info.State)
		_, err = w.logs(w.Context(), "t", scheduler.LogOptions{})
		require.Equal(w, scheduler.CodeNotStarted, scheduler.ErrorCode(err))
		require.ErrorContains(w, err, "it is being launched, and has no files yet")
		f := w.follow(w.Context(), "t", scheduler.LogOptions{})
		f.at(5 * time.Minute)
		got := f.take()
		require.Len(w, got, 1)
		require.Contains(w, got[0], "0:I run\n")

		swallow = true
		require.NoError(w, w.Submit(w.Context(), logSpec("u", "echo I do not")))
		time.Sleep(10 * time.Second)
		f = w.follow(w.Context(), "u", scheduler.LogOptions{})
		info, err = w.Kill(w.Context(), "u")
		require.NoError(w, err)
		require.NotEmpty(w, info.AgentID)
		require.EqualError(w, f.ends(), fmt.Sprintf("scheduler: the output of task \"u\" on agent %s (%s) cannot be read: it never ran: it is %v", info.AgentID, info.Hostname, info.State))
	})
}

// What follows goes on while the scheduler's goroutine does not answer, and ends with Run, its context, the task's record, or
// when the caller has enough.
func TestLogsEnd(t *testing.T) {
	var hang chan struct{}
	m := brokenMatcher(func(c task.Cycle) ([]task.Placement, []task.Rejection) {
		if slices.ContainsFunc(c.Tasks, func(d task.Demand) bool { return d.ID == "hang" }) {
			<-hang
		}
		return taskmatcher.FirstFit{}.Match(c)
	})
	withLogs(t, mesosfake.Config{}, scheduler.Config{Matcher: m}, func(w *logWorld) {
		hang = make(chan struct{})
		w.launch("t", "echo a; sleep 30; echo b; sleep 30; echo c; sleep 3600")
		ctx, cancel := context.WithTimeout(w.Context(), 70*time.Second)
		defer cancel()
		f, withRun := w.follow(ctx, "t", scheduler.LogOptions{}), w.follow(w.Context(), "t", scheduler.LogOptions{Offset: -1})
		f.at(10 * time.Second)
		submitted := make(chan error, 1)
		go func() { submitted <- w.Submit(w.Context(), logSpec("hang", "true")) }()
		f.at(65 * time.Second)
		require.Len(w, f.take(), 3, "while the matcher hangs")
		require.ErrorIs(w, f.ends(), context.DeadlineExceeded)
		f.takes("end 1m10s")
		close(hang)
		require.NoError(w, <-submitted)
		time.Sleep(5 * time.Second)

		w.launch("u", "echo x; sleep 5")
		forgotten := w.follow(w.Context(), "u", scheduler.LogOptions{})
		time.Sleep(5*time.Second + 100*time.Millisecond)
		require.NoError(w, w.Forget(w.Context(), "u"))
		for range w.Logs(w.Context(), "t", scheduler.LogOptions{Follow: true}) {
			break
		}
		require.ErrorIs(w, forgotten.ends(), scheduler.ErrUnknownTask)
		w.stop()
		require.ErrorIs(w, withRun.ends(), scheduler.ErrNotRunning)
	})
}

// A task that leaves the history is still read to its end by those who follow it.
func TestLogsOfTaskThatLeavesTheHistory(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{History: -1}, func(w *logWorld) {
		w.launch("t", "echo a; sleep 5; echo b")
		f := w.follow(w.Context(), "t", scheduler.LogOptions{})
		f.at(time.Minute)
		require.NoError(w, f.ends())
		f.takes("0:a\n 0s", "2:b\n 5.5s", "end 6s")
		_, err := w.logs(w.Context(), "t", scheduler.LogOptions{})
		require.Equal(w, scheduler.CodeOutputGone, scheduler.ErrorCode(err))
		require.EqualError(w, err, `scheduler: the output of task "t" cannot be read: it has ended, and is no longer in the history, so that its agent is not known any more`)
	})
}
