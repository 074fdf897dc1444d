package mesostest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// BenchmarkTasks is how fast the fake takes tasks from ACCEPT to the acknowledged
// TASK_RUNNING over loopback, with a client that does as little as it can.
func BenchmarkTasks(b *testing.B) {
	agents := make([]Agent, 10)
	for i := range agents {
		agents[i].Resources = "cpus:1000000;mem:100000000;disk:10000;ports:[31000-32000]"
	}
	m, err := New(Config{Agents: agents, Launch: -1, Reap: -1, AllocationInterval: 10 * time.Millisecond})
	require.NoError(b, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx, l) }()
	defer func() { cancel(); require.NoError(b, <-done) }()

	c := benchClient{b: b, address: "http://" + l.Addr().String() + "/api/v1/scheduler"}
	stream := c.subscribe()
	offers := c.read(stream, scheduler.Event_OFFERS).Offers.Offers
	b.ResetTimer()
	const batch = 100
	for launched := 0; launched < b.N; launched += batch {
		o := offers[0]
		offers = offers[1:]
		c.launch(o, launched, batch)
		for running := 0; running < batch; {
			switch e := c.next(stream); e.Type {
			case scheduler.Event_OFFERS:
				offers = append(offers, e.Offers.Offers...)
			case scheduler.Event_UPDATE:
				s := &e.Update.Status
				if s.GetState() == mesos.TASK_RUNNING {
					running++
				}
				c.call(&scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE, Acknowledge: &scheduler.Call_Acknowledge{
					AgentID: *s.AgentID, TaskID: s.TaskID, UUID: s.UUID,
				}})
			}
		}
		for len(offers) == 0 {
			offers = c.read(stream, scheduler.Event_OFFERS).Offers.Offers
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}

type benchClient struct {
	b        *testing.B
	address  string
	streamID string
	fid      *mesos.FrameworkID
}

func (c *benchClient) post(call *scheduler.Call) *http.Response {
	call.FrameworkID = c.fid
	body, err := call.Marshal()
	require.NoError(c.b, err)
	request, err := http.NewRequestWithContext(c.b.Context(), http.MethodPost, c.address, bytes.NewReader(body))
	require.NoError(c.b, err)
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("Accept", "application/x-protobuf")
	if c.streamID != "" {
		request.Header.Set("Mesos-Stream-Id", c.streamID)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(c.b, err)
	return response
}

func (c *benchClient) call(call *scheduler.Call) {
	response := c.post(call)
	_, err := io.Copy(io.Discard, response.Body)
	require.NoError(c.b, err)
	require.NoError(c.b, response.Body.Close())
	require.Equal(c.b, http.StatusAccepted, response.StatusCode)
}

func (c *benchClient) subscribe() *bufio.Reader {
	response := c.post(&scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: frameworkInfo()}})
	c.streamID = response.Header.Get("Mesos-Stream-Id")
	stream := bufio.NewReader(response.Body)
	c.fid = c.read(stream, scheduler.Event_SUBSCRIBED).Subscribed.FrameworkID
	return stream
}

func (c *benchClient) next(stream *bufio.Reader) *scheduler.Event {
	line, err := stream.ReadString('\n')
	require.NoError(c.b, err)
	length, err := strconv.Atoi(strings.TrimSuffix(line, "\n"))
	require.NoError(c.b, err)
	record := make([]byte, length)
	_, err = io.ReadFull(stream, record)
	require.NoError(c.b, err)
	e := new(scheduler.Event)
	require.NoError(c.b, e.Unmarshal(record))
	return e
}

func (c *benchClient) read(stream *bufio.Reader, want scheduler.Event_Type) *scheduler.Event {
	for {
		if e := c.next(stream); e.Type == want {
			return e
		}
	}
}

func (c *benchClient) launch(o mesos.Offer, first, count int) {
	tasks := make([]mesos.TaskInfo, count)
	for i := range tasks {
		tasks[i] = taskInfo(o, fmt.Sprint("t", first+i), "sleep 3600")
	}
	none := 0.0
	c.call(&scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs: []mesos.OfferID{o.ID}, Filters: &mesos.Filters{RefuseSeconds: &none},
		Operations: []mesos.Offer_Operation{{Type: mesos.Offer_Operation_LAUNCH, Launch: &mesos.Offer_Operation_Launch{TaskInfos: tasks}}},
	}})
}
