package mesostest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

func threeMasters() []string {
	return []string{"m0.example:5050", "m1.example:5050", "m2.example:5050"}
}

// get asks a master and returns the answer in one line.
func (c *cluster) get(address, path string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	require.NoError(c.t, err)
	response, err := c.client.Do(request)
	if err != nil {
		parts := strings.Split(err.Error(), ": ")
		return parts[len(parts)-1]
	}
	body, err := io.ReadAll(response.Body)
	require.NoError(c.t, err)
	require.NoError(c.t, response.Body.Close())
	if l := response.Header.Get("Location"); l != "" {
		return fmt.Sprintf("%d %s", response.StatusCode, l)
	}
	return fmt.Sprintf("%d %s", response.StatusCode, body)
}

const methodGet = "405 405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'."

// BEHAVIOUR section 13: who says what about the leader, over its death, its session, the recovery of the
// next one, and its return.
func TestRedirects(t *testing.T) {
	at := threeMasters()
	const scheduler = "/api/v1/scheduler"
	inBubbleOf(t, Config{SessionTimeout: 3 * time.Second}, at, func(c *cluster) {
		expect := func(address, path, want string) {
			t.Helper()
			require.Equal(t, want, c.get(address, path), "%s%s at %v", address, path, time.Since(c.start))
		}
		const toFirst = "307 //m0.example:5050"
		expect(at[0], scheduler, methodGet)
		expect(at[1], scheduler, toFirst+"/master/api/v1/scheduler")
		expect(at[2], "/master/api/v1/scheduler?a=b&c", toFirst+"/master/api/v1/scheduler?a=b&c")
		expect(at[1], "/state", toFirst+"/master/state")
		expect(at[1], "/redirect", toFirst)
		expect(at[0], "/master/redirect", toFirst)
		expect(at[0], "/redirect/more", "404 404 Not Found.")
		expect(at[1], "/health", "200 ")
		expect(at[1], "/nowhere", "404 404 Not Found.")
		require.Equal(t, 0, c.master.Leader())

		c.at(time.Second)
		require.True(t, c.master.LoseMaster(0))
		require.False(t, c.master.LoseMaster(0))
		require.Equal(t, -1, c.master.Leader())
		expect(at[0], scheduler, "connection refused")
		c.at(4*time.Second - 1)
		expect(at[1], scheduler, toFirst+"/master/api/v1/scheduler")

		c.at(4*time.Second + time.Millisecond)
		require.Equal(t, -1, c.master.Leader())
		expect(at[1], scheduler, "503 Master has not finished recovery")
		expect(at[1], "/api/v1", "503 Master has not finished recovery")
		expect(at[1], "/redirect", "307 //m1.example:5050")
		expect(at[2], scheduler, "307 //m1.example:5050/master/api/v1/scheduler")
		c.at(4050*time.Millisecond - 1)
		expect(at[1], scheduler, "503 Master has not finished recovery")
		c.at(4050 * time.Millisecond)
		expect(at[1], scheduler, methodGet)
		require.Equal(t, 1, c.master.Leader())

		require.True(t, c.master.ReturnMaster(0))
		require.False(t, c.master.ReturnMaster(0))
		expect(at[0], scheduler, "307 //m1.example:5050/master/api/v1/scheduler")
		require.False(t, c.master.ReturnMaster(7), "no such master")
	})
}

// Two of three masters are no use alone: without a quorum the elected one never recovers.
func TestQuorum(t *testing.T) {
	at := threeMasters()
	inBubbleOf(t, Config{}, at, func(c *cluster) {
		c.master.LoseMaster(2)
		c.master.LoseMaster(0)
		c.at(time.Hour)
		require.Equal(t, "503 Master has not finished recovery", c.get(at[1], "/api/v1/scheduler"))
		c.master.ReturnMaster(2)
		require.Equal(t, methodGet, c.get(at[1], "/api/v1/scheduler"))
	})
}

// Without ZooKeeper the leader ends with its session, and nobody follows until ZooKeeper is back.
func TestZooKeeperLost(t *testing.T) {
	at := threeMasters()
	inBubbleOf(t, Config{}, at, func(c *cluster) {
		var seen [][]int
		c.master.WatchElection(func(nodes []Candidate) {
			var list []int
			for _, n := range nodes {
				list = append(list, n.Sequence)
			}
			seen = append(seen, list)
		})
		c.master.LoseZooKeeper()
		c.at(10*time.Second - 1)
		require.Equal(t, 0, c.master.Leader())
		c.at(10 * time.Second)
		require.Equal(t, "connection refused", c.get(at[0], "/health"))
		require.Equal(t, "503 No leader elected", c.get(at[1], "/api/v1/scheduler"))
		require.Equal(t, "503 No leader elected", c.get(at[1], "/redirect"))
		c.master.ReturnMaster(0)
		require.Equal(t, "503 No leader elected", c.get(at[0], "/state"))
		c.at(20 * time.Second)
		c.master.ReturnZooKeeper()
		c.at(20050 * time.Millisecond)
		require.Equal(t, 0, c.master.Leader())
		require.Equal(t, []int{1, 2, 3}, seen[0])
		require.Equal(t, []int{4, 5, 6}, seen[len(seen)-1])
	})
}

// A leader that nobody reaches: its streams stay open and silent, its address hangs, another leads
// after its session. When it is reached again it has ended.
func TestFreezeMaster(t *testing.T) {
	at := threeMasters()
	inBubbleOf(t, Config{HeartbeatInterval: time.Second}, at, func(c *cluster) {
		s := c.subscribe(withFailoverTimeout(time.Hour))
		c.at(500 * time.Millisecond)
		require.True(t, c.master.FreezeMaster(0))
		require.False(t, c.master.FreezeMaster(0))
		require.Equal(t, "context deadline exceeded", c.get(at[0], "/health"))
		c.at(10500 * time.Millisecond)
		require.Equal(t, "307 //m1.example:5050/master/state", c.get(at[2], "/state"))
		c.at(20 * time.Second)
		require.Equal(t, []string{"0 SUBSCRIBED", "0 HEARTBEAT"}, s.log())
		require.True(t, c.master.ReturnMaster(0))
		c.at(20 * time.Second)
		require.Equal(t, []string{"0 SUBSCRIBED", "0 HEARTBEAT", "20 end: unexpected EOF"}, s.log())
		require.Equal(t, "307 //m1.example:5050/master/state", c.get(at[0], "/state"))
	})
}

// A request that a leader began to read has no effect once another leads.
func TestRequestToFormerLeader(t *testing.T) {
	inBubbleOf(t, Config{}, threeMasters(), func(c *cluster) {
		body := `{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"}}}`
		reader, writer := io.Pipe()
		failed := make(chan error, 1)
		go func() {
			request, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, "http://"+c.address+"/api/v1/scheduler", reader)
			if err == nil {
				request.Header.Set("Content-Type", "application/json")
				_, err = c.client.Do(request)
			}
			failed <- err
		}()
		_, err := writer.Write([]byte(body[:10]))
		require.NoError(t, err)
		c.at(time.Second)
		c.master.FreezeMaster(0)
		c.at(12 * time.Second)
		require.Equal(t, 1, c.master.Leader())
		_, err = writer.Write([]byte(body[10:]))
		require.NoError(t, err)
		require.NoError(t, writer.Close())
		require.ErrorContains(t, <-failed, "connection reset")
		require.Empty(t, c.master.Snapshot().Frameworks)
	})
}

// A frozen master is the first in the election as long as its session lasts, and leads when it thaws.
func TestFrozenFirst(t *testing.T) {
	at := threeMasters()
	inBubbleOf(t, Config{}, at, func(c *cluster) {
		c.master.LoseMaster(0)
		c.at(5 * time.Second)
		c.master.FreezeMaster(1)
		c.at(12 * time.Second)
		require.Equal(t, "307 //m1.example:5050", c.get(at[2], "/redirect"))
		c.master.ReturnMaster(0)
		require.Equal(t, -1, c.master.Leader())
		c.master.ReturnMaster(1)
		c.at(12050*time.Millisecond - 1)
		require.Equal(t, -1, c.master.Leader())
		c.at(12050 * time.Millisecond)
		require.Equal(t, 1, c.master.Leader())
	})
}

// Thawed within its session a leader goes on as if nothing had been.
func TestThawInTime(t *testing.T) {
	inBubbleOf(t, Config{HeartbeatInterval: time.Second}, threeMasters(), func(c *cluster) {
		s := c.subscribe(withFailoverTimeout(time.Hour))
		c.at(500 * time.Millisecond)
		c.master.FreezeMaster(0)
		late := make(chan time.Duration, 1)
		go func() {
			s.call(202, &scheduler.Call{Type: scheduler.Call_REVIVE})
			late <- time.Since(c.start)
		}()
		c.at(2500 * time.Millisecond)
		c.master.ReturnMaster(0)
		require.Equal(t, 2500*time.Millisecond, <-late)
		c.at(time.Minute)
		require.Equal(t, []string{"0 SUBSCRIBED", "0 HEARTBEAT", "2.5 HEARTBEAT", "2.5 HEARTBEAT", "3 HEARTBEAT"}, s.log()[:5])
		require.Equal(t, 0, c.master.Leader())
	})
}

// twoTasks runs "a" and "b" on an agent each. TASK_RUNNING of "b" is not acknowledged.
func twoTasks(c *cluster) *stream {
	c.t.Helper()
	info := withFailoverTimeout(time.Hour)
	info.Checkpoint = ptr(true)
	s := c.subscribe(info)
	offers := s.offers()
	require.Len(c.t, offers, 2)
	slices.SortFunc(offers, func(a, b mesos.Offer) int { return strings.Compare(a.Hostname, b.Hostname) })
	s.accept(offers[0], 3600, taskInfo(offers[0], "a", "sleep 600"))
	s.accept(offers[1], 3600, taskInfo(offers[1], "b", "sleep 600"))
	c.at(100 * time.Millisecond)
	for _, r := range s.received() {
		if u := r.event.GetUpdate(); u != nil && u.Status.GetState() == mesos.TASK_STARTING {
			s.ack(&u.Status)
		}
	}
	for _, r := range s.received() {
		if u := r.event.GetUpdate(); u != nil && u.Status.GetState() == mesos.TASK_RUNNING && u.Status.TaskID.Value == "a" {
			s.ack(&u.Status)
		}
	}
	return s
}

func (s *stream) again() *stream {
	s.c.t.Helper()
	info := withFailoverTimeout(time.Hour)
	info.Checkpoint = ptr(true)
	info.ID = s.fid
	return s.c.subscribe(info)
}

func twoAgents() []Agent {
	return []Agent{{Resources: oneAgent()[0].Resources}, {Resources: oneAgent()[0].Resources}}
}

// A master that starts without ZooKeeper knows no leader; with it, it is elected and recovers.
func TestStartWithoutZooKeeper(t *testing.T) {
	inBubble(t, Config{}, func(c *cluster) {
		c.master.LoseZooKeeper()
		c.master.LoseMaster(0)
		c.master.ReturnMaster(0)
		c.at(time.Minute)
		require.Equal(t, "503 No leader elected", c.get(c.address, "/redirect"))
		c.master.ReturnZooKeeper()
		require.Equal(t, "503 Master has not finished recovery", c.get(c.address, "/api/v1/scheduler"))
		c.at(time.Minute + 50*time.Millisecond)
		require.Equal(t, methodGet, c.get(c.address, "/api/v1/scheduler"))
	})
}

// Over TCP, where the listener stays, connections to a dead master break at once.
func TestLoseMasterOverTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	m, err := New(Config{Recovery: -1})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx, l) }()
	transport := &http.Transport{}
	status := func() (int, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Addr().String()+"/api/v1/scheduler", nil)
		require.NoError(t, err)
		response, err := transport.RoundTrip(request)
		if err != nil {
			return 0, err
		}
		return response.StatusCode, response.Body.Close()
	}
	alive := func() {
		got, err := status()
		require.NoError(t, err)
		require.Equal(t, http.StatusMethodNotAllowed, got)
	}
	alive()
	require.True(t, m.LoseMaster(0))
	_, err = status()
	require.Error(t, err)
	require.True(t, m.ReturnMaster(0))
	require.Equal(t, 0, m.Leader())
	alive()
	cancel()
	require.NoError(t, <-done)
	transport.CloseIdleConnections()
}
