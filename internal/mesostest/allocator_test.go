package mesostest

import (
	"fmt"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

const (
	wholeAgent = "OFFERS agent1.example=ports:[31000-31999]; cpus:4; mem:4096; disk:10000"
	mostOfIt   = "OFFERS agent1.example=ports:[31000-31999]; cpus:3.9; mem:4064; disk:10000"
)

func refuse(seconds float64) *mesos.Filters { return &mesos.Filters{RefuseSeconds: &seconds} }

// BEHAVIOUR section 5, "Filters": the first allocation after the filter's end offers again.
func TestDeclineFilterExpiry(t *testing.T) {
	for _, test := range []struct {
		name    string
		filters *mesos.Filters
		want    time.Duration // of the next offer, the decline being at 0.3 s
	}{
		{"default is 5 s, and the allocation interval 1 s", nil, 6 * time.Second},
		{"empty filters are the default", &mesos.Filters{}, 6 * time.Second},
		{"0 is no filter: the next allocation", refuse(0), time.Second},
		{"negative is the default", refuse(-1), 6 * time.Second},
		{"less than the interval is the interval", refuse(0.1), 2 * time.Second},
		{"an end on the instant of an allocation counts as passed", refuse(1.7), 2 * time.Second},
		{"rounded up to the next allocation", refuse(1.8), 3 * time.Second},
		{"more than a year is a year", refuse(1e9), 365*24*time.Hour + time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent(), HeartbeatInterval: 1000 * time.Hour}, func(c *cluster) {
				s := c.subscribe(frameworkInfo())
				c.at(300 * time.Millisecond)
				s.decline(s.offers()[0], test.filters)
				c.at(test.want - 1)
				require.Len(t, s.offers(), 1)
				c.at(test.want)
				require.Len(t, s.offers(), 2)
			})
		})
	}
}

func TestFilterLetsMoreResourcesPass(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		c.at(100 * time.Millisecond)
		o := s.offers()[0]
		s.accept(o, 1000, taskInfo(o, "t", "sleep 3"))
		for range 3 {
			c.at(time.Since(c.start) + 500*time.Millisecond)
			s.ack(s.lastStatus())
		}
		c.at(5 * time.Second)
		require.Equal(t, []string{
			"0.2 t TASK_STARTING",
			"0.6 t TASK_RUNNING",
			"3.25 t TASK_FINISHED: Command exited with status 0",
			"4 " + wholeAgent,
		}, s.since(100*time.Millisecond))
	})
}

func TestLeftoverIsFilteredFiveSeconds(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		c.at(500 * time.Millisecond)
		o := s.offers()[0]
		s.accept(o, -1, taskInfo(o, "t", "sleep 600"))
		c.at(9 * time.Second)
		require.Equal(t, []string{"0.6 t TASK_STARTING", "6 " + mostOfIt}, s.since(500*time.Millisecond))
	})
}

func TestAllocationInterval(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), AllocationInterval: 300 * time.Millisecond}, func(c *cluster) {
		c.at(50 * time.Millisecond)
		s := c.subscribe(frameworkInfo())
		for _, at := range []time.Duration{100 * time.Millisecond, 301 * time.Millisecond, 900 * time.Millisecond} {
			c.at(at)
			s.decline(s.offers()[len(s.offers())-1], refuse(0))
		}
		c.at(2 * time.Second)
		require.Equal(t, []string{
			"0.05 " + wholeAgent,
			"0.3 " + wholeAgent,
			"0.6 " + wholeAgent,
			"1.2 " + wholeAgent, // freed on the instant of an allocation: not in that one
		}, s.since(50 * time.Millisecond)[2:])
	})
}

func TestOfferTimeout(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), OfferTimeout: 3 * time.Second}, func(c *cluster) {
		c.at(500 * time.Millisecond)
		s := c.subscribe(frameworkInfo())
		c.at(8 * time.Second)
		require.Equal(t, []string{
			"0.5 SUBSCRIBED", "0.5 HEARTBEAT", "0.5 " + wholeAgent, "3.5 RESCIND", "4 " + wholeAgent, "7 RESCIND", "7 " + wholeAgent,
		}, s.log())
	})
}

func TestSuppressAndRevive(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		c.at(100 * time.Millisecond)
		s.call(202, &scheduler.Call{Type: scheduler.Call_SUPPRESS})
		s.decline(s.offers()[0], refuse(0))
		c.at(3500 * time.Millisecond)
		require.Empty(t, s.since(100*time.Millisecond), "suppressed")
		s.call(202, &scheduler.Call{Type: scheduler.Call_REVIVE, Revive: &scheduler.Call_Revive{Roles: []string{"test", "other"}}})
		require.Empty(t, s.since(100*time.Millisecond), "a role that is not subscribed: the whole call is ignored")
		s.call(202, &scheduler.Call{Type: scheduler.Call_REVIVE})
		require.Equal(t, []string{"3.5 " + wholeAgent}, s.since(100*time.Millisecond), "at once")
		s.decline(s.offers()[1], refuse(1000))
		s.call(202, &scheduler.Call{Type: scheduler.Call_REVIVE})
		require.Len(t, s.offers(), 3, "REVIVE takes the filters away")
	})
}

// The allocator spreads agents over roles and frameworks by dominant share.
func TestAgentsAreSpread(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, Config{Agents: make([]Agent, 4), Seed: seed}, func(c *cluster) {
				c.master.must(func() {}) // agents are registered
				one := c.subscribe(frameworkInfo("a", "b"))
				require.Len(t, one.offers(), 4)
				byRole := map[string]int{}
				for _, o := range one.offers() {
					byRole[o.AllocationInfo.GetRole()]++
				}
				require.Equal(t, map[string]int{"a": 2, "b": 2}, byRole)
				two := c.subscribe(frameworkInfo("a"))
				for _, o := range one.offers() {
					one.decline(o, refuse(0))
				}
				c.at(time.Second)
				require.Len(t, two.offers(), 1, "role a is held by two, b by one: two and two, and of a's two each gets one")
				require.Len(t, one.offers(), 4+3)
			})
		})
	}
}

func TestStaticReservationsGoToTheirRole(t *testing.T) {
	agents := []Agent{{Resources: "cpus:2;mem:1024;disk:1000;ports:[31000-31099];cpus(b):1;mem(b):256"}}
	inBubble(t, Config{Agents: agents}, func(c *cluster) {
		s := c.subscribe(frameworkInfo("a", "b"))
		require.Len(t, s.offers(), 2)
		for _, o := range s.offers() {
			rs := resources.New(o.Resources)
			switch role := o.AllocationInfo.GetRole(); role {
			case "a":
				require.Equal(t, "ports:[31000-31099]; cpus:2; mem:1024; disk:1000", rs.Unallocated().String())
			case "b":
				require.Equal(t, "b", rs[0].ReservedFor())
				require.Equal(t, quantities{1000, 256_000}, quantitiesOf(rs))
			default:
				require.Fail(t, "offered to role "+role)
			}
		}
	})
}

// --min_allocatable_resources=cpus:0.01|mem:32: either is enough, and exactly that much.
func TestLeastOffer(t *testing.T) {
	for _, test := range []struct{ used, want string }{
		{"cpus:3.99;mem:4096", "cpus:0.01"},
		{"cpus:3.991;mem:4096", ""},
		{"cpus:4;mem:4064", "mem:32"},
		{"cpus:4;mem:4064.001", ""},
	} {
		t.Run(test.used, func(t *testing.T) {
			inBubble(t, Config{Agents: []Agent{{Resources: "cpus:4;mem:4096"}}}, func(c *cluster) {
				s := c.subscribe(frameworkInfo())
				o := s.offers()[0]
				task := taskInfo(o, "t", "sleep 600")
				rs, err := resources.Parse(test.used)
				require.NoError(t, err)
				task.Resources = rs.Proto()
				s.accept(o, 0, task)
				c.at(2 * time.Second)
				offers := s.offers()[1:]
				if test.want == "" {
					require.Empty(t, offers)
					return
				}
				require.Len(t, offers, 1)
				require.Contains(t, resources.New(offers[0].Resources).Unallocated().String(), test.want)
			})
		})
	}
}

func TestOfferIDsCount(t *testing.T) {
	inBubble(t, Config{Agents: make([]Agent, 3)}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		c.master.RescindOffers()
		c.at(time.Second)
		require.Len(t, s.offers(), 6)
		for i, o := range s.offers() {
			require.Equal(t, fmt.Sprintf("%s-O%d", c.master.info.ID, i), o.ID.Value)
		}
	})
}

func TestNewAgentIsOfferedAtOnce(t *testing.T) {
	inBubble(t, Config{}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		c.at(1234 * time.Millisecond)
		require.NoError(t, c.master.AddAgent(oneAgent()[0]))
		c.at(2 * time.Second)
		require.Equal(t, []string{"1.234 " + wholeAgent}, s.since(time.Second))
	})
}

func TestSameSeedSameOffers(t *testing.T) {
	run := func() (lines []string) {
		inBubble(t, Config{Agents: make([]Agent, 10), Seed: 7}, func(c *cluster) {
			s := c.subscribe(frameworkInfo("a", "b", "c"))
			c.at(time.Second)
			for _, r := range s.received() {
				lines = append(lines, r.event.String())
			}
		})
		return lines
	}
	require.Equal(t, run(), run())
}
