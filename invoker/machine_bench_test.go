package invoker

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// warmPool returns a machine with so many idle containers of so many keys on a hundred agents, and the keys.
func warmPool(tb testing.TB, containers, keys int) (*machine, []Key, time.Time) {
	s := testSettings()
	s.Memory, s.MaxStarts = 0, containers
	m := newMachine(s)
	m.step(epoch, start{term: 1})
	all := make([]Key, keys)
	for i := range all {
		all[i] = keyNamed(fmt.Sprintf("/guest/package/action-%d", i))
	}
	instances, records := make([]Instance, containers), make([]record, containers)
	for i := range instances {
		id := fmt.Sprintf("o-0-%d", i)
		instances[i] = left(id)
		instances[i].Agent = fmt.Sprintf("agent-%d", i%100)
		records[i] = record{ID: id, Incarnation: "i", Key: all[i%keys], Initialised: true}
	}
	m.step(epoch, listed{instances: instances, records: records})
	now := epoch.Add(SessionTTL + sessionMargin)
	m.step(now, wake{})
	require.Len(tb, m.infos(), containers)
	return m, all, now
}

// cycle acquires and releases an idle container of a key.
func cycle(m *machine, now time.Time, in *acquire, out *release) bool {
	for _, c := range m.step(now, in) {
		if g, ok := c.(*grant); ok {
			out.grant = g.id
			m.step(now, out)
			return !m.deadline().IsZero()
		}
	}
	return false
}

func BenchmarkMachineAcquireRelease(b *testing.B) {
	m, keys, now := warmPool(b, 10_000, 1000)
	random := rand.New(rand.NewPCG(1, 2))
	in, out := &acquire{ref: 1, timeout: time.Minute}, &release{}
	b.ReportAllocs()
	for b.Loop() {
		in.key = keys[random.IntN(len(keys))]
		now = now.Add(2 * time.Microsecond)
		if !cycle(m, now, in, out) {
			b.Fatal("no container is idle")
		}
	}
}

func TestAWarmContainerIsHadAndGivenBackWithoutAllocating(t *testing.T) {
	m, keys, now := warmPool(t, 1000, 100)
	in, out := &acquire{ref: 1, timeout: time.Minute}, &release{}
	i := 0
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		in.key = keys[i%len(keys)]
		i++
		if !cycle(m, now, in, out) {
			panic("no container is idle")
		}
	}))
}

func BenchmarkMemoryPerIdleContainer(b *testing.B) {
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		m, _, _ := warmPool(b, 10_000, 1000)
		m.commands = nil
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/10_000, "B/container")
		runtime.KeepAlive(m)
	}
}

// BenchmarkMachineOverloaded is the whole life of a container while ten thousand callers of as many keys wait for room: it serves one of
// them and has to make room for the next.
func BenchmarkMachineOverloaded(b *testing.B) {
	s := testSettings()
	s.Memory, s.MaxWaiting = 100*256, 1_000_000
	m := newMachine(s)
	m.step(epoch, start{term: 1})
	m.step(epoch, listed{})
	now, next, waiting := epoch, ref(0), []input{}
	answer := func(commands []command) {
		for _, c := range commands {
			switch c := c.(type) {
			case create:
				waiting = append(waiting, created{id: c.id, instance: Instance{ID: c.id, Agent: "x"}})
			case probe:
				waiting = append(waiting, probed{id: c.instance.ID})
			case bind:
				waiting = append(waiting, stored{id: c.record.ID})
			case destroy:
				waiting = append(waiting, destroyed{id: c.id})
			case *grant:
				waiting = append(waiting, initialised{grant: c.id}, release{grant: c.id})
			}
		}
	}
	arrive := func() {
		next++
		answer(m.step(now, acquire{ref: next, key: keyNamed(fmt.Sprint(next)), timeout: time.Minute}))
	}
	for range 10_000 {
		arrive()
	}
	b.ResetTimer()
	for b.Loop() {
		served := m.grants
		for m.grants == served {
			in := waiting[0]
			waiting = waiting[1:]
			now = now.Add(time.Microsecond)
			answer(m.step(now, in))
		}
		arrive()
	}
}
