package scheduler_test

import (
	"context"
	"sync"
	"testing"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/callrules"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/controller"
	"github.com/mesos/mesos-go/api/v1/lib/extras/scheduler/eventrules"
	"github.com/mesos/mesos-go/api/v1/lib/extras/store"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpsched"
	"github.com/mesos/mesos-go/api/v1/lib/resources"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	callsof "github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/events"

	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskbuilder"
)

// mesosGo is a scheduler as one would write it with mesos-go: its controller decodes events and calls
// the handlers one after the other, and its rule for updates acknowledges each before the next is
// read. It does less than this package does: nothing is kept of a task beyond its launch, nothing is
// ever repeated, and the matching takes the first offer with enough cpus and mem, in plain floats.
type mesosGo struct {
	caller      callsof.Caller
	frameworkID store.Singleton

	mu      sync.Mutex
	pending []task.Spec
}

func newMesosGo(_ *testing.B, master string) framework {
	m := &mesosGo{frameworkID: store.NewInMemorySingleton()}
	m.caller = callrules.New(callrules.WithFrameworkID(store.GetIgnoreErrors(m.frameworkID))).Caller(
		httpsched.NewCaller(httpcli.New(httpcli.Endpoint("http://" + master + "/api/v1/scheduler"))))
	return m
}

func (m *mesosGo) run(ctx context.Context, subscribed chan<- struct{}) {
	handlers := events.Handlers{
		calls.Event_SUBSCRIBED: controller.TrackSubscription(m.frameworkID, 0).AndThen().HandleF(
			func(context.Context, *calls.Event) error {
				close(subscribed)
				return nil
			}),
		calls.Event_OFFERS: events.HandlerFunc(m.offers),
		calls.Event_UPDATE: controller.AckStatusUpdates(m.caller).AndThen().HandleF(m.updated),
	}
	_ = controller.Run(ctx, &mesos.FrameworkInfo{
		User: "root", Name: "bench", Roles: []string{"*"}, Checkpoint: proto.Bool(true),
		Capabilities: []mesos.FrameworkInfo_Capability{
			{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE},
			{Type: mesos.FrameworkInfo_Capability_PARTITION_AWARE},
		},
	}, m.caller,
		controller.WithInitiallySuppressedRoles([]string{"*"}),
		controller.WithEventHandler(eventrules.New(controller.LiftErrors().DropOnError()).Handle(handlers)),
	)
}

func (m *mesosGo) submit(ctx context.Context, specs []task.Spec) error {
	m.mu.Lock()
	m.pending = append(m.pending, specs...)
	m.mu.Unlock()
	return callsof.CallNoData(ctx, m.caller, callsof.Revive())
}

// offers launches what fits, offer by offer, and declines the rest.
func (m *mesosGo) offers(ctx context.Context, e *calls.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var unused []mesos.OfferID
	for _, o := range e.GetOffers().GetOffers() {
		launched, err := m.fill(&o)
		if err != nil {
			return err
		}
		if len(launched) == 0 {
			unused = append(unused, o.ID)
			continue
		}
		accept := callsof.Accept(callsof.OfferOperations{callsof.OpLaunch(launched...)}.WithOffers(o.ID))
		if err := callsof.CallNoData(ctx, m.caller, accept); err != nil {
			return err
		}
	}
	if len(unused) == 0 {
		return nil
	}
	return callsof.CallNoData(ctx, m.caller, callsof.Decline(unused...))
}

// fill takes pending tasks, in order, as long as the offer has room.
func (m *mesosGo) fill(o *mesos.Offer) ([]mesos.TaskInfo, error) {
	cpus, _ := resources.CPUs(o.Resources...)
	mem, _ := resources.Memory(o.Resources...)
	var launched []mesos.TaskInfo
	for len(m.pending) > 0 && m.pending[0].CPUs <= cpus && m.pending[0].Mem <= float64(mem) {
		s := m.pending[0]
		info, err := taskbuilder.Standard{}.Build(task.BuildInput{Spec: s, Placement: task.Placement{
			TaskID: s.ID, OfferIDs: []string{o.ID.Value}, AgentID: o.AgentID.Value,
			Resources: []mesos.Resource{resources.NewCPUs(s.CPUs).Resource, resources.NewMemory(s.Mem).Resource},
		}})
		if err != nil {
			return nil, err
		}
		launched = append(launched, info)
		cpus, mem, m.pending = cpus-s.CPUs, mem-uint64(s.Mem), m.pending[1:]
	}
	return launched, nil
}

// updated is called for updates that have been acknowledged.
func (m *mesosGo) updated(context.Context, *calls.Event) error { return nil }
