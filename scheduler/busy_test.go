package scheduler_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
	"github.com/mesos-actor/mesos-actor-go/taskmatcher"
)

// A matcher that takes two minutes does not make the master silent, which sends a heartbeat each 15 s: nobody has listened.
func TestMatcherThatTakesTwoMinutes(t *testing.T) {
	slow := brokenMatcher(func(c task.Cycle) ([]task.Placement, []task.Rejection) {
		time.Sleep(2 * time.Minute)
		return taskmatcher.FirstFit{}.Match(c)
	})
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: slow}, func(ctx context.Context, h *harness) {
		for i := range 3 {
			_, err := h.sched.Launch(ctx, sleeper(fmt.Sprint(i)))
			require.NoError(h, err)
		}
		h.at(time.Hour)
		events, _ := h.connections()
		require.Len(h, events, 1, "one subscription")
		h.stop()
		<-h.ended
	})
}

// The same for a policy, which is asked while the event itself is taken: nothing waits behind that when it returns.
func TestPolicyThatTakesTwoMinutes(t *testing.T) {
	var asked atomic.Int64
	policy := scheduler.OfferPolicy{AcceptInverse: func(scheduler.InverseOffer) bool {
		asked.Add(1)
		time.Sleep(2 * time.Minute)
		return true
	}}
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Offers: policy}, func(ctx context.Context, h *harness) {
		info, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.at(10 * time.Second)
		window := mesostest.Window{Hostnames: []string{info.Hostname}, Start: time.Now().Add(time.Hour), Duration: time.Hour}
		require.NoError(h, h.master.UpdateMaintenanceSchedule(window))
		h.at(time.Hour)
		require.Positive(h, asked.Load())
		events, _ := h.connections()
		require.Len(h, events, 1, "one subscription")
		h.stop()
		<-h.ended
	})
}

// A master that really is silent is noticed, as soon as the loop has had the time to listen.
func TestSilentMasterAndSlowMatcher(t *testing.T) {
	slow := brokenMatcher(func(c task.Cycle) ([]task.Placement, []task.Rejection) {
		time.Sleep(2 * time.Minute)
		return taskmatcher.FirstFit{}.Match(c)
	})
	withHarness(t, mesostest.Config{Agents: agents(1)}, scheduler.Config{Matcher: slow}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		h.at(2*time.Minute + 10*time.Second)
		h.master.Silence(true)
		h.at(time.Hour)
		events, times := h.connections()
		require.False(h, events[1].Connected)
		require.ErrorContains(h, events[1].Err, "the master said nothing for 1m15s")
		require.Equal(h, 2*time.Minute+75*time.Second, times[1].Truncate(time.Second))
		h.stop()
		<-h.ended
	})
}

// rawStream answers SUBSCRIBE, accepts all other calls, and then sends frames until the request ends. It counts those that
// were taken from it.
type rawStream struct {
	frames [][]byte
	sent   atomic.Int64
}

func (s *rawStream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Mesos-Stream-Id") != "" {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.Header().Set("Mesos-Stream-Id", "s")
	frames := recordio.NewWriter(w)
	for _, frame := range s.frames {
		if frames.WriteFrame(frame) != nil {
			return
		}
		w.(http.Flusher).Flush()
		s.sent.Add(1)
	}
	<-r.Context().Done()
}

func frame(t *testing.T, e *calls.Event) []byte {
	encoded, err := e.Marshal()
	require.NoError(t, err)
	return encoded
}

// pipes is a network without buffers: what is written has been read.
type pipes chan net.Conn

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p pipes) Accept() (net.Conn, error) {
	if conn, open := <-p; open {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// While a matcher is at work, 32 MiB of events are read, and one more: then the master has to wait. Afterwards all of them
// are taken.
func TestSlowMatcherAndEventsOf20MB(t *testing.T) {
	const updates = 20
	raw := &rawStream{frames: [][]byte{
		frame(t, &calls.Event{Type: calls.Event_SUBSCRIBED, Subscribed: &calls.Event_Subscribed{FrameworkID: &mesos.FrameworkID{Value: "fw"}}}),
		frame(t, &calls.Event{Type: calls.Event_OFFERS, Offers: &calls.Event_Offers{Offers: []mesos.Offer{{
			ID: mesos.OfferID{Value: "o"}, FrameworkID: mesos.FrameworkID{Value: "fw"}, AgentID: mesos.AgentID{Value: "a1"}, Hostname: "a1.example",
		}}}}),
	}}
	large := frame(t, &calls.Event{Type: calls.Event_UPDATE, Update: &calls.Event_Update{Status: mesos.TaskStatus{
		TaskID: mesos.TaskID{Value: "other"}, State: mesos.TASK_RUNNING.Enum(), Message: optional(strings.Repeat("x", 20_000_000)),
	}}})
	for range updates {
		raw.frames = append(raw.frames, large)
	}
	synctest.Test(t, func(t *testing.T) {
		network, began := make(pipes), make(chan struct{}, 1)
		slow := brokenMatcher(func(task.Cycle) ([]task.Placement, []task.Rejection) {
			began <- struct{}{}
			time.Sleep(2 * time.Minute)
			return nil, nil
		})
		s, err := scheduler.New(scheduler.Config{
			Master: address, Framework: scheduler.Framework{Name: "test"}, Matcher: slow, DialContext: network.dial, Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		server := &http.Server{Handler: raw}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = server.Serve(network) })
		running.Go(func() { _ = s.Run(ctx) })
		var unknown, ended int
		running.Go(func() {
			for e := range s.Watch(ctx) {
				switch e := e.(type) {
				case scheduler.UnknownTaskEvent:
					unknown++
				case scheduler.ConnectionEvent:
					if !e.Connected {
						ended++
					}
				}
			}
		})
		require.NoError(t, s.Submit(ctx, sleeper("a")))
		<-began
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, int64(2+1), raw.sent.Load(), "of the second large frame the end of its HTTP chunk is not read yet")
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, int64(2+updates), raw.sent.Load(), "the reader goes on")
		require.Equal(t, updates, unknown)
		require.Zero(t, ended, "the subscription goes on")
		stop()
		_ = server.Close()
		running.Wait()
	})
}
