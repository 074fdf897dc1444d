package eventpb

import (
	"bytes"
	"math"
	"runtime"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// An offer takes ten allocations at most, and no more memory than one that the generated code has decoded.
func TestAllocations(t *testing.T) {
	for what, frame := range map[string][]byte{
		"plain":     encode(t, plainOffers(1000, sameTexts)),
		"own texts": encode(t, plainOffers(1000, ownTexts)),
		"recorded":  recordedTogether(t),
	} {
		n := float64(len(decodeOffers(t, ours, frame)))
		allocs := func(decode func([]byte) (*scheduler.Event, error)) float64 {
			return testing.AllocsPerRun(5, func() { _ = decodeOffers(t, decode, frame) }) / n
		}
		require.LessOrEqual(t, allocs(ours), 10.0, what)
		require.Greater(t, allocs(theirs), 40.0, "control")
		require.LessOrEqual(t, live(ours, frame, all), live(theirs, frame, all), what)
	}
	large := encode(t, largeOffers(100))
	require.InEpsilon(t, live(theirs, large, all), live(ours, large, all), 0.05)
}

// recordedTogether returns an event of all offers that a real master has sent.
func recordedTogether(t testing.TB) []byte {
	together := &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{}}
	for _, frame := range recordedFrames(t) {
		if event, err := theirs(frame); err == nil {
			together.Offers.Offers = append(together.Offers.Offers, event.GetOffers().GetOffers()...)
		}
	}
	return encode(t, together)
}

func decodeOffers(t testing.TB, decode func([]byte) (*scheduler.Event, error), frame []byte) []mesos.Offer {
	event, err := decode(frame)
	require.NoError(t, err)
	return event.Offers.Offers
}

func all(event *scheduler.Event) any { return event }

// live returns how many bytes stay in use for what is kept of an event.
func live(decode func([]byte) (*scheduler.Event, error), frame []byte, keep func(*scheduler.Event) any) int {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC() // what was in a sync.Pool is freed by the second one
	runtime.ReadMemStats(&before)
	event, _ := decode(frame)
	kept := keep(event)
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(kept)
	runtime.KeepAlive(frame)
	return int(after.HeapAlloc) - int(before.HeapAlloc)
}

// Who keeps the ID of one offer keeps the texts of that offer, nothing else of it, and nothing of the other offers or the frame.
func TestKeptID(t *testing.T) {
	frame := encode(t, largeOffers(1000))
	require.Less(t, live(ours, frame, func(e *scheduler.Event) any { return e.Offers.Offers[500].ID.Value }), 16<<10)
	require.Greater(t, live(ours, frame, func(e *scheduler.Event) any { return &e.Offers.Offers[500] }), 100<<10, "control: the list of the offers")
	plain := encode(t, plainOffers(10_000, sameTexts))
	require.Less(t, live(ours, plain, func(e *scheduler.Event) any {
		ids := make([]string, 1000)
		for i := range ids {
			ids[i] = e.Offers.Offers[10*i].ID.Value
		}
		return ids
	}), 1000*400)
}

// Who changes or extends a part of an offer changes nothing else, neither in the offer nor in others, and so does who reuses
// the frame.
func TestNothingIsShared(t *testing.T) {
	frame := encode(t, largeOffers(3))
	for i := range 3 {
		offers, want := decodeOffers(t, ours, frame), decodeOffers(t, theirs, frame)
		for _, all := range [][]mesos.Offer{offers, want} {
			change(&all[i])
		}
		require.Equal(t, want, offers)
	}
	buffer := bytes.Clone(frame)
	offers := decodeOffers(t, ours, buffer)
	clear(buffer)
	require.Equal(t, decodeOffers(t, theirs, frame), offers)
}

func change(o *mesos.Offer) {
	for i := range o.Resources {
		r := &o.Resources[i]
		*r.AllocationInfo.Role = "changed"
		*r.Type = mesos.SET
		if r.Scalar != nil {
			r.Scalar.Value = 17
		}
		if r.Ranges != nil {
			r.Ranges.Range = append(r.Ranges.Range, mesos.Value_Range{Begin: 5})
		}
		r.Reservations = append(r.Reservations, mesos.Resource_ReservationInfo{})
		for j := range r.Reservations {
			if labels := r.Reservations[j].Labels; labels != nil {
				labels.Labels = append(labels.Labels, mesos.Label{Key: "changed"})
			}
		}
	}
	o.Resources = append(o.Resources, mesos.Resource{Name: "changed"})
	o.Attributes = append(o.Attributes, mesos.Attribute{Name: "changed"})
	o.Attributes[0].Text.Value = "changed"
	o.ExecutorIDs = append(o.ExecutorIDs, mesos.ExecutorID{Value: "changed"})
	o.URL.Address.Hostname = nil
}

// What a survey says that an event takes is about what it takes.
func TestMemory(t *testing.T) {
	for _, frame := range [][]byte{encode(t, plainOffers(1000, sameTexts)), encode(t, largeOffers(100)), recordedTogether(t)} {
		require.InEpsilon(t, live(ours, frame, all), New().Survey(frame, math.MaxInt).Memory, 0.15)
	}
}
