package mesoshttp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/encoding/framing"
	"github.com/mesos/mesos-go/api/v1/lib/encoding/proto"
	theirs "github.com/mesos/mesos-go/api/v1/lib/recordio"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

// offersEvent has count offers like those of the recordings: four resources, two attributes.
func offersEvent(count int) *scheduler.Event {
	text, role, scheme, path := "r1", "test", "http", "/slave(1)"
	hostname, ip := "agent1.example", "127.0.0.1"
	allocation := &mesos.Resource_AllocationInfo{Role: &role}
	scalar := func(name string, value float64) mesos.Resource {
		return mesos.Resource{Name: name, Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: value}, AllocationInfo: allocation}
	}
	offers := make([]mesos.Offer, count)
	for i := range offers {
		offers[i] = mesos.Offer{
			ID:             mesos.OfferID{Value: fmt.Sprintf("9e6187e4-c078-4788-b215-6b9159c8dad6-O%d", i)},
			FrameworkID:    mesos.FrameworkID{Value: "9e6187e4-c078-4788-b215-6b9159c8dad6-0000"},
			AgentID:        mesos.AgentID{Value: fmt.Sprintf("9e6187e4-c078-4788-b215-6b9159c8dad6-S%d", i)},
			Hostname:       hostname,
			URL:            &mesos.URL{Scheme: scheme, Address: mesos.Address{Hostname: &hostname, IP: &ip, Port: 5051}, Path: &path},
			AllocationInfo: allocation,
			Resources: []mesos.Resource{
				{Name: "ports", Type: mesos.RANGES.Enum(), AllocationInfo: allocation,
					Ranges: &mesos.Value_Ranges{Range: []mesos.Value_Range{{Begin: 31000, End: 31999}}}},
				scalar("cpus", 4), scalar("mem", 4096), scalar("disk", 10000),
			},
			Attributes: []mesos.Attribute{
				{Name: "rack", Type: mesos.TEXT, Text: &mesos.Value_Text{Value: text}},
				{Name: "zone", Type: mesos.TEXT, Text: &mesos.Value_Text{Value: text}},
			},
		}
	}
	return &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: offers}}
}

// cycle repeats data for ever.
type cycle struct {
	data []byte
	at   int
}

func (c *cycle) Read(p []byte) (int, error) {
	n := copy(p, c.data[c.at:])
	c.at = (c.at + n) % len(c.data)
	return n, nil
}

// offersCodec is a way to read events.
type offersCodec struct {
	name string
	open func(io.Reader) func() (*scheduler.Event, error)
}

// offersCodecs returns ours, mesos-go's codec behind the checks that an event needs for which that is used, and mesos-go's framing
// and codec without any.
func offersCodecs() []offersCodec {
	return []offersCodec{
		{"ours", func(r io.Reader) func() (*scheduler.Event, error) {
			stream := Stream{frames: recordio.NewReader(r, 0), decoder: newDecoder(Protobuf)}
			return stream.Next
		}},
		{"mesos-go-checked", func(r io.Reader) func() (*scheduler.Event, error) {
			frames, d := recordio.NewReader(r, 0), newDecoder(Protobuf)
			return func() (*scheduler.Event, error) {
				frame, err := frames.ReadFrame()
				if err != nil {
					return nil, err
				}
				left, event := newBudget(frame), new(scheduler.Event)
				return event, errors.Join(left.inspect(frame, d.events, 0), event.Unmarshal(frame), complete(event))
			}
		}},
		{"mesos-go", func(r io.Reader) func() (*scheduler.Event, error) {
			decoder := proto.NewDecoder(func() framing.Reader { return theirs.NewReader(r) })
			return func() (*scheduler.Event, error) {
				event := new(scheduler.Event)
				return event, decoder.Decode(event)
			}
		}},
	}
}

// BenchmarkOffers reads OFFERS events from a stream, from bytes to messages, with each codec. Compare with: benchstat -col /codec.
func BenchmarkOffers(b *testing.B) {
	for _, count := range []int{1, 100, 1000} {
		data := framed(b, encodeEvent(b, Protobuf, offersEvent(count)))
		for _, codec := range offersCodecs() {
			b.Run(fmt.Sprintf("offers=%d/codec=%s", count, codec.name), func(b *testing.B) {
				next := codec.open(&cycle{data: bytes.Repeat(data, max(1, 64<<10/len(data)))})
				event, err := next()
				require.NoError(b, err)
				require.Len(b, event.Offers.Offers, count)
				allocs := testing.AllocsPerRun(10, func() { _, _ = next() })
				b.ReportAllocs()
				for b.Loop() {
					if _, err := next(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N*count)/b.Elapsed().Seconds(), "offers/s")
				b.ReportMetric(allocs/float64(count), "allocs/offer")
			})
		}
	}
}
