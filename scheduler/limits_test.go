package scheduler

import (
	"fmt"
	"strings"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"
)

// limited returns a stage with a subscription and with limits that change has set.
func limited(t *testing.T, change func(*limits)) (s *stage, play func(string) string) {
	s = newStage(t)
	s.configure(func(set *settings) {
		set.limits = defaultLimits()
		change(&set.limits)
	})
	play = func(line string) string { return s.play(strings.Fields(line)) }
	play("start")
	play("subscribed fw")
	return s, play
}

// Of five updates three may wait for an answer to their acknowledgement. That the others are dropped is said once. When the
// master has answered, their agents repeat them.
func TestAcknowledgementsBeyondTheLimit(t *testing.T) {
	s, play := limited(t, func(l *limits) { l.acksBytes = 3 * (ackOverhead + len("t0a10")) })
	update := func(i int) string { return play(fmt.Sprintf("update t%d RUNNING uuid=%02x agent=a1", i, i)) }
	for i := range 3 {
		require.Contains(t, update(i), "ACKNOWLEDGE")
	}
	require.Contains(t, update(3), "dropping ACKNOWLEDGE")
	require.NotContains(t, update(4)+update(0), "ACKNOWLEDGE")
	require.Equal(t, 2, s.machine.backoff.dropped(), "what is repeated while it waits is not dropped")
	for range 2 {
		play("done ACKNOWLEDGE accepted")
		play("done ACKNOWLEDGE:t1 accepted")
	}
	require.Contains(t, update(3), "ACKNOWLEDGE t3")
	require.Contains(t, update(4), "ACKNOWLEDGE t4")
	play("close error=reset")
	require.Empty(t, s.machine.acks.open)
	s.wait("1s")
	play("subscribed fw")
	require.Zero(t, s.machine.backoff.dropped())
	require.Contains(t, update(0), "ACKNOWLEDGE t0")
}

// While the store is slow 20,000 tasks begin to run. All their updates are acknowledged, since agents would wait for seconds
// before they repeat one, and no watcher misses an event.
func TestUpdatesOfTwentyThousandTasksWhileTheStoreIsSlow(t *testing.T) {
	const tasks = 20_000
	s := newStage(t)
	s.configure(func(set *settings) { set.durable, set.unknown = true, AdoptUnknown })
	for _, line := range []string{"start", "stored", "subscribed fw", "stored", "subscribed fw"} {
		s.play(strings.Fields(line))
	}
	var writing, acks, events int
	step := func(in input) {
		for _, a := range s.machine.step(s.now, in) {
			switch a := a.(type) {
			case store:
				writing = len(a.changes)
			case send:
				acks++
			case notify:
				require.IsType(t, &taskChange{}, a.event)
				events++
			case dropping:
				require.Fail(t, "acknowledgements are dropped")
			}
		}
	}
	for _, state := range []mesos.TaskState{mesos.TASK_STARTING, mesos.TASK_RUNNING} {
		for i := range tasks {
			step(streamEvent{stream: s.machine.conn.stream, event: statusOf("66549417-1791-41bf-bebf-adeb5c1d4270-S1", serviceSpec(i, 1).ID, state, 0)})
		}
	}
	for writing > 0 {
		n := writing
		writing = 0
		step(stored{records: n})
	}
	require.Equal(t, 2*tasks, acks)
	require.Equal(t, 2*tasks, events)
}

// An acknowledgement that failed is made again, and takes no second place.
func TestAcknowledgementsThatAreMadeAgain(t *testing.T) {
	s, play := limited(t, func(l *limits) { l.acksBytes = ackOverhead + len("ta10") })
	play("update t RUNNING uuid=01 agent=a1")
	play("done ACKNOWLEDGE unclear")
	require.NotContains(t, play("update t RUNNING uuid=01 agent=a1"), "ACKNOWLEDGE", "it waits")
	require.Contains(t, play("wait 1s"), "ACKNOWLEDGE t on a1 uuid 01")
	require.Len(t, s.machine.acks.open, 1)
	play("done ACKNOWLEDGE accepted")
	require.Empty(t, s.machine.acks.open)
}

// The master does not answer any DECLINE and goes on to make offers. It takes all of them back at the end of the subscription.
func TestDeclinedOffersThatTheMasterDoesNotTake(t *testing.T) {
	s, play := limited(t, func(l *limits) { l.declined, l.calls[declineCalls] = 20, 4 })
	out := ""
	for i := range 21 {
		require.NotContains(t, out, "close stream")
		play(fmt.Sprintf("offers o%d@a%d:1:1024", i, i))
		out = play("wait 200ms")
	}
	require.Contains(t, out, "close stream 1\n  notify disconnected: the master has not taken back very many offers that were declined")
	s.wait("1s")
	play("subscribed fw")
	for i := range 40 { // it takes them
		play(fmt.Sprintf("offers o%d@a%d:1:1024", i, i))
		if strings.Contains(play("wait 200ms"), "DECLINE") {
			play("done DECLINE accepted")
		}
	}
	require.True(t, s.machine.conn.connected())
	require.Zero(t, s.machine.backoff.declined)
}

// While four DECLINEs are not answered the other offers wait. They go back together, in one call.
func TestDeclinesWaitTogether(t *testing.T) {
	_, play := limited(t, func(l *limits) { l.calls[declineCalls] = 4 })
	for i := range 10 {
		play(fmt.Sprintf("offers o%d@a%d:1:1024", i, i))
		require.Equal(t, i < 4, strings.Contains(play("wait 200ms"), "DECLINE"))
	}
	require.Contains(t, play("done DECLINE accepted")+play("wait 1ms"), "DECLINE o4 o5 o6 o7 o8 o9 refuse 0s")
}

// KILLs of tasks on record that cannot be made now are made later, those of others are dropped until the next reconciliation.
func TestKillsBeyondTheLimit(t *testing.T) {
	s := newStage(t)
	s.configure(func(set *settings) {
		set.unknown, set.limits = KillUnknown, defaultLimits()
		set.limits.calls[killCalls] = 2
	})
	play := func(line string) string { return s.play(strings.Fields(line)) }
	play("start")
	play("subscribed fw")
	play("submit t")
	play("offers o1@a1:4:1024")
	play("done ACCEPT accepted")
	play("update t RUNNING uuid=01 agent=a1")
	for i := range 2 {
		require.Contains(t, play(fmt.Sprintf("update u%d RUNNING agent=a1", i)), "KILL")
	}
	require.Contains(t, play("update u2 RUNNING agent=a1"), "dropping KILL")
	require.NotContains(t, play("kill t"), "KILL t on")
	play("done KILL accepted")
	require.Contains(t, play("wait 2s"), "KILL t on a1")
}

// An inverse offer that cannot be kept any more is declined, though the policy would accept it.
func TestVacatedAgentsBeyondTheLimit(t *testing.T) {
	s, play := limited(t, func(l *limits) { l.vacated = 2 })
	for i := range 2 {
		require.Contains(t, play(fmt.Sprintf("inverse i%d a%d maintenance=1h", i, i)), "ACCEPT_INVERSE_OFFERS")
	}
	require.Contains(t, play("inverse i2 a2 maintenance=1h"), "DECLINE_INVERSE_OFFERS i2")
	require.Contains(t, play("inverse i3 a1 maintenance=2h"), "ACCEPT_INVERSE_OFFERS i3", "it is kept free already")
	require.Len(t, s.machine.vacated, 2)
}

// An event with 50,000 offers of one agent, for one role or for as many roles, takes no longer for each than others do: in
// quadratic time this test would take hours.
func TestVeryManyOffersOfAnAgent(t *testing.T) {
	oneGoroutine(t)
	for _, roles := range []bool{false, true} {
		s, _ := limited(t, func(*limits) {})
		words := make([]string, 50_000)
		for i := range words {
			words[i] = fmt.Sprintf("o%d@a1:1:1024", i)
		}
		offers := offersOf(words)
		for i := range offers.Offers {
			if roles {
				offers.Offers[i].AllocationInfo.Role = proto(fmt.Sprint("role", i))
			}
		}
		s.machine.step(s.now, streamEvent{stream: 1, event: offersEvent(offers)})
		require.Equal(t, 50_000, s.machine.pool.size())
		for i := range words {
			s.machine.step(s.now, streamEvent{stream: 1, event: rescindEvent(fmt.Sprint("o", i))})
		}
		require.Zero(t, s.machine.pool.size())
		require.Len(t, s.machine.census.agents, 1)
	}
}

// Of an event with more offers than are at hand at most, those that are more go back at once, whatever the agents.
func TestMoreOffersInAnEventThanAreKept(t *testing.T) {
	s, play := limited(t, func(l *limits) { l.offers = 2 })
	require.Contains(t, play("offers o0@a0:1:1 o1@a1:1:1 o2@a2:1:1 o3@a3:1:1 o4@a4:1:1"), "DECLINE o2 o3 o4")
	require.Equal(t, 2, s.machine.pool.size())
	require.Len(t, s.machine.census.agents, 2)
}
