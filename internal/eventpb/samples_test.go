package eventpb

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

// recordedFrames returns the events that a real master sent in protobuf, and the offers that it sent in JSON, in protobuf.
func recordedFrames(t testing.TB) (frames [][]byte) {
	files, err := filepath.Glob("../mesoshttp/testdata/protobuf/*.recordio")
	require.NoError(t, err)
	require.Len(t, files, 12)
	for _, file := range files {
		stream, err := os.ReadFile(file)
		require.NoError(t, err)
		for r := recordio.NewReader(bytes.NewReader(stream), 0); ; {
			frame, err := r.ReadFrame()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			frames = append(frames, bytes.Clone(frame))
		}
	}
	files, err = filepath.Glob("../mesostest/testdata/recordings/*.jsonl")
	require.NoError(t, err)
	require.Greater(t, len(files), 100)
	for _, file := range files {
		frames = append(frames, recordedOffers(t, file)...)
	}
	return frames
}

func recordedOffers(t testing.TB, file string) (frames [][]byte) {
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, len(content))
	for lines.Scan() {
		var line struct {
			Event json.RawMessage `json:"event"`
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
		if bytes.HasPrefix(line.Event, []byte(`{"type":"OFFERS"`)) {
			event := new(scheduler.Event)
			require.NoError(t, event.UnmarshalJSON(line.Event))
			frames = append(frames, encode(t, event))
		}
	}
	require.NoError(t, lines.Err())
	return frames
}

func encode(t testing.TB, event *scheduler.Event) []byte {
	frame, err := event.Marshal()
	require.NoError(t, err)
	return frame
}

// plainOffers returns an event of n offers like those of the recordings, with texts that all have or with texts of their own.
func plainOffers(n int, texts func(i int, text string) string) *scheduler.Event {
	offers := make([]mesos.Offer, n)
	for i := range offers {
		text := func(s string) string { return texts(i, s) }
		ptr := func(s string) *string { s = text(s); return &s }
		allocation := func() *mesos.Resource_AllocationInfo { return &mesos.Resource_AllocationInfo{Role: ptr("test")} }
		scalar := func(name string, value float64) mesos.Resource {
			return mesos.Resource{Name: text(name), Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: value}, AllocationInfo: allocation()}
		}
		offers[i] = mesos.Offer{
			ID:             mesos.OfferID{Value: fmt.Sprintf("9e6187e4-c078-4788-b215-6b9159c8dad6-O%d", i)},
			FrameworkID:    mesos.FrameworkID{Value: text("9e6187e4-c078-4788-b215-6b9159c8dad6-0000")},
			AgentID:        mesos.AgentID{Value: fmt.Sprintf("9e6187e4-c078-4788-b215-6b9159c8dad6-S%d", i)},
			Hostname:       text("agent1.example"),
			URL:            &mesos.URL{Scheme: "http", Address: mesos.Address{Hostname: ptr("agent1.example"), IP: ptr("127.0.0.1"), Port: 5051}, Path: ptr("/slave(1)")},
			AllocationInfo: allocation(),
			Resources: []mesos.Resource{
				{Name: text("ports"), Type: mesos.RANGES.Enum(), AllocationInfo: allocation(),
					Ranges: &mesos.Value_Ranges{Range: []mesos.Value_Range{{Begin: 31000, End: 31999}}}},
				scalar("cpus", 4), scalar("mem", 4096), scalar("disk", 10000),
			},
			Attributes: []mesos.Attribute{
				{Name: text("rack"), Type: mesos.TEXT, Text: &mesos.Value_Text{Value: text("r1")}},
				{Name: text("zone"), Type: mesos.TEXT, Text: &mesos.Value_Text{Value: text("z1")}},
			},
		}
	}
	return &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: offers}}
}

func sameTexts(_ int, text string) string { return text }

func ownTexts(i int, text string) string { return fmt.Sprint(text, i) }

// largeOffers returns an event of n offers with a fault domain, 30 attributes, 100 ranges of ports, 30 reserved resources with labels, a
// disk and ten executors.
func largeOffers(n int) *scheduler.Event {
	event := plainOffers(n, sameTexts)
	role, principal, value := "production", "principal-of-the-framework", "value-of-a-label"
	labels := &mesos.Labels{Labels: []mesos.Label{{Key: "label", Value: &value}, {Key: "other-label", Value: &value}}}
	for i := range event.Offers.Offers {
		o := &event.Offers.Offers[i]
		o.Domain = &mesos.DomainInfo{FaultDomain: &mesos.DomainInfo_FaultDomain{
			Region: mesos.DomainInfo_FaultDomain_RegionInfo{Name: "region"}, Zone: mesos.DomainInfo_FaultDomain_ZoneInfo{Name: "zone"},
		}}
		for j := range 30 {
			o.Attributes = append(o.Attributes, mesos.Attribute{Name: fmt.Sprint("attribute", j), Type: mesos.TEXT, Text: &mesos.Value_Text{Value: "value"}})
			o.Resources = append(o.Resources, mesos.Resource{
				Name: "cpus", Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: 1}, AllocationInfo: o.AllocationInfo,
				Reservations: []mesos.Resource_ReservationInfo{{Type: mesos.Resource_ReservationInfo_DYNAMIC.Enum(), Role: &role, Principal: &principal, Labels: labels}},
			})
		}
		for j := range 100 {
			ports := o.Resources[0].Ranges
			ports.Range = append(ports.Range, mesos.Value_Range{Begin: uint64(32_000 + 10*j), End: uint64(32_005 + 10*j)})
		}
		for j := range 10 {
			o.ExecutorIDs = append(o.ExecutorIDs, mesos.ExecutorID{Value: fmt.Sprint("executor-", j)})
		}
		o.Resources[3].Disk = &mesos.Resource_DiskInfo{Source: &mesos.Resource_DiskInfo_Source{
			Type: mesos.Resource_DiskInfo_Source_MOUNT, Mount: &mesos.Resource_DiskInfo_Source_Mount{Root: &value},
		}}
	}
	return event
}
