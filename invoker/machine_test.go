package invoker

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var epoch = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// bench drives a machine by hand: it answers nothing by itself.
type bench struct {
	t        testing.TB
	m        *machine
	now      time.Time
	commands []command // of the last step
}

func testSettings() settings {
	return settings{owner: "o", PoolConfig: PoolConfig{
		Memory: 1024, MemoryPerCPU: 1024, MaxStarts: 20, MaxWaiting: 100,
		IdleTimeout: 10 * time.Minute, PauseGrace: 10 * time.Second, MarkGrace: 5 * time.Second,
	}}
}

// newBench returns a machine that has begun and found nothing.
func newBench(t testing.TB, change ...func(*settings)) *bench {
	s := testSettings()
	for _, c := range change {
		c(&s)
	}
	b := &bench{t: t, m: newMachine(s), now: epoch}
	b.step(start{term: 1})
	require.Equal(t, []command{list{}}, b.commands)
	b.step(listed{})
	return b
}

func (b *bench) step(in input) []command {
	b.t.Helper()
	b.commands = nil
	for _, c := range b.m.step(b.now, in) {
		if g, ok := c.(*grant); ok {
			c = *g
		}
		b.commands = append(b.commands, c)
	}
	check(b.t, b.m)
	return b.commands
}

// elapse lets time pass, and wakes the machine whenever it wants to be.
func (b *bench) elapse(d time.Duration) []command {
	b.t.Helper()
	var all []command
	end := b.now.Add(d)
	for at := b.m.deadline(); !at.IsZero() && !at.After(end); at = b.m.deadline() {
		require.False(b.t, at.Before(b.now), "the deadline has passed")
		b.now = at
		all = append(all, b.step(wake{})...)
		require.NotEqual(b.t, b.now, b.m.deadline(), "it is woken, and does nothing")
	}
	b.now = end
	return all
}

// only returns the commands of one type.
func only[T command](commands []command) []T {
	var found []T
	for _, c := range commands {
		if c, ok := c.(T); ok {
			found = append(found, c)
		}
	}
	return found
}

// kinds returns the events, with the number of their container.
func kinds(commands []command) []string {
	var found []string
	for _, n := range only[notify](commands) {
		found = append(found, string(n.event.Kind)+" "+n.event.Container.ID)
	}
	return found
}

func keyNamed(name string) Key {
	return Key{Namespace: "guest", Action: name, Revision: "1", Shape: Shape{Kind: "nodejs:20", Memory: 256}, Concurrency: 1}
}

// grantID returns the nth grant of the first term.
func grantID(container string, n uint64) GrantID {
	return GrantID{Container: container, Number: 1<<32 + n}
}

func (b *bench) acquire(r ref, k Key) []command {
	b.t.Helper()
	return b.step(acquire{ref: r, key: k, timeout: time.Minute})
}

// up has a container that was created answer.
func (b *bench) up(id, agent string) []command {
	b.t.Helper()
	b.step(created{id: id, instance: Instance{ID: id, Incarnation: "i", Agent: agent, Address: id + ":80"}})
	require.Len(b.t, only[probe](b.commands), 1)
	return b.step(probed{id: id})
}

// warm returns the granted of a new container of the key, which is initialised.
func (b *bench) warm(r ref, k Key, agent string) GrantID {
	b.t.Helper()
	made := only[create](b.acquire(r, k))
	require.Len(b.t, made, 1)
	b.up(made[0].id, agent)
	b.step(stored{id: made[0].id})
	g := only[grant](b.commands)
	require.Len(b.t, g, 1)
	require.Equal(b.t, r, g[0].ref)
	require.True(b.t, g[0].init)
	b.step(initialised{grant: g[0].id})
	return g[0].id
}

// check recounts what the machine counts.
func check(t testing.TB, m *machine) {
	t.Helper()
	used, removing, starting := 0, 0, 0
	for id, c := range m.containers {
		require.Equal(t, id, c.id)
		used += c.shape.Memory
		removing += c.removing()
		if c.starting() {
			starting++
		}
		require.Equal(t, c.list(), c.inList, "%s, %s", c.id, c.state)
	}
	away, recalled := 0, 0
	for _, c := range m.containers {
		switch {
		case c.unreachable || c.retired || !c.remote():
		case c.recalled:
			recalled += c.shape.Memory
		default:
			away += c.shape.Memory
		}
	}
	require.Equal(t, away, m.room.remote)
	require.Equal(t, recalled, m.room.recalled)
	require.Equal(t, used, m.used)
	require.Equal(t, removing, m.room.removing)
	require.Equal(t, starting, m.starting)
	for _, k := range m.keys {
		coming, bound := 0, 0
		for _, c := range m.containers {
			if c.key == k {
				coming += c.slotsComing()
				bound++
			}
		}
		require.Equal(t, coming, k.coming)
		require.Equal(t, bound, k.bound)
		require.Equal(t, k.missing(), k.need)
	}
	ahead, lacks := 0, map[int]bool{}
	for _, s := range m.shapes {
		need, starting := 0, 0
		for _, k := range m.keys {
			if k.shape == s {
				need += k.need
			}
		}
		for _, c := range m.containers {
			if c.shape == s && c.starting() {
				starting++
			}
		}
		require.Equal(t, need, s.need)
		require.Equal(t, starting, s.starting)
		require.Equal(t, s.lack(), s.lacking)
		ahead += max(0, starting-need)
		if s.lacking > 0 {
			lacks[s.Memory] = true
		}
	}
	require.Equal(t, ahead, m.ahead)
	require.Len(t, lacks, m.startable)
	require.Equal(t, len(m.shapes), m.shapeOrder.Len())
	for _, a := range m.agents {
		used, removing := 0, 0
		for i, c := range a.containers {
			require.Equal(t, i, c.agentIndex)
			used += c.shape.Memory
			removing += c.removing()
		}
		require.Equal(t, used, a.used)
		require.Equal(t, removing, a.removing)
	}
}

func TestAColdStartIsProbedBoundAndGrantedInThisOrder(t *testing.T) {
	b := newBench(t)
	b.acquire(1, keyNamed("a"))
	made := only[create](b.commands)
	require.Len(t, made, 1)
	require.Equal(t, "o-1-1", made[0].id)
	require.Equal(t, map[string]string{
		"invoker.owner": "o", "invoker.kind": "nodejs:20", "invoker.image": "", "invoker.memory": "256", "invoker.term": "1",
	}, made[0].spec.Labels)
	require.InEpsilon(t, 0.25, made[0].spec.CPUs, 1e-9)
	require.Equal(t, []string{"created o-1-1"}, kinds(b.commands))

	instance := Instance{ID: "o-1-1", Incarnation: "i", Agent: "x", Address: "10.0.0.1:80"}
	b.step(created{id: "o-1-1", instance: instance})
	instance.Labels = made[0].spec.Labels
	require.Equal(t, []command{probe{instance: instance}}, b.commands)

	b.step(probed{id: "o-1-1"})
	require.Equal(t, []string{"ready o-1-1"}, kinds(b.commands))
	require.Equal(t, []bind{{record: record{ID: "o-1-1", Incarnation: "i", Key: keyNamed("a"), Timeout: time.Minute, Term: 1}, instance: instance}}, only[bind](b.commands))
	require.Empty(t, only[grant](b.commands), "nothing is granted before the record is durable")

	b.step(stored{id: "o-1-1"})
	require.Equal(t, []string{"bound o-1-1"}, kinds(b.commands))
	require.Equal(t, []grant{{ref: 1, id: grantID("o-1-1", 1), to: instance, start: Cold, init: true}}, only[grant](b.commands))

	b.step(initialised{grant: grantID("o-1-1", 1)})
	require.True(t, only[note](b.commands)[0].record.Initialised)
	b.step(release{grant: grantID("o-1-1", 1)})
	require.Empty(t, b.commands)
	b.acquire(2, keyNamed("a"))
	require.Equal(t, []command{grant{ref: 2, id: grantID("o-1-1", 2), to: instance, start: Warm}}, b.commands)
}

func TestWhateverIsFreeFirstServesWhoWaitsAndWhatComesTooLateBecomesAStemCell(t *testing.T) {
	b := newBench(t)
	granted := b.warm(1, keyNamed("a"), "x")
	require.Len(t, only[create](b.acquire(2, keyNamed("a"))), 1)
	b.step(release{grant: granted})
	require.Equal(t, ref(2), only[grant](b.commands)[0].ref)
	b.up("o-1-2", "x")
	require.Empty(t, only[bind](b.commands))
	b.acquire(3, keyNamed("b"))
	require.Len(t, only[bind](b.commands), 1)
	require.Empty(t, only[create](b.commands))
	b.step(stored{id: "o-1-2"})
	require.Equal(t, Prewarmed, only[grant](b.commands)[0].start)
}

func TestACallerWhoLeavesDuringTheBindingLeavesTheContainerToTheNextOfTheKey(t *testing.T) {
	b := newBench(t)
	b.acquire(1, keyNamed("a"))
	b.up("o-1-1", "x")
	b.step(cancel{ref: 1})
	b.step(stored{id: "o-1-1"})
	require.Empty(t, only[grant](b.commands))
	b.acquire(2, keyNamed("a"))
	require.True(t, only[grant](b.commands)[0].init)
}

func TestAContainerIsRemovedUntilItIsGone(t *testing.T) {
	b := newBench(t)
	granted := b.warm(1, keyNamed("a"), "x")
	b.step(release{grant: granted, outcome: discard})
	require.Equal(t, []destroy{{id: "o-1-1"}}, only[destroy](b.commands))
	b.step(destroyed{id: "o-1-1", err: errors.New("busy")})
	for _, wait := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		require.Empty(t, b.elapse(wait*time.Second-1))
		require.Equal(t, []command{destroy{id: "o-1-1"}}, b.elapse(1))
		require.Equal(t, 256, b.m.used, "it counts as long as it may run")
		b.step(destroyed{id: "o-1-1", err: errors.New("busy")})
	}
	b.elapse(30 * time.Second)
	b.step(destroyed{id: "o-1-1"})
	require.Zero(t, b.m.used)
	require.Equal(t, []string{"gone o-1-1"}, kinds(b.commands))
	require.Equal(t, []forget{{id: "o-1-1"}}, only[forget](b.commands))
}

func TestInAFullPoolTheLeastRecentlyUsedMakesRoom(t *testing.T) {
	b := newBench(t)
	for i, name := range []string{"a", "b", "c", "d"} {
		b.now = b.now.Add(time.Second)
		b.step(release{grant: b.warm(ref(i+1), keyNamed(name), "x")})
	}
	b.acquire(5, keyNamed("a"))
	b.step(release{grant: only[grant](b.commands)[0].id})
	b.acquire(6, keyNamed("e"))
	require.Equal(t, []string{"marked o-1-2", "removing o-1-2"}, kinds(b.commands))
	require.Empty(t, only[create](b.commands), "the memory counts until it is gone")
	b.step(destroyed{id: "o-1-2"})
	require.Len(t, only[create](b.commands), 1)
	b.up("o-1-5", "x")
	b.step(stored{id: "o-1-5"})
	require.Equal(t, Cold, only[grant](b.commands)[0].start)
}

func TestAStoreThatFailsHoldsUpOnlyWhatMustBeBound(t *testing.T) {
	b := newBench(t)
	granted := b.warm(1, keyNamed("a"), "x")
	b.step(release{grant: granted})
	b.acquire(2, keyNamed("b"))
	b.up("o-1-2", "x")
	b.step(stored{id: "o-1-2", err: errors.New("disk full")})
	require.Equal(t, []destroy{{id: "o-1-2"}}, only[destroy](b.commands))
	require.Empty(t, only[create](b.commands))
	b.acquire(3, keyNamed("a"))
	require.Len(t, only[grant](b.commands), 1, "warm work goes on")
	require.Len(t, only[create](b.elapse(time.Second)), 1, "and it is tried again")
}
