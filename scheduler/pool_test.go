package scheduler

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// plainPool does what a pool does, by looking at all offers each time.
type plainPool struct {
	policy poolPolicy
	offers []plainOffer
}

type plainOffer struct {
	task.Offer
	hold
}

func (p *plainPool) add(now time.Time, offers []task.Offer) (surplus []task.Offer) {
	for _, o := range offers {
		switch {
		case slices.ContainsFunc(p.offers, func(h plainOffer) bool { return h.ID == o.ID }):
		case len(p.offers) == p.policy.limit || p.bytes()+offerSize(&o) > p.policy.bytes:
			surplus = append(surplus, o)
		default:
			p.offers = append(p.offers, plainOffer{o, hold{until: now.Add(defaultHold)}})
		}
	}
	return surplus
}

func (p *plainPool) bytes() (sum int) {
	for _, o := range p.offers {
		sum += offerSize(&o.Offer)
	}
	return sum
}

func (p *plainPool) take(pick func(*plainOffer) bool) []string {
	var taken []string
	p.offers = slices.DeleteFunc(p.offers, func(o plainOffer) bool {
		picked := pick(&o)
		if picked {
			taken = append(taken, o.ID)
		}
		return picked
	})
	return taken
}

func (p *plainPool) takeExpired(now time.Time, idle bool) []string {
	extended, onAgent := 0, map[string]int{}
	var expired []string
	var held []plainOffer
	for _, o := range p.offers {
		over := !now.Before(o.until)
		if over && p.policy.hold > defaultHold && idle && !o.extended && extended < p.policy.holdMax && onAgent[o.Agent.ID] < p.policy.holdPerAgent {
			o.extended, o.until = true, o.until.Add(p.policy.hold-defaultHold)
			over = !now.Before(o.until)
		}
		if over {
			expired = append(expired, o.ID)
			continue
		}
		held = append(held, o)
		if o.extended {
			extended++
			onAgent[o.Agent.ID]++
		}
	}
	p.offers = held
	return expired
}

func idsOf(offers []task.Offer) (ids []string) {
	for i := range offers {
		ids = append(ids, offers[i].ID)
	}
	return ids
}

// A pool that looks only at the offers concerned has the same offers, in the same order, as one that looks at all of them.
func TestPoolAgainstAPlainOne(t *testing.T) {
	oneGoroutine(t)
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		policy := poolPolicy{limit: 12, bytes: 10_000, hold: time.Duration(1+random.IntN(2)) * defaultHold, holdPerAgent: 2, holdMax: 4}
		pool, plain := pool{policy: policy}, plainPool{policy: policy}
		now, last := time.Unix(1e9, 0), 0
		for range 300 {
			agent := fmt.Sprint("S", random.IntN(3))
			switch random.IntN(8) {
			case 0, 1, 2:
				var offers []task.Offer
				for range random.IntN(4) {
					last += random.IntN(3) // 0: the same once more
					offers = append(offers, task.Offer{ID: fmt.Sprint("O", last), Agent: task.Agent{ID: agent, Hostname: strings.Repeat("h", random.IntN(1000))}})
				}
				require.Equal(t, idsOf(plain.add(now, offers)), idsOf(pool.add(now, slices.Clone(offers))))
			case 3:
				id := fmt.Sprint("O", last-random.IntN(8))
				require.Equal(t, len(plain.take(func(o *plainOffer) bool { return o.ID == id })) > 0, pool.rescind(id) != "")
			case 4, 5:
				now = now.Add(time.Duration(random.IntN(100)) * time.Millisecond)
				idle := random.IntN(2) > 0
				require.Equal(t, plain.takeExpired(now, idle), idsOf(pool.takeExpired(now, idle)))
			case 6:
				require.Equal(t, plain.take(func(o *plainOffer) bool { return o.Agent.ID == agent }), idsOf(pool.takeFrom(agent)))
			case 7:
				if random.IntN(8) == 0 {
					require.Equal(t, plain.take(func(*plainOffer) bool { return true }), idsOf(pool.takeAll()))
				} else {
					pool.shorten(now)
					for i := range plain.offers {
						if o := &plain.offers[i]; policy.hold > defaultHold && o.until.After(now.Add(defaultHold)) {
							o.until = now.Add(defaultHold)
						}
					}
				}
			}
			require.Equal(t, len(plain.offers), pool.size())
			require.Equal(t, plain.bytes(), pool.bytes)
			if random.IntN(3) == 0 { // this removes what was rescinded
				var want []string
				for _, o := range plain.offers {
					want = append(want, o.ID)
				}
				require.Equal(t, want, idsOf(pool.atHand()))
			}
		}
	}
}

// With 100 ms for each offer at hand, and 10,000 offers a second, there are 1,000 at hand; the limit is 50.
func TestOffersBeyondTheLimitAreDeclinedAtOnce(t *testing.T) {
	s := newStage(t)
	s.configure(func(set *settings) { set.limits = defaultLimits(); set.limits.offers = 50 })
	for _, line := range [][]string{{"start"}, {"subscribed", "fw"}} {
		s.play(line)
	}
	for i := range 60 {
		out := s.play([]string{"offers", fmt.Sprintf("o%d@a%d:1:1024", i, i)})
		if i < 50 {
			require.NotContains(t, out, "DECLINE")
		} else {
			require.Contains(t, out, fmt.Sprintf("DECLINE o%d refuse", i))
		}
	}
	require.Equal(t, 50, s.machine.pool.size())
}
