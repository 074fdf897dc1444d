package mesoshttp

import (
	"fmt"
	"os"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

// smallest returns legal events in which what takes the most memory for its size on the wire comes n times: names, roles,
// addresses and values of one letter, and no more than is required.
func smallest(n int) map[string]*scheduler.Event {
	text := func(s string) *string { return &s }
	events := map[string]*scheduler.Event{}
	update := func(what string, add func(s *mesos.TaskStatus)) {
		s := mesos.TaskStatus{TaskID: mesos.TaskID{Value: "t"}, AgentID: &mesos.AgentID{Value: "a"}, State: mesos.TASK_RUNNING.Enum(), UUID: make([]byte, 16), ContainerStatus: &mesos.ContainerStatus{}}
		for range n {
			add(&s)
		}
		events[what] = &scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: s}}
	}
	network := func(i mesos.NetworkInfo) func(*mesos.TaskStatus) {
		return func(s *mesos.TaskStatus) { s.ContainerStatus.NetworkInfos = append(s.ContainerStatus.NetworkInfos, i) }
	}
	address := []mesos.NetworkInfo_IPAddress{{IPAddress: text("::1")}}
	update("networks", network(mesos.NetworkInfo{}))
	update("networks with an address", network(mesos.NetworkInfo{IPAddresses: address}))
	update("networks with a name", network(mesos.NetworkInfo{IPAddresses: address, Name: text("n")}))
	update("labels", func(s *mesos.TaskStatus) {
		if s.Labels == nil {
			s.Labels = &mesos.Labels{}
		}
		s.Labels.Labels = append(s.Labels.Labels, mesos.Label{Key: "k"})
	})
	offer := func(what string, add func(o *mesos.Offer)) {
		o := mesos.Offer{ID: mesos.OfferID{Value: "o"}, FrameworkID: mesos.FrameworkID{Value: "f"}, AgentID: mesos.AgentID{Value: "a"}, Hostname: "h"}
		for range n {
			add(&o)
		}
		events[what] = &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: []mesos.Offer{o}}}
	}
	resource := func(r mesos.Resource) func(*mesos.Offer) {
		r.Name, r.AllocationInfo = "r", &mesos.Resource_AllocationInfo{Role: text("*")}
		return func(o *mesos.Offer) { o.Resources = append(o.Resources, r) }
	}
	offer("scalars", resource(mesos.Resource{Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: 1}}))
	offer("ranges", resource(mesos.Resource{Type: mesos.RANGES.Enum(), Ranges: &mesos.Value_Ranges{Range: []mesos.Value_Range{{Begin: 1, End: 1}}}}))
	offer("sets", resource(mesos.Resource{Type: mesos.SET.Enum(), Set: &mesos.Value_Set{Item: []string{"i"}}}))
	offer("reserved scalars", resource(mesos.Resource{
		Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: 1},
		Reservations: []mesos.Resource_ReservationInfo{{Type: mesos.Resource_ReservationInfo_STATIC.Enum(), Role: text("a")}, {Type: mesos.Resource_ReservationInfo_STATIC.Enum(), Role: text("a/b")}},
	}))
	offer("attributes", func(o *mesos.Offer) {
		o.Attributes = append(o.Attributes, mesos.Attribute{Name: "a", Type: mesos.SET, Set: &mesos.Value_Set{Item: []string{"i"}}})
	})
	return events
}

// Legal events are never refused, however odd: an update would come again for ever, and those behind it never.
func TestSmallestLegalEvents(t *testing.T) {
	for _, n := range []int{1, 10, 100, 1000} {
		for what, event := range smallest(n) {
			for _, codec := range []Codec{Protobuf, JSON} {
				got, _, err := newDecoder(codec).event(encodeEvent(t, codec, event))
				require.NoError(t, err, "%d %s, %v", n, what, codec)
				require.Equal(t, event.Type, got.Type)
			}
		}
	}
}

// Recorded events of a real master take less than half of what they may, without what each event may take anyway.
func TestMemoryOfRealEvents(t *testing.T) {
	events := 0
	for _, name := range recordings(t) {
		stream, err := os.Open(name + ".recordio")
		require.NoError(t, err)
		for r := recordio.NewReader(stream, 0); ; events++ {
			frame, err := r.ReadFrame()
			if err != nil {
				break
			}
			_, size, err := newDecoder(Protobuf).event(frame)
			require.NoError(t, err)
			require.Less(t, size, maxGrowth*len(frame)*6/10+500, fmt.Sprint(name, " ", events))
		}
		require.NoError(t, stream.Close())
	}
	require.Greater(t, events, 80)
}

// The size of an event is about what it takes in memory. Where append has left room it takes more.
func TestSizeOfEvents(t *testing.T) {
	all := smallest(1000)
	all["many offers"] = offersEvent(1000)
	for what, event := range all {
		for _, codec := range []Codec{Protobuf, JSON} {
			frame, size := encodeEvent(t, codec, event), 0
			_, live := spent(func() any {
				got, n, err := newDecoder(codec).event(frame)
				require.NoError(t, err)
				size = n
				return got
			})
			require.Less(t, live, 2*size, "%s, %v", what, codec)
			require.Less(t, size, maxGrowth*len(frame)+freeGrowth, "%s, %v", what, codec)
		}
	}
}
