package scheduler_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// silentMaster sends events, a batch each 10 ms, and never answers a call. After each batch it notes how large the heap is.
type silentMaster struct {
	event   func(i int) *calls.Event
	batches int
	largest uint64
}

const floodBatch = 2000

func (m *silentMaster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var call calls.Call
	body, _ := io.ReadAll(r.Body)
	if call.Unmarshal(body) != nil || call.Type != calls.Call_SUBSCRIBE {
		<-r.Context().Done()
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.Header().Set("Mesos-Stream-Id", "1")
	stream := flushed{w, http.NewResponseController(w)}
	if m.send(stream, &calls.Event{Type: calls.Event_SUBSCRIBED, Subscribed: &calls.Event_Subscribed{FrameworkID: &mesos.FrameworkID{Value: "fw"}}}) != nil {
		return
	}
	for n := 0; m.batches > 0; m.batches-- {
		var events []*calls.Event
		for range floodBatch {
			events = append(events, m.event(n))
			n++
		}
		if m.send(stream, events...) != nil {
			return // the subscription was ended
		}
		time.Sleep(10 * time.Millisecond)
		var heap runtime.MemStats
		runtime.ReadMemStats(&heap)
		m.largest = max(m.largest, heap.HeapInuse)
	}
	<-r.Context().Done()
}

func (m *silentMaster) send(w io.Writer, events ...*calls.Event) error {
	var batch bytes.Buffer
	frames := recordio.NewWriter(&batch)
	for _, e := range events {
		frame, err := e.Marshal()
		if err == nil {
			err = frames.WriteFrame(frame)
		}
		if err != nil {
			return err
		}
	}
	_, err := w.Write(batch.Bytes())
	return err
}

// 200,000 events a second come from a master that answers no call. What the scheduler keeps stays far below 512 MB.
func TestMemoryWhileCallsHang(t *testing.T) {
	update := func(id, agent string, uuid int) *calls.Event {
		return &calls.Event{Type: calls.Event_UPDATE, Update: &calls.Event_Update{Status: mesos.TaskStatus{
			TaskID: mesos.TaskID{Value: id}, AgentID: &mesos.AgentID{Value: agent}, State: mesos.TASK_RUNNING.Enum(),
			UUID: binary.BigEndian.AppendUint64(make([]byte, 8), uint64(uuid)),
		}}}
	}
	unknown := func(i int) *calls.Event { return update(fmt.Sprint("t", i), fmt.Sprint("S", i), i) }
	for name, flood := range map[string]struct {
		policy scheduler.UnknownTasks
		event  func(i int) *calls.Event
	}{
		"one uuid":               {scheduler.KillUnknown, func(int) *calls.Event { return update("t", "S", 1) }},
		"uuids of a task":        {scheduler.AdoptUnknown, func(i int) *calls.Event { return update("t", "S", i) }},
		"unknown tasks, adopted": {scheduler.AdoptUnknown, unknown},
		"unknown tasks, killed":  {scheduler.KillUnknown, unknown},
		"offers":                 {scheduler.ReportUnknown, offerOf},
		"offers and rescinds": {scheduler.ReportUnknown, func(i int) *calls.Event {
			if i%2 == 0 {
				return offerOf(i)
			}
			return &calls.Event{Type: calls.Event_RESCIND, Rescind: &calls.Event_Rescind{OfferID: mesos.OfferID{Value: fmt.Sprint("O", i-1)}}}
		}},
		"failures": {scheduler.ReportUnknown, func(i int) *calls.Event {
			return &calls.Event{Type: calls.Event_FAILURE, Failure: &calls.Event_Failure{AgentID: &mesos.AgentID{Value: fmt.Sprint("S", i)}}}
		}},
		"inverse offers": {scheduler.ReportUnknown, func(i int) *calls.Event {
			return &calls.Event{Type: calls.Event_INVERSE_OFFERS, InverseOffers: &calls.Event_InverseOffers{InverseOffers: []mesos.InverseOffer{{
				OfferID: mesos.OfferID{Value: fmt.Sprint("I", i)}, AgentID: &mesos.AgentID{Value: fmt.Sprint("S", i)},
				Unavailability: mesos.Unavailability{Start: mesos.TimeInfo{Nanoseconds: 1}},
			}}}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			runtime.GC()
			m := &silentMaster{event: flood.event, batches: 75}
			if testing.Short() {
				m.batches = 5
			}
			underFlood(t, m, flood.policy)
			t.Logf("%d MiB", m.largest>>20)
			require.Less(t, m.largest>>20, uint64(256), "MiB")
		})
	}
}

// underFlood runs a scheduler until the master has sent all, and a while longer.
func underFlood(t *testing.T, m *silentMaster, unknown scheduler.UnknownTasks) {
	synctest.Test(t, func(t *testing.T) {
		network := &virtualnet.Network{}
		listener, err := network.Listen(address)
		require.NoError(t, err)
		server := &http.Server{Handler: m}
		go func() { _ = server.Serve(listener) }()
		defer server.Close()
		s, err := scheduler.New(scheduler.Config{
			Master: address, Framework: scheduler.Framework{Name: "test"}, UnknownTasks: unknown,
			DialContext: network.DialContext, Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, s.Run(ctx), context.DeadlineExceeded)
		synctest.Wait()
		require.Zero(t, m.batches, "all was sent")
	})
}

// offerOf returns an offer such as masters make.
func offerOf(i int) *calls.Event {
	role, scalar := "*", mesos.SCALAR
	var resources []mesos.Resource
	for name, amount := range map[string]float64{"cpus": 8, "mem": 16384, "disk": 1 << 20} {
		resources = append(resources, mesos.Resource{
			Name: name, Type: &scalar, Scalar: &mesos.Value_Scalar{Value: amount}, AllocationInfo: &mesos.Resource_AllocationInfo{Role: &role},
		})
	}
	agent := fmt.Sprintf("66549417-1791-41bf-bebf-adeb5c1d4270-S%d", i)
	return &calls.Event{Type: calls.Event_OFFERS, Offers: &calls.Event_Offers{Offers: []mesos.Offer{{
		ID: mesos.OfferID{Value: fmt.Sprint("O", i)}, AgentID: mesos.AgentID{Value: agent}, Hostname: agent + ".example",
		AllocationInfo: &mesos.Resource_AllocationInfo{Role: &role}, Resources: resources,
		Attributes: []mesos.Attribute{{Name: "rack", Type: mesos.TEXT, Text: &mesos.Value_Text{Value: fmt.Sprint("rack", i%100)}}},
	}}}}
}
