package scheduler

import (
	"fmt"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// offered is a machine that is subscribed, has no tasks, and got these offers one by one. It returns the IDs of those that
// it declined.
func offered(t *testing.T, m *machine, n int, change func(*mesos.Offer)) (declined []string) {
	for i := range n {
		offers := offersOf([]string{fmt.Sprintf("o%d@a%d:4:1024", i, i)})
		change(&offers.Offers[0])
		for _, a := range m.step(time.Unix(0, 0), streamEvent{stream: 1, event: offersEvent(offers)}) {
			if s, ok := a.(send); ok && s.call.GetType() == scheduler.Call_DECLINE {
				for _, id := range s.call.Decline.OfferIDs {
					declined = append(declined, id.Value)
				}
			}
		}
	}
	return declined
}

// The offers at hand, and what is known of agents, have a bound in bytes: here each says 60 KB of its agent.
func TestOffersOf60KB(t *testing.T) {
	const offers = 6000
	m := pendingMachine(time.Unix(0, 0), 0, "", func(set *settings) { set.statsTTL = time.Hour })
	before := liveHeap()
	offered(t, m, offers, func(o *mesos.Offer) {
		o.Attributes = []mesos.Attribute{{Name: "a", Type: mesos.TEXT, Text: &mesos.Value_Text{Value: strings.Repeat("x", 60_000)}}}
	})
	grown := liveHeap() - before
	most := m.settings.limits.offersBytes / 60_000
	require.InDelta(t, most, m.pool.size(), 100, "the others are declined")
	require.LessOrEqual(t, m.pool.bytes, m.settings.limits.offersBytes)
	require.LessOrEqual(t, m.census.bytes, m.settings.limits.agentsBytes)
	require.InDelta(t, most, len(m.census.agents), 100)
	require.Less(t, grown, int64(200<<20), "the attributes are shared by offer and agent")

	m.step(time.Unix(1, 0), wake{}) // they are declined after a moment
	require.Zero(t, m.pool.bytes)
	m.census.forgetOld(time.Unix(1, 0).Add(24 * time.Hour))
	require.Empty(t, m.census.agents)
	require.Zero(t, m.census.bytes)
}

// A single offer that is out of all proportion is declined, and nothing of it is kept.
func TestOffersThatAreTooLarge(t *testing.T) {
	long := strings.Repeat("x", 6_000_000)
	for name, change := range map[string]func(*mesos.Offer){
		"hostname": func(o *mesos.Offer) { o.Hostname = long },
		"URL": func(o *mesos.Offer) {
			o.URL = &mesos.URL{Scheme: "http", Address: mesos.Address{Hostname: &long, Port: 5051}}
		},
		"region": func(o *mesos.Offer) {
			o.Domain = &mesos.DomainInfo{FaultDomain: &mesos.DomainInfo_FaultDomain{Region: mesos.DomainInfo_FaultDomain_RegionInfo{Name: long}}}
		},
		"an attribute": func(o *mesos.Offer) {
			o.Attributes = []mesos.Attribute{{Name: "a", Type: mesos.TEXT, Text: &mesos.Value_Text{Value: long}}}
		},
		"many attributes": func(o *mesos.Offer) { o.Attributes = make([]mesos.Attribute, 10_000) },
		"many resources":  func(o *mesos.Offer) { o.Resources = make([]mesos.Resource, 10_000) },
		"a role":          func(o *mesos.Offer) { o.AllocationInfo = &mesos.Resource_AllocationInfo{Role: &long} },
		"many ranges": func(o *mesos.Offer) {
			o.Resources = append(o.Resources, mesos.Resource{Name: "ports", Type: mesos.RANGES.Enum(), Ranges: &mesos.Value_Ranges{Range: make([]mesos.Value_Range, 1_000_000)}})
		},
		"many items": func(o *mesos.Offer) {
			o.Resources = append(o.Resources, mesos.Resource{Name: "disks", Type: mesos.SET.Enum(), Set: &mesos.Value_Set{Item: make([]string, 1_000_000)}})
		},
		"many reservations": func(o *mesos.Offer) { o.Resources[0].Reservations = make([]mesos.Resource_ReservationInfo, 1_000_000) },
		"a disk": func(o *mesos.Offer) {
			o.Resources[0].Disk = &mesos.Resource_DiskInfo{Persistence: &mesos.Resource_DiskInfo_Persistence{ID: long}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := pendingMachine(time.Unix(0, 0), 0, "")
			require.Equal(t, []string{"o0"}, offered(t, m, 1, change))
			require.Zero(t, m.pool.size())
			require.Empty(t, m.census.agents)
		})
	}
}

// Offers of real clusters are far from the limits: 300 attributes, 3,000 ranges of ports and 300 persistent volumes.
func TestLargeRealOffer(t *testing.T) {
	role, principal, path := "services", "an-operator", "/volumes"
	m := pendingMachine(time.Unix(0, 0), 0, "")
	require.Empty(t, offered(t, m, 20, func(o *mesos.Offer) {
		for i := range 300 {
			o.Attributes = append(o.Attributes, mesos.Attribute{Name: fmt.Sprint("attribute", i), Type: mesos.TEXT, Text: &mesos.Value_Text{Value: "a value"}})
			o.Resources = append(o.Resources, mesos.Resource{
				Name: "disk", Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: 1024},
				Reservations: []mesos.Resource_ReservationInfo{{Role: &role, Principal: &principal}},
				Disk: &mesos.Resource_DiskInfo{
					Persistence: &mesos.Resource_DiskInfo_Persistence{ID: fmt.Sprintf("volume-%036d", i), Principal: &principal},
					Volume:      &mesos.Volume{ContainerPath: path},
				},
			})
		}
		o.Resources = append(o.Resources, mesos.Resource{Name: "ports", Type: mesos.RANGES.Enum(), Ranges: &mesos.Value_Ranges{Range: make([]mesos.Value_Range, 3000)}})
	}))
	require.Equal(t, 20, m.pool.size())
}

// The offers of 10,000 agents with 3 KB each, with many attributes or reservations, are neither declined nor forgotten.
func TestLargeOffersOfTenThousandAgents(t *testing.T) {
	text, role, principal := strings.Repeat("v", 60), "production", "principal-of-the-framework"
	var attributes []mesos.Attribute
	var reserved []mesos.Resource
	for i := range 20 {
		attributes = append(attributes, mesos.Attribute{Name: fmt.Sprint("attribute", i), Type: mesos.TEXT, Text: &mesos.Value_Text{Value: text}})
		reserved = append(reserved, mesos.Resource{
			Name: "cpus", Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: 1},
			Reservations: []mesos.Resource_ReservationInfo{{Type: mesos.Resource_ReservationInfo_DYNAMIC.Enum(), Role: &role, Principal: &principal}},
		})
	}
	const agents = 10_000
	now := time.Unix(0, 0)
	m := pendingMachine(now, 0, "", func(set *settings) { set.statsTTL = time.Minute })
	offers := make([]mesos.Offer, agents)
	for i := range offers {
		offers[i] = mesos.Offer{
			ID: mesos.OfferID{Value: fmt.Sprint("O", i)}, AgentID: mesos.AgentID{Value: fmt.Sprint("S", i)},
			Attributes: attributes, Resources: reserved,
		}
	}
	m.step(now, streamEvent{stream: 1, event: &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: offers}}})
	require.Equal(t, agents, m.pool.size())
	require.Equal(t, agents, len(m.census.agents))
}
