package mesostest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// A body of no end must not end the test process with it.
func TestBodyOfNoEnd(t *testing.T) {
	m, err := New(Config{})
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodPost, "/api/v1/scheduler", endless{})
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	require.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// After Run any goroutine may still call anything; the race detector judges.
func TestMethodsAfterRun(t *testing.T) {
	m, err := New(Config{Agents: oneAgent()})
	require.NoError(t, err)
	var network virtualnet.Network
	l, err := network.Listen(masterAddress)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, m.Run(ctx, l))
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			_ = m.AddAgent(Agent{})
			m.Intercept(func(*scheduler.Call) Fault { return Pass })
			m.LoseAgent(lostAgent)
			m.ReturnAgent(lostAgent)
			m.CutStreams()
			m.RescindOffers()
			m.LoseMaster(0)
			m.ReturnMaster(0)
			m.FreezeMaster(0)
			m.Failover(time.Second)
			m.LoseZooKeeper()
			m.ReturnZooKeeper()
			m.Leader()
		})
	}
	calls.Wait()
	require.Len(t, m.Snapshot().Agents, 5)
}

func TestConfigFaults(t *testing.T) {
	for _, test := range []struct {
		config Config
		want   string
	}{
		{Config{AllocationInterval: -1}, "mesostest: Config.AllocationInterval is negative: -1ns"},
		{Config{SessionTimeout: -1}, "mesostest: Config.SessionTimeout is negative: -1ns"},
		{Config{AgentReregisterTimeout: -1}, "mesostest: Config.AgentReregisterTimeout is negative: -1ns"},
		{Config{Quorum: -1}, "mesostest: Config.Quorum is negative: -1"},
		{Config{MaxCompletedFrameworks: -1}, "mesostest: Config.MaxCompletedFrameworks is negative: -1"},
		{Config{Domain: "nowhere"}, `mesostest: Config.Domain: domain "nowhere" is not of the form "region/zone"`},
		{Config{Agents: []Agent{{}, {Domain: "region/"}}}, `mesostest: Config.Agents[1]: domain "region/" is not of the form "region/zone"`},
		{Config{Agents: []Agent{{Resources: "cpus:x"}}}, `mesostest: Config.Agents[0]: resources "cpus:x"`},
		{Config{Agents: []Agent{{Attributes: "rack"}}}, `mesostest: Config.Agents[0]: attributes "rack": "rack" has no value`},
	} {
		_, err := New(test.config)
		require.ErrorContains(t, err, test.want)
	}
}
