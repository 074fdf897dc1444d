package taskmatcher_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// pick gives one of several values.
func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// digits gives an amount below limit with up to three decimal digits.
func digits(r *rand.Rand, limit int) float64 { return float64(r.IntN(limit*1000)) / 1000 }

func randomOffer(r *rand.Rand, i int) task.Offer {
	o := task.Offer{
		ID:       fmt.Sprintf("offer%02d", i),
		AgentID:  fmt.Sprintf("S%d", i),
		Hostname: fmt.Sprintf("agent%d", i),
		Role:     pick(r, "blue", "blue", "red"),
		Resources: []mesos.Resource{
			scalar("cpus", digits(r, 4)),
			scalar("mem", pick(r, 256, 256, digits(r, 512))),
			scalar("disk", digits(r, 100)),
		},
	}
	if r.IntN(2) == 0 {
		o.Resources = append(o.Resources, ranges("ports", 31000, 31000+r.Uint64N(6), 31100, 31100+r.Uint64N(4)))
	}
	if r.IntN(3) == 0 {
		o.Resources = append(o.Resources, reserve(scalar("cpus", digits(r, 2)), o.Role), reserve(ranges("ports", 31050, 31052), o.Role),
			scalar("gpus", float64(r.IntN(3))), reserve(scalar("mem", digits(r, 64)), o.Role))
	}
	if r.IntN(4) > 0 {
		o.Attributes = append(o.Attributes, text("rack", pick(r, "r1", "r2", "r3")))
	}
	if r.IntN(4) == 0 {
		o.Quarantined = []uint16{31000, 31001, 31051}
	}
	r.Shuffle(len(o.Resources), func(i, j int) { o.Resources[i], o.Resources[j] = o.Resources[j], o.Resources[i] })
	return o
}

func randomSpec(r *rand.Rand, i int) task.Spec {
	s := task.Spec{
		ID:    fmt.Sprintf("task%02d", i),
		Role:  pick(r, "", "", "blue", "red"),
		CPUs:  pick(r, 0.1, 0.5, digits(r, 2)),
		Mem:   pick(r, 32, 64, digits(r, 300)),
		Disk:  pick(r, 0, 0, digits(r, 30)),
		GPUs:  pick(r, 0.0, 0, 0, 0, 0, 1),
		Ports: make([]task.Port, pick(r, 0, 0, 1, 2, 5)),
	}
	if r.IntN(3) == 0 {
		s.Constraints = []task.Constraint{{Attribute: "rack", Operator: pick(r, task.Like, task.Unlike), Value: pick(r, "r1", "r[12]", "r", ".*")}}
	}
	return s
}

func randomCase(r *rand.Rand) (tasks []task.Spec, offers []task.Offer) {
	for i := range r.IntN(30) {
		tasks = append(tasks, randomSpec(r, i))
	}
	for i := range r.IntN(8) {
		offers = append(offers, randomOffer(r, i))
	}
	return tasks, offers
}

const rounds = 400

// FirstFit and the dumb reference place alike, and what comes out keeps its promises.
func TestFirstFitLikeReference(t *testing.T) {
	var placed, rejected int
	for seed := range uint64(rounds) {
		tasks, offers := randomCase(rand.New(rand.NewPCG(seed, 1)))
		placements, rejections := taskmatcher.FirstFit{}.Match(tasks, offers)
		require.NoError(t, check(tasks, offers, placements, rejections), "seed %d", seed)
		want := reference(tasks, offers)
		require.Len(t, placements, len(want), "seed %d", seed)
		for i := range want {
			want[i].Resources = placements[i].Resources // judged by check
		}
		require.Equal(t, want, placements, "seed %d", seed)
		placed, rejected = placed+len(placements), rejected+len(rejections)
	}
	require.Greater(t, placed, 5*rounds, "the cases must not be trivial")
	require.Greater(t, rejected, 2*rounds, "the cases must not be trivial")
}

// The order in which offers arrive decides nothing, and nothing in the arguments changes.
func TestFirstFitDeterministicAndPure(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		tasks, offers := randomCase(r)
		sameTasks, sameOffers := randomCase(rand.New(rand.NewPCG(seed, 2)))
		placements, rejections := taskmatcher.FirstFit{}.Match(tasks, offers)
		require.Equal(t, sameTasks, tasks, "seed %d", seed)
		require.Equal(t, sameOffers, offers, "seed %d", seed)
		r.Shuffle(len(offers), func(i, j int) { offers[i], offers[j] = offers[j], offers[i] })
		again, againRejections := taskmatcher.FirstFit{}.Match(tasks, offers)
		require.Equal(t, placements, again, "seed %d", seed)
		require.Equal(t, rejections, againRejections, "seed %d", seed)
	}
}

// A checker that finds nothing proves nothing: matchers with one fault each must be caught.
func TestCheckCatchesFaultyMatchers(t *testing.T) {
	match := taskmatcher.FirstFit{}.Match
	type matcher = func([]task.Spec, []task.Offer) ([]task.Placement, []task.Rejection)
	altered := func(alter func(*task.Spec, *task.Offer)) matcher {
		return func(tasks []task.Spec, offers []task.Offer) ([]task.Placement, []task.Rejection) {
			tasks, offers = slices.Clone(tasks), slices.Clone(offers)
			for i := range tasks {
				alter(&tasks[i], &task.Offer{})
			}
			for i := range offers {
				alter(&task.Spec{}, &offers[i])
			}
			return match(tasks, offers)
		}
	}
	for fault, faulty := range map[string]matcher{
		"forgets quarantined ports": altered(func(_ *task.Spec, o *task.Offer) { o.Quarantined = nil }),
		"forgets constraints":       altered(func(s *task.Spec, _ *task.Offer) { s.Constraints = nil }),
		"forgets roles":             altered(func(s *task.Spec, _ *task.Offer) { s.Role = "" }),
		"forgets ports":             altered(func(s *task.Spec, _ *task.Offer) { s.Ports = nil }),
		"asks for less":             altered(func(s *task.Spec, _ *task.Offer) { s.CPUs /= 2 }),
		"asks for more":             altered(func(s *task.Spec, _ *task.Offer) { s.Mem += 1 }),
		"loses the reservations": altered(func(_ *task.Spec, o *task.Offer) {
			o.Resources = slices.Clone(o.Resources)
			for i := range o.Resources {
				o.Resources[i].Reservations = nil
			}
		}),
		"uses everything twice": func(tasks []task.Spec, offers []task.Offer) (p []task.Placement, r []task.Rejection) {
			for i := range tasks {
				placements, rejections := match(tasks[i:i+1], offers)
				p, r = append(p, placements...), append(r, rejections...)
			}
			return p, r
		},
		"hands out a port twice": func(tasks []task.Spec, offers []task.Offer) ([]task.Placement, []task.Rejection) {
			placements, rejections := match(tasks, offers)
			for i := range placements {
				for _, earlier := range placements[:i] {
					if earlier.OfferID == placements[i].OfferID && len(earlier.HostPorts) == len(placements[i].HostPorts) {
						placements[i].HostPorts = earlier.HostPorts
					}
				}
			}
			return placements, rejections
		},
		"gives up too early": func(tasks []task.Spec, offers []task.Offer) ([]task.Placement, []task.Rejection) {
			if len(offers) < 2 {
				return match(tasks, offers)
			}
			return match(tasks, offers[1:])
		},
		"loses tasks": func(tasks []task.Spec, offers []task.Offer) ([]task.Placement, []task.Rejection) {
			placements, _ := match(tasks, offers)
			return placements, nil
		},
	} {
		caught := 0
		for seed := range uint64(60) {
			tasks, offers := randomCase(rand.New(rand.NewPCG(seed, 3)))
			placements, rejections := faulty(tasks, offers)
			if check(tasks, offers, placements, rejections) != nil {
				caught++
			}
		}
		require.Greater(t, caught, 5, fault)
	}
}

// odd gives a value from a byte; most are of the kind that a master should never send.
func odd(b byte) float64 {
	values := [...]float64{0, 0.1, 1, 64, 0.0004, 0.0005, -1, math.NaN(), math.Inf(1), math.Inf(-1), 1e300, math.MaxFloat64, 0.999999, 1.001, 1e12, 3}
	return values[int(b)%len(values)]
}

// FuzzFirstFit feeds odd offers and tasks. Invariants: no panic; no oversubscription, whatever is
// negative, infinite, duplicated or overlapping; improper tasks are rejected; every offer is
// accounted for in the reasons.
func FuzzFirstFit(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{3, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24})
	f.Add([]byte("several roles, ranges that overlap, and offers that come twice"))
	f.Fuzz(func(t *testing.T, data []byte) {
		next := func() byte {
			if len(data) == 0 {
				return 0
			}
			b := data[0]
			data = data[1:]
			return b
		}
		// Ends of ranges are near each other, often overlapping and sometimes the wrong way round:
		// the checker counts port by port.
		port := func() uint64 {
			b := uint64(next())
			return [...]uint64{b % 8, 31000 + b%16, 31000 + b%8, 65530 + b%16, math.MaxUint64 - b%4}[b/16%5]
		}
		var offers []task.Offer
		for i := range int(next() % 6) {
			o := task.Offer{ID: fmt.Sprint("o", i), AgentID: "S", Hostname: "h", Role: "r", Quarantined: []uint16{0, 2, 31001, 65535}}
			for range next() % 8 {
				o.Resources = append(o.Resources, oddResource(next, port))
			}
			offers = append(offers, o)
			if next()%4 == 0 {
				offers = append(offers, o)
			}
		}
		var tasks []task.Spec
		for i := range int(next() % 12) {
			tasks = append(tasks, task.Spec{
				ID: fmt.Sprint("t", i), CPUs: odd(next()), Mem: odd(next()), Disk: odd(next()), GPUs: odd(next()),
				Ports: make([]task.Port, next()%4),
			})
		}
		placements, rejections := taskmatcher.FirstFit{}.Match(tasks, offers)
		require.NoError(t, check(tasks, offers, placements, rejections))
	})
}

func oddResource(next func() byte, port func() uint64) mesos.Resource {
	name := [...]string{"cpus", "mem", "disk", "gpus", "ports", "ports", "other", ""}[next()%8]
	r := scalar(name, odd(next()))
	if name == "ports" {
		a, b, c := port(), port(), port()
		r = ranges(name, a, a+uint64(next()%8), b, b, c, min(c, port()))
	}
	switch next() % 12 {
	case 0:
		r = reserve(r, "r")
	case 1:
		r.Type = nil
	case 2:
		r.Scalar, r.Ranges = nil, nil
	case 3:
		r.Type = mesos.SET.Enum()
	case 4:
		r.Revocable = &mesos.Resource_RevocableInfo{}
	case 5:
		r.Disk = &mesos.Resource_DiskInfo{}
	case 6:
		r.Role = new(string)
	}
	return r
}

// The fuzzer's decoder must reach the interesting parts; random bytes do.
func TestFirstFitOddOffers(t *testing.T) {
	placed := 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 4))
		next := func() byte { return byte(r.Uint32()) }
		port := func() uint64 { return 31000 + uint64(next()%16) }
		var offers []task.Offer
		for i := range 4 {
			o := task.Offer{ID: fmt.Sprint("o", i), Role: "r", Quarantined: []uint16{31002, 31007}}
			for range 20 {
				o.Resources = append(o.Resources, oddResource(next, port))
			}
			offers = append(offers, o, o)
		}
		var tasks []task.Spec
		for i := range 20 {
			tasks = append(tasks, task.Spec{ID: fmt.Sprint("t", i), CPUs: pick(r, 0.1, 1, 0.3), Mem: odd(next()), Ports: make([]task.Port, r.IntN(4))})
		}
		placements, rejections := taskmatcher.FirstFit{}.Match(tasks, offers)
		require.NoError(t, check(tasks, offers, placements, rejections), "seed %d", seed)
		placed += len(placements)
	}
	require.Greater(t, placed, 200)
}
