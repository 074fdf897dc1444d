package mesostest

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

func TestCutStreams(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(withFailoverTimeout(time.Minute))
		c.at(time.Second)
		c.master.CutStreams()
		c.at(time.Second)
		require.Len(t, s.since(time.Second), 1)
		require.Contains(t, s.since(time.Second)[0], "connection reset", "no last chunk")
		require.False(t, c.master.Snapshot().Frameworks[0].Connected)
		require.Empty(t, c.master.Snapshot().Offers)
		require.Equal(t, "Framework is not subscribed", s.call(403, &scheduler.Call{Type: scheduler.Call_REVIVE}))
	})
}

func TestSilence(t *testing.T) {
	inBubble(t, Config{}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		c.at(time.Second)
		c.master.Silence(true)
		c.at(40 * time.Second)
		require.Empty(t, s.since(time.Second))
		s.call(202, &scheduler.Call{Type: scheduler.Call_REVIVE}) // calls are answered
		c.master.Silence(false)
		c.at(45 * time.Second)
		require.Equal(t, []string{"40 HEARTBEAT", "40 HEARTBEAT", "45 HEARTBEAT"}, s.since(time.Second))
	})
}

func TestIntercept(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		fault := Pass
		var seen []scheduler.Call_Type
		c.master.Intercept(func(call *scheduler.Call) Fault {
			seen = append(seen, call.Type)
			return fault
		})
		decline := &scheduler.Call{Type: scheduler.Call_DECLINE, FrameworkID: s.fid, Decline: &scheduler.Call_Decline{OfferIDs: []mesos.OfferID{s.offers()[0].ID}}}

		fault = Swallow
		s.call(202, decline)
		require.Len(t, c.master.Snapshot().Offers, 1, "it had no effect")

		fault = Fault(http.StatusServiceUnavailable)
		s.call(503, decline)
		require.Equal(t, 503, c.post(&scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: frameworkInfo()}}, "").StatusCode)

		fault = Cut
		_, err := c.tryPost(decline, s.id)
		require.ErrorContains(t, err, "connection reset")

		fault = Hang
		ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+masterAddress+"/api/v1/scheduler",
			strings.NewReader(`{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"}}}`))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		_, err = c.client.Do(request)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(c.start))

		c.master.Intercept(nil)
		s.call(202, decline)
		require.Empty(t, c.master.Snapshot().Offers)
		require.Equal(t, []scheduler.Call_Type{
			scheduler.Call_DECLINE, scheduler.Call_DECLINE, scheduler.Call_SUBSCRIBE, scheduler.Call_DECLINE, scheduler.Call_SUBSCRIBE,
		}, seen)
		require.Equal(t, 4, c.master.Snapshot().Calls[scheduler.Call_DECLINE], "also those with a fault are counted")
	})
}

func TestRescindOffers(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := c.subscribe(frameworkInfo())
		c.at(100 * time.Millisecond)
		c.master.RescindOffers()
		c.at(time.Second)
		require.Equal(t, []string{"0.1 RESCIND", "1 " + wholeAgent}, s.since(100*time.Millisecond))
	})
}

func TestKillExecutor(t *testing.T) {
	inBubble(t, Config{Agents: oneAgent()}, func(c *cluster) {
		s := launched(c, frameworkInfo(), taskInfo(mesos.Offer{}, "t", "sleep 600"), 2)
		c.at(time.Second)
		require.True(t, c.master.KillExecutor("t"))
		require.False(t, c.master.KillExecutor("t"))
		c.at(1500 * time.Millisecond)
		require.Equal(t, []string{"1 t TASK_FAILED: Executor terminated"}, s.since(time.Second))
	})
}

// Run returns with streams open and calls hanging, and nothing of it is left.
// The bubble fails the test for any goroutine that is left; no client closes its connection.
func TestRunLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network virtualnet.Network
		l, err := network.Listen(masterAddress)
		require.NoError(t, err)
		m, err := New(Config{Agents: oneAgent()})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx, l) }()

		dial := func(request string) net.Conn {
			conn, err := network.DialContext(t.Context(), "tcp", masterAddress)
			require.NoError(t, err)
			_, err = io.WriteString(conn, request)
			require.NoError(t, err)
			synctest.Wait()
			return conn
		}
		stream := dial(subscribeRequest)
		m.Intercept(func(*scheduler.Call) Fault { return Hang })
		hanging := dial(subscribeRequest)
		idle := dial("")
		half := dial("POST /api/v1/scheduler HTTP/1.1\r\nContent-Le")
		for _, conn := range []net.Conn{stream, hanging} { // net/http does not watch a connection that has more to say
			_, err := io.WriteString(conn, "POST")
			require.NoError(t, err)
		}
		synctest.Wait()

		cancel()
		require.NoError(t, <-done)
		for _, conn := range []net.Conn{stream, hanging, idle, half} {
			rest, err := io.ReadAll(conn)
			require.NoError(t, err)
			require.NotContains(t, string(rest), "\r\n0\r\n\r\n", "the master did not say goodbye")
			require.Equal(t, conn == stream, strings.Contains(string(rest), "SUBSCRIBED"))
		}
		require.Len(t, m.Snapshot().Frameworks, 1, "the last state can still be seen")
	})
}

const subscribeRequest = "POST /api/v1/scheduler HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 75\r\n\r\n" +
	`{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"}}}`

func TestRunTwice(t *testing.T) {
	m, err := New(Config{})
	require.NoError(t, err)
	var network virtualnet.Network
	l, err := network.Listen("m:1")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, m.Run(ctx, l))
	require.ErrorIs(t, m.Run(ctx, l), ErrRunning)
}

// A scheduler that does not read must not keep the master from serving others.
func TestSlowReaderBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := newBlockingPair()
		l := &oneConnListener{conn: server, closed: make(chan struct{})}
		m, err := New(Config{HeartbeatInterval: time.Second})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx, l) }()
		_, err = io.WriteString(client, subscribeRequest)
		require.NoError(t, err)
		time.Sleep(time.Hour) // the handler is stuck in its first write
		require.True(t, m.Snapshot().Frameworks[0].Connected)
		m.CutStreams()
		require.Empty(t, m.Snapshot().Frameworks)
		cancel()
		require.NoError(t, <-done)
	})
}

// newBlockingPair returns a connection whose writes wait for the reader.
func newBlockingPair() (client, server net.Conn) { return net.Pipe() }

type oneConnListener struct {
	conn   net.Conn
	closed chan struct{}
}

func (l *oneConnListener) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConnListener) Close() error   { close(l.closed); return nil }
func (l *oneConnListener) Addr() net.Addr { return virtualnet.Addr("m:1") }
