package mesostest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// reserved returns resources as a framework of the principal p reserves them for the role "test".
func reserved(c *cluster, flag string) []mesos.Resource {
	c.t.Helper()
	rs, err := resources.Parse(flag)
	require.NoError(c.t, err)
	list := rs.Proto()
	for i := range list {
		list[i].Reservations = []mesos.Resource_ReservationInfo{{
			Type: mesos.Resource_ReservationInfo_DYNAMIC.Enum(), Role: ptr("test"), Principal: ptr("p"),
		}}
	}
	return list
}

func volume(c *cluster, id string, edit func(*mesos.Resource)) []mesos.Resource {
	list := reserved(c, "disk:64")
	list[0].Disk = &mesos.Resource_DiskInfo{
		Persistence: &mesos.Resource_DiskInfo_Persistence{ID: id, Principal: ptr("p")},
		Volume:      &mesos.Volume{ContainerPath: "data", Mode: mesos.RW.Enum()},
	}
	if edit != nil {
		edit(&list[0])
	}
	return list
}

// operate performs operations on the latest offer and returns what the framework is told, one line an event.
func (s *stream) operate(ops ...mesos.Offer_Operation) []string {
	s.c.t.Helper()
	all := s.offers()
	before := len(s.received())
	s.call(202, &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs: []mesos.OfferID{all[len(all)-1].ID}, Operations: ops, Filters: refuse(0),
	}})
	return s.operationsFrom(before)
}

// operationsFrom returns the updates of operations after the first n events.
func (s *stream) operationsFrom(n int) (lines []string) {
	for _, r := range s.received()[n:] {
		if u := r.event.GetUpdateOperationStatus(); u != nil {
			line := fmt.Sprintf("%s %s", u.Status.OperationID.Value, u.Status.State)
			if u.Status.Message != nil {
				line += ": " + *u.Status.Message
			}
			if u.Status.UUID != nil {
				line += " (to be acknowledged)"
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// The texts are those of Mesos' sources, of RESERVE, UNRESERVE, CREATE and DESTROY.
func TestOperationFaults(t *testing.T) {
	type op = mesos.Offer_Operation
	reserve := func(list []mesos.Resource) op {
		return op{Type: mesos.Offer_Operation_RESERVE, Reserve: &mesos.Offer_Operation_Reserve{Resources: list}}
	}
	unreserve := func(list []mesos.Resource) op {
		return op{Type: mesos.Offer_Operation_UNRESERVE, Unreserve: &mesos.Offer_Operation_Unreserve{Resources: list}}
	}
	create := func(list []mesos.Resource) op {
		return op{Type: mesos.Offer_Operation_CREATE, Create: &mesos.Offer_Operation_Create{Volumes: list}}
	}
	destroy := func(list []mesos.Resource) op {
		return op{Type: mesos.Offer_Operation_DESTROY, Destroy: &mesos.Offer_Operation_Destroy{Volumes: list}}
	}
	edited := func(list []mesos.Resource, edit func(*mesos.Resource)) []mesos.Resource { edit(&list[0]); return list }
	const (
		onAgent = "; on agent AGENT at slave(1)@127.0.0.1:5051 (agent1.example)"
		cpu     = "cpus(allocated: test)(reservations: [(DYNAMIC,test,p)]):1"
		invalid = "Operation attempted with invalid resources: "
	)
	for _, test := range []struct {
		reason string
		make   func(c *cluster) op
		fault  string
	}{
		{"a good one", func(c *cluster) op { return reserve(reserved(c, "cpus:1")) }, ""},
		{"no payload", func(*cluster) op { return op{Type: mesos.Offer_Operation_UNRESERVE} },
			invalid + "An UNRESERVE offer operation must have the Offer.Operation.unreserve field set."},
		{"a malformed resource", func(c *cluster) op {
			return reserve(edited(reserved(c, "cpus:1"), func(r *mesos.Resource) { r.Shared = &mesos.Resource_SharedInfo{} }))
		}, invalid + "Resource 'cpus(reservations: [(DYNAMIC,test,p)])<SHARED>:1' is invalid: Resource cpus cannot be shared"},
		{"another source", func(c *cluster) op {
			o := reserve(reserved(c, "cpus:1"))
			o.Reserve.Source = reserved(c, "cpus:1")
			return o
		}, invalid + "Reservation updates are not yet implemented for the scheduler API."},
		{"nothing", func(*cluster) op { return reserve(nil) }, "Invalid resources: The resources have multiple resource providers: " + onAgent},
		{"not reserved", func(c *cluster) op {
			return reserve(edited(reserved(c, "cpus:1"), func(r *mesos.Resource) { r.Reservations = nil }))
		}, "Resource cpus(allocated: test):1 is not dynamically reserved" + onAgent},
		{"no principal", func(c *cluster) op {
			return reserve(edited(reserved(c, "cpus:1"), func(r *mesos.Resource) { r.Reservations[0].Principal = nil }))
		}, "A reserve operation was attempted by principal 'p', but there is a reserved resource in the request with no principal set" + onAgent},
		{"another principal", func(c *cluster) op {
			return reserve(edited(reserved(c, "cpus:1"), func(r *mesos.Resource) { r.Reservations[0].Principal = ptr("q") }))
		}, "A reserve operation was attempted by authenticated principal 'p', which does not match a reserved resource in the request with principal 'q'" + onAgent},
		{"another role", func(c *cluster) op {
			return reserve(edited(reserved(c, "cpus:1"), func(r *mesos.Resource) { r.Reservations[0].Role = ptr("other") }))
		}, "A reserve operation was attempted for a resource with role 'other', but the resource was allocated to role 'test'" + onAgent},
		{"a role that the framework does not have", func(c *cluster) op {
			return reserve(edited(reserved(c, "cpus:1"), func(r *mesos.Resource) {
				r.Reservations[0].Role, r.AllocationInfo = ptr("x"), &mesos.Resource_AllocationInfo{Role: ptr("x")}
			}))
		}, "A reserve operation was attempted for a resource allocated to role 'x', but the framework only has roles '{ test }'" + onAgent},
		{"more than there is", func(c *cluster) op { return reserve(reserved(c, "cpus:5;mem:1")) },
			"ports(allocated: test):[31000-31999]; cpus(allocated: test):4; mem(allocated: test):4096; disk(allocated: test):10000" +
				" does not contain cpus(allocated: test):5; mem(allocated: test):1"},
		{"what is not reserved", func(c *cluster) op { return unreserve(reserved(c, "cpus:1")) },
			"ports(allocated: test):[31000-31999]; cpus(allocated: test):4; mem(allocated: test):4096; disk(allocated: test):10000 does not contain " + cpu},
		{"a volume is not unreserved", func(c *cluster) op { return unreserve(volume(c, "v", nil)) },
			"A dynamically reserved persistent volume disk(allocated: test)(reservations: [(DYNAMIC,test,p)])[v:data]:64 cannot be unreserved" +
				" directly. Please destroy the persistent volume first then unreserve the resource" + onAgent},
		{"a disk is no volume", func(c *cluster) op { return create(reserved(c, "disk:64")) },
			"Not a persistent volume: Resource disk(allocated: test)(reservations: [(DYNAMIC,test,p)]):64 does not have DiskInfo" + onAgent},
		{"a volume of what is not reserved", func(c *cluster) op {
			return create(volume(c, "v", func(r *mesos.Resource) { r.Reservations = nil }))
		}, "Invalid resources: Invalid DiskInfo: Persistent volumes cannot be created from unreserved resources" + onAgent},
		{"one without a place", func(c *cluster) op {
			return create(volume(c, "v", func(r *mesos.Resource) { r.Disk.Volume = nil }))
		}, "Invalid resources: Invalid DiskInfo: Expecting 'volume' to be set for persistent volume" + onAgent},
		{"a bad ID", func(c *cluster) op { return create(volume(c, "a/b", nil)) },
			"Invalid resources: Invalid DiskInfo: Invalid persistence ID for persistent volume: 'a/b' contains invalid characters" + onAgent},
		{"read only", func(c *cluster) op {
			return create(volume(c, "v", func(r *mesos.Resource) { r.Disk.Volume.Mode = mesos.RO.Enum() }))
		}, "Not a persistent volume: Read-only persistent volume not supported" + onAgent},
		{"one ID twice", func(c *cluster) op { return create(append(volume(c, "v", nil), volume(c, "v", nil)...)) },
			"Persistence ID 'v' is not unique" + onAgent},
		{"a volume of nobody", func(c *cluster) op {
			return create(volume(c, "v", func(r *mesos.Resource) { r.Disk.Persistence.Principal = nil }))
		}, "Create volume operation attempted by principal 'p', but there is a volume in the operation with no principal set in 'disk.persistence'" + onAgent},
		{"a shared one", func(c *cluster) op {
			return create(volume(c, "v", func(r *mesos.Resource) { r.Shared = &mesos.Resource_SharedInfo{} }))
		}, "Create volume operation for 'disk(allocated: test)(reservations: [(DYNAMIC,test,p)])[v:data]<SHARED>:64' has been attempted by framework" +
			" 'FRAMEWORK' with no SHARED_RESOURCES capability" + onAgent},
		{"a volume that is not there", func(c *cluster) op { return destroy(volume(c, "v", nil)) }, "Persistent volumes not found" + onAgent},
	} {
		t.Run(test.reason, func(t *testing.T) {
			inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
				info := frameworkInfo()
				info.Principal = ptr("p")
				s := c.subscribe(info)
				want := []string{"o OPERATION_FINISHED (to be acknowledged)"}
				if test.fault != "" {
					fault := strings.NewReplacer("AGENT", s.offers()[0].AgentID.Value, "FRAMEWORK", s.fid.Value).Replace(test.fault)
					want = []string{"o OPERATION_ERROR: " + fault}
				}
				op := test.make(c)
				op.ID = &mesos.OperationID{Value: "o"}
				require.Equal(t, want, s.operate(op))
			})
		})
	}
}

// A volume lives until it is destroyed, and its ID is taken as long.
func TestLifeOfAVolume(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		info := frameworkInfo()
		info.Principal = ptr("p")
		s := c.subscribe(info)
		create := mesos.Offer_Operation{Type: mesos.Offer_Operation_CREATE, Create: &mesos.Offer_Operation_Create{Volumes: volume(c, "v", nil)}}
		require.Empty(t, s.operate(mesos.Offer_Operation{
			Type: mesos.Offer_Operation_RESERVE, Reserve: &mesos.Offer_Operation_Reserve{Resources: reserved(c, "disk:200")},
		}, create), "nobody asked for news")
		c.at(time.Second)
		create.ID = &mesos.OperationID{Value: "again"}
		require.Equal(t, []string{"again OPERATION_ERROR: Persistence ID 'v' is not unique; on agent " +
			s.offers()[0].AgentID.Value + " at slave(1)@127.0.0.1:5051 (agent1.example)"}, s.operate(create))
		c.at(2 * time.Second)
		destroy := mesos.Offer_Operation{
			Type: mesos.Offer_Operation_DESTROY, ID: &mesos.OperationID{Value: "gone"},
			Destroy: &mesos.Offer_Operation_Destroy{Volumes: volume(c, "v", nil)},
		}
		require.Equal(t, []string{"gone OPERATION_FINISHED (to be acknowledged)", "again OPERATION_FINISHED (to be acknowledged)"}, s.operate(destroy, create))
	})
}

// Faults of the resources are told before any operation has its effect.
func TestMalformedOperationsAreRefusedFirst(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		o := s.offers()[0]
		bad := taskInfo(o, "bad", "true")
		bad.Resources[0].Scalar.Value = -1
		s.call(202, &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
			OfferIDs: []mesos.OfferID{o.ID}, Operations: []mesos.Offer_Operation{launch(taskInfo(o, "a/b", "true")), launch(bad)},
		}})
		require.Equal(t, []string{
			"0 bad TASK_ERROR: Resource 'cpus:-1' is invalid: Invalid scalar resource: value <= 0", "0 a/b TASK_ERROR: 'a/b' contains invalid characters",
		}, updatesOnly(s.log()))
	})
}

// Each case of Mesos' reconcileOperations. What the agent answers comes last.
func TestReconcileOperations(t *testing.T) {
	inBubble(t, Config{Agents: append(oneAgent(), make([]Agent, 3)...), AgentPingTimeout: 5 * time.Second}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		offers := s.offers()
		agents := map[string]*mesos.AgentID{
			"registered": &offers[0].AgentID, "gone": &offers[1].AgentID, "unreachable": &offers[2].AgentID, "away": &offers[3].AgentID,
			"nobody": {Value: "X"},
		}
		reserve(s)
		require.NoError(t, c.master.MarkAgentGone(offers[1].Hostname))
		c.master.LoseAgent(offers[2].Hostname)
		c.at(9 * time.Second)
		c.master.LoseAgent(offers[3].Hostname)
		c.at(9500 * time.Millisecond)
		named := func(id, agent, provider string) scheduler.Call_ReconcileOperations_Operation {
			o := scheduler.Call_ReconcileOperations_Operation{OperationID: mesos.OperationID{Value: id}, AgentID: agents[agent]}
			if provider != "" {
				o.ResourceProviderID = &mesos.ResourceProviderID{Value: provider}
			}
			return o
		}
		ask := func(list ...scheduler.Call_ReconcileOperations_Operation) []string {
			before := len(s.received())
			s.call(202, &scheduler.Call{Type: scheduler.Call_RECONCILE_OPERATIONS, ReconcileOperations: &scheduler.Call_ReconcileOperations{Operations: list}})
			for i, r := range s.received()[before:] {
				if status := r.event.GetUpdateOperationStatus().Status; status.OperationID.Value != "op" {
					require.Equal(t, list[i].ResourceProviderID, status.ResourceProviderID, "it is echoed")
					require.Equal(t, list[i].AgentID, status.AgentID)
				}
			}
			return s.operationsFrom(before)
		}
		require.Equal(t, []string{"op OPERATION_FINISHED"}, ask(), "all that are pending")
		require.Equal(t, []string{
			"op OPERATION_FINISHED",
			"a OPERATION_UNKNOWN: Reconciliation: Operation is unknown and no 'agent_id' was provided",
			"b OPERATION_UNKNOWN: Reconciliation: Both operation and agent are unknown",
			"c OPERATION_UNKNOWN: Reconciliation: Operation is unknown",
			"d OPERATION_GONE_BY_OPERATOR: Reconciliation: Agent marked gone by operator",
			"e OPERATION_UNREACHABLE: Reconciliation: Agent is unreachable",
			"f OPERATION_UNKNOWN: Reconciliation: Operation is unknown",
			"g OPERATION_UNKNOWN",
		}, ask(
			named("op", "", "rp"), named("a", "", "rp"), named("b", "nobody", "rp"), named("c", "registered", ""),
			named("d", "gone", "rp"), named("e", "unreachable", "rp"), named("f", "away", ""), named("g", "registered", "rp"),
		))
		require.Empty(t, ask(named("h", "away", "rp")), "it is away and cannot be asked")
	})
}

func TestReconcileOperationsAfterFailover(t *testing.T) {
	inBubble(t, failingOver(), func(c *cluster) {
		old := twoTasks(c)
		agent := c.master.Snapshot().Frameworks[0].Tasks[0].AgentID
		c.failOver()
		s := old.again()
		before := len(s.received())
		s.call(202, &scheduler.Call{Type: scheduler.Call_RECONCILE_OPERATIONS, ReconcileOperations: &scheduler.Call_ReconcileOperations{
			Operations: []scheduler.Call_ReconcileOperations_Operation{{OperationID: mesos.OperationID{Value: "o"}, AgentID: &mesos.AgentID{Value: agent}}},
		}})
		require.Equal(t, []string{"o OPERATION_RECOVERING: Reconciliation: Agent is recovered but has not re-registered"}, s.operationsFrom(before))
	})
}

// Who waits for the end of an operation is told when its agent is given up or gone, and again when it is back.
func TestOperationOfALostAgent(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent(), AgentPingTimeout: 5 * time.Second, HeartbeatInterval: time.Hour}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		status := reserve(s)
		c.at(time.Second)
		before := len(s.received())
		c.master.LoseAgent(lostAgent)
		c.at(20 * time.Second)
		s.ackOperation(status)
		require.Equal(t, []string{"op OPERATION_UNREACHABLE: Agent was marked unreachable"}, s.operationsFrom(before))
		before = len(s.received())
		c.master.ReturnAgent(lostAgent)
		c.at(20 * time.Second)
		require.Equal(t, []string{"op OPERATION_FINISHED (to be acknowledged)"}, s.operationsFrom(before), "which was not acknowledged")
		before = len(s.received())
		require.NoError(t, c.master.MarkAgentGone(lostAgent))
		c.at(time.Minute)
		require.Equal(t, []string{"op OPERATION_GONE_BY_OPERATOR: Agent has been marked gone"}, s.operationsFrom(before))
	})
}
