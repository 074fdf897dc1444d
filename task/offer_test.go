package task_test

import (
	"fmt"
	"testing"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func TestOfferFromMesos(t *testing.T) {
	offer := mesos.Offer{
		ID: mesos.OfferID{Value: "O1"}, AgentID: mesos.AgentID{Value: "S1"}, Hostname: "agent1",
		Resources:  []mesos.Resource{{Name: "cpus"}},
		Attributes: []mesos.Attribute{{Name: "rack"}},
	}
	require.Equal(t, task.Offer{
		ID: "O1", Role: "*", Resources: offer.Resources, Agent: task.Agent{ID: "S1", Hostname: "agent1", Attributes: offer.Attributes},
	}, task.OfferFromMesos(offer))
}

func TestOfferFromMesosRole(t *testing.T) {
	allocated := &mesos.Resource_AllocationInfo{Role: proto.String("a/b")}
	for _, c := range []struct {
		reason     string
		allocation *mesos.Resource_AllocationInfo
		resources  []mesos.Resource
		role       string
	}{
		{"MULTI_ROLE: on the offer; the reservation may be an ancestor's", allocated, []mesos.Resource{
			{Reservations: []mesos.Resource_ReservationInfo{{Role: proto.String("a")}}},
		}, "a/b"},
		{"on the resources alone", nil, []mesos.Resource{{Role: proto.String("*")}, {AllocationInfo: allocated}}, "a/b"},
		{"old format, all unreserved", nil, []mesos.Resource{{Role: proto.String("*")}, {}}, "*"},
		{"old format, something reserved", nil, []mesos.Resource{{Role: proto.String("*")}, {Role: proto.String("prod")}}, "prod"},
		{"refined format without MULTI_ROLE: the last reservation", nil, []mesos.Resource{
			{Reservations: []mesos.Resource_ReservationInfo{{Role: proto.String("a")}, {Role: proto.String("a/b")}}},
		}, "a/b"},
		{"nothing said", nil, nil, "*"},
		{"an allocation without a role", &mesos.Resource_AllocationInfo{}, nil, "*"},
	} {
		offer := task.OfferFromMesos(mesos.Offer{AllocationInfo: c.allocation, Resources: c.resources})
		require.Equal(t, c.role, offer.Role, c.reason)
	}
}

func ExampleRejection() {
	fmt.Println(task.Rejection{TaskID: "web-1", Others: 2, Reasons: []task.Reason{
		{Kind: task.ReasonShortage, Resource: "mem", Agents: 3, Short: 112, Hostname: "agent7"},
		{Kind: task.ReasonConstraint, Constraint: task.Constraint{Attribute: "rack", Operator: task.OpLike, Value: "r[12]"}, Agents: 1},
		{Kind: task.ReasonShortage, Resource: "cpus", Agents: 1, Short: 0.1, Hostname: "agent2"},
	}})
	fmt.Println(task.Rejection{TaskID: "web-2", Reasons: []task.Reason{{Kind: task.ReasonNoOffers}}})
	fmt.Println(task.Rejection{TaskID: "web-3", Reasons: []task.Reason{{Kind: task.ReasonRole, Agents: 2}}})
	// Output:
	// web-1 and 2 more: mem: 3 agents, the best short of 112 on agent7; rack LIKE r[12]: 1 agent; cpus: 1 agent, short of 0.1 on agent2
	// web-2: no offers
	// web-3: role: 2 agents
}
