package scheduler

import (
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func TestOffer(t *testing.T) {
	offer := mesos.Offer{
		ID: mesos.OfferID{Value: "O1"}, AgentID: mesos.AgentID{Value: "S1"}, Hostname: "agent1",
		Resources:  []mesos.Resource{{Name: "cpus"}},
		Attributes: []mesos.Attribute{{Name: "rack"}},
	}
	require.Equal(t, task.Offer{
		ID: "O1", Role: "*", Resources: offer.Resources, Agent: task.Agent{ID: "S1", Hostname: "agent1", Attributes: offer.Attributes},
	}, offerFromMesos(offer))
}

func TestOfferRole(t *testing.T) {
	allocated := &mesos.Resource_AllocationInfo{Role: proto("a/b")}
	for _, c := range []struct {
		reason     string
		allocation *mesos.Resource_AllocationInfo
		resources  []mesos.Resource
		role       string
	}{
		{"MULTI_ROLE: on the offer; the reservation may be an ancestor's", allocated, []mesos.Resource{
			{Reservations: []mesos.Resource_ReservationInfo{{Role: proto("a")}}},
		}, "a/b"},
		{"on the resources alone", nil, []mesos.Resource{{Role: proto("*")}, {AllocationInfo: allocated}}, "a/b"},
		{"old format, all unreserved", nil, []mesos.Resource{{Role: proto("*")}, {}}, "*"},
		{"old format, something reserved", nil, []mesos.Resource{{Role: proto("*")}, {Role: proto("prod")}}, "prod"},
		{"refined format without MULTI_ROLE: the last reservation", nil, []mesos.Resource{
			{Reservations: []mesos.Resource_ReservationInfo{{Role: proto("a")}, {Role: proto("a/b")}}},
		}, "a/b"},
		{"nothing said", nil, nil, "*"},
		{"an allocation without a role", &mesos.Resource_AllocationInfo{}, nil, "*"},
	} {
		offer := offerFromMesos(mesos.Offer{AllocationInfo: c.allocation, Resources: c.resources})
		require.Equal(t, c.role, offer.Role, c.reason)
	}
}

// The address has the agent's name if the URL has it, and says if the agent speaks TLS.
func TestAgentAddress(t *testing.T) {
	name, ip4, ip6 := "agent1.example", "10.0.0.7", "fe80::1"
	for want, url := range map[string]*mesos.URL{
		"":                            nil,
		"agent1.example:5051":         {Scheme: "http", Address: mesos.Address{Hostname: &name, IP: &ip4, Port: 5051}},
		"https://agent1.example:5051": {Scheme: "https", Address: mesos.Address{Hostname: &name, IP: &ip4, Port: 5051}},
		"10.0.0.7:5052":               {Scheme: "http", Address: mesos.Address{IP: &ip4, Port: 5052}},
		"[fe80::1]:5051":              {Scheme: "http", Address: mesos.Address{IP: &ip6, Port: 5051}},
		"https://[fe80::1]:5051":      {Scheme: "https", Address: mesos.Address{IP: &ip6, Port: 5051}},
	} {
		require.Equal(t, want, offerFromMesos(mesos.Offer{URL: url}).Agent.Address)
	}
	require.Empty(t, offerFromMesos(mesos.Offer{URL: &mesos.URL{Scheme: "http", Address: mesos.Address{Port: 5051}}}).Agent.Address)
}
