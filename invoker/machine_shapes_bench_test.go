package invoker

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkMachineShapes is the whole life of a container of a shape that is new, among so many shapes that have something and need
// nothing, as with the images of many users.
func BenchmarkMachineShapes(b *testing.B) {
	for _, shapes := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprint(shapes), func(b *testing.B) {
			s := testSettings()
			s.Memory, s.MaxWaiting = 0, 10
			m := newMachine(s)
			m.step(epoch, start{term: 1})
			m.step(epoch, listed{})
			p := &play{m: m}
			for i := range shapes {
				p.live(fmt.Sprint("tenant-", i), reuse)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				p.live(fmt.Sprint("other-", i%10), discard)
			}
		})
	}
}

// play plays the world around a machine, in which all succeeds at once.
type play struct {
	m      *machine
	now    time.Duration
	last   ref
	inputs []input
}

// live has a container of a tenant be started, used and released with an outcome.
func (p *play) live(tenant string, o outcome) {
	key := keyNamed("action")
	key.Image, key.Tenant = "user/image", tenant
	p.last++
	p.inputs = append(p.inputs, acquire{ref: p.last, key: key, timeout: time.Minute})
	for len(p.inputs) > 0 {
		in := p.inputs[0]
		p.inputs = p.inputs[1:]
		p.now += time.Microsecond
		for _, c := range p.m.step(epoch.Add(p.now), in) {
			switch c := c.(type) {
			case create:
				p.inputs = append(p.inputs, created{id: c.id, instance: Instance{ID: c.id, Agent: "x"}})
			case probe:
				p.inputs = append(p.inputs, probed{id: c.instance.ID})
			case bind:
				p.inputs = append(p.inputs, stored{id: c.record.ID})
			case destroy:
				p.inputs = append(p.inputs, destroyed{id: c.id})
			case *grant:
				p.inputs = append(p.inputs, initialised{grant: c.id}, release{grant: c.id, outcome: o})
			}
		}
	}
}
