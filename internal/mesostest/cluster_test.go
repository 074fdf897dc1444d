package mesostest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// cluster is a master on a virtual network in a bubble, with a client.
type cluster struct {
	t      *testing.T
	start  time.Time
	master *Master
	client *http.Client

	address string // of the master that calls go to
}

const masterAddress = "master.example:5050"

// inBubble runs a test on virtual time against a running master. It fails when
// Run leaves goroutines behind.
func inBubble(t *testing.T, config Config, f func(c *cluster)) {
	t.Helper()
	inBubbleOf(t, config, []string{masterAddress}, f)
}

// inBubbleOf runs several masters; calls go to the first.
func inBubbleOf(t *testing.T, config Config, addresses []string, f func(c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var network virtualnet.Network
		var listeners []net.Listener
		for _, address := range addresses {
			l, err := network.Listen(address)
			require.NoError(t, err)
			listeners = append(listeners, l)
		}
		m, err := New(config)
		require.NoError(t, err)
		transport := &http.Transport{DialContext: network.DialContext}
		c := &cluster{t: t, start: time.Now(), master: m, client: &http.Client{Transport: transport}, address: addresses[0]}
		c.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx, listeners[0], listeners[1:]...) }()
		synctest.Wait()
		f(c)
		cancel()
		require.NoError(t, <-done)
		transport.CloseIdleConnections()
	})
}

// at sleeps until so long after the start of the test.
func (c *cluster) at(d time.Duration) {
	c.t.Helper()
	time.Sleep(time.Until(c.start.Add(d)))
	synctest.Wait()
}

// post sends a call and returns the response.
func (c *cluster) post(call *scheduler.Call, streamID string) *http.Response {
	c.t.Helper()
	response, err := c.tryPost(call, streamID)
	require.NoError(c.t, err)
	return response
}

func (c *cluster) tryPost(call *scheduler.Call, streamID string) (*http.Response, error) {
	body, err := proto.Marshal(call)
	require.NoError(c.t, err)
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, "http://"+c.address+"/api/v1/scheduler", bytes.NewReader(body))
	require.NoError(c.t, err)
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("Accept", "application/x-protobuf")
	if streamID != "" {
		request.Header.Set("Mesos-Stream-Id", streamID)
	}
	return c.client.Do(request)
}

// stream is a subscription of the test.
type stream struct {
	c      *cluster
	id     string // Mesos-Stream-Id
	body   io.ReadCloser
	reader *bufio.Reader
	fid    *mesos.FrameworkID

	mu   sync.Mutex // the events come on a goroutine of their own
	list []received
}

// received is an event and when it came, or the end of the stream.
type received struct {
	at    time.Duration
	event *scheduler.Event // nil: the end
	err   error            // of the end
}

// framework is a FrameworkInfo of the newer kind.
func frameworkInfo(roles ...string) *mesos.FrameworkInfo {
	if len(roles) == 0 {
		roles = []string{"test"}
	}
	info := &mesos.FrameworkInfo{User: "root", Name: "fw", Roles: roles}
	for _, c := range []mesos.FrameworkInfo_Capability_Type{
		mesos.FrameworkInfo_Capability_MULTI_ROLE,
		mesos.FrameworkInfo_Capability_RESERVATION_REFINEMENT,
		mesos.FrameworkInfo_Capability_PARTITION_AWARE,
	} {
		info.Capabilities = append(info.Capabilities, mesos.FrameworkInfo_Capability{Type: c})
	}
	return info
}

// subscribe opens a stream. Its events are collected as they come, in the background.
func (c *cluster) subscribe(info *mesos.FrameworkInfo, suppressed ...string) *stream {
	c.t.Helper()
	response := c.post(&scheduler.Call{
		Type:        scheduler.Call_SUBSCRIBE,
		FrameworkID: info.ID,
		Subscribe:   &scheduler.Call_Subscribe{FrameworkInfo: info, SuppressedRoles: suppressed},
	}, "")
	require.Equal(c.t, http.StatusOK, response.StatusCode)
	s := &stream{c: c, id: response.Header.Get("Mesos-Stream-Id"), body: response.Body, reader: bufio.NewReader(response.Body)}
	go s.collect()
	synctest.Wait()
	for _, r := range s.received() {
		if r.event.GetType() == scheduler.Event_SUBSCRIBED {
			s.fid = r.event.Subscribed.FrameworkID
		}
	}
	return s
}

func (s *stream) collect() {
	for {
		event, err := s.read()
		s.mu.Lock()
		s.list = append(s.list, received{time.Since(s.c.start), event, err})
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// received returns what came so far.
func (s *stream) received() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

func (s *stream) read() (*scheduler.Event, error) {
	line, err := s.reader.ReadString('\n')
	if err != nil {
		return nil, err
	}
	length, err := strconv.Atoi(strings.TrimSuffix(line, "\n"))
	if err != nil {
		return nil, err
	}
	record := make([]byte, length)
	if _, err := io.ReadFull(s.reader, record); err != nil {
		return nil, err
	}
	event := new(scheduler.Event)
	return event, event.Unmarshal(record)
}

// close leaves as a scheduler that dies does.
func (s *stream) close() {
	_ = s.body.Close()
	synctest.Wait()
}

// call sends a call of the framework and requires the status.
func (s *stream) call(status int, call *scheduler.Call) string {
	s.c.t.Helper()
	call.FrameworkID = s.fid
	response := s.c.post(call, s.id)
	body, err := io.ReadAll(response.Body)
	require.NoError(s.c.t, err)
	require.NoError(s.c.t, response.Body.Close())
	require.Equal(s.c.t, status, response.StatusCode, string(body))
	synctest.Wait()
	return string(body)
}

func (s *stream) ack(status *mesos.TaskStatus) {
	s.c.t.Helper()
	s.call(202, &scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE, Acknowledge: &scheduler.Call_Acknowledge{
		AgentID: *status.AgentID, TaskID: status.TaskID, UUID: status.UUID,
	}})
}

// accept launches tasks on the offer; refuse is that of the filters, negative for none.
func (s *stream) accept(o mesos.Offer, refuse float64, tasks ...mesos.TaskInfo) {
	s.c.t.Helper()
	accept := &scheduler.Call_Accept{
		OfferIDs: []mesos.OfferID{o.ID},
		Operations: []mesos.Offer_Operation{{
			Type: mesos.Offer_Operation_LAUNCH, Launch: &mesos.Offer_Operation_Launch{TaskInfos: tasks},
		}},
	}
	if refuse >= 0 {
		accept.Filters = &mesos.Filters{RefuseSeconds: &refuse}
	}
	s.call(202, &scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: accept})
}

func (s *stream) decline(o mesos.Offer, filters *mesos.Filters) {
	s.c.t.Helper()
	s.call(202, &scheduler.Call{Type: scheduler.Call_DECLINE, Decline: &scheduler.Call_Decline{OfferIDs: []mesos.OfferID{o.ID}, Filters: filters}})
}

func (s *stream) kill(id string) {
	s.c.t.Helper()
	s.call(202, &scheduler.Call{Type: scheduler.Call_KILL, Kill: &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: id}}})
}

// offers returns all offers received so far.
func (s *stream) offers() []mesos.Offer {
	var list []mesos.Offer
	for _, r := range s.received() {
		list = append(list, r.event.GetOffers().GetOffers()...)
	}
	return list
}

// lastStatus returns the status of the latest update.
func (s *stream) lastStatus() *mesos.TaskStatus {
	s.c.t.Helper()
	all := s.received()
	for i := len(all) - 1; i >= 0; i-- {
		if u := all[i].event.GetUpdate(); u != nil {
			return &u.Status
		}
	}
	require.Fail(s.c.t, "no update")
	return nil
}

// log returns what was received, one line an event: the time in seconds, the
// type and what matters of it.
func (s *stream) log() []string {
	var lines []string
	for _, r := range s.received() {
		line := fmt.Sprintf("%g ", r.at.Seconds())
		switch e := r.event; {
		case e == nil:
			line += "end: " + r.err.Error()
		case e.Offers != nil:
			line += "OFFERS"
			for _, o := range e.Offers.Offers {
				line += " " + o.Hostname + "=" + resources.New(o.Resources).Unallocated().String()
			}
		case e.Update != nil:
			u := e.Update.Status
			line += u.TaskID.Value + " " + u.GetState().String()
			if u.Healthy != nil {
				line += fmt.Sprint(" healthy=", *u.Healthy)
			}
			if u.Message != nil {
				line += ": " + *u.Message
			}
		case e.Error != nil:
			line += "ERROR " + e.Error.Message
		default:
			line += e.Type.String()
		}
		lines = append(lines, line)
	}
	return lines
}

// since drops the lines before the instant.
func (s *stream) since(d time.Duration) []string {
	lines := s.log()
	for i, r := range s.received() {
		if r.at >= d {
			return lines[i:]
		}
	}
	return nil
}

// updatesOnly keeps the lines of updates, which alone have the name of a task.
func updatesOnly(lines []string) []string {
	return slices.DeleteFunc(lines, func(line string) bool { return !strings.Contains(line, " TASK_") })
}

func notOffers(lines []string) []string {
	return slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, " OFFERS") })
}

// taskInfo returns a command task of 0.1 cpus and 32 MB on the agent of the offer.
func taskInfo(o mesos.Offer, id, command string) mesos.TaskInfo {
	t := mesos.TaskInfo{
		Name: id, TaskID: mesos.TaskID{Value: id}, AgentID: o.AgentID,
		Command: &mesos.CommandInfo{Value: &command},
	}
	rs, err := resources.Parse("cpus:0.1;mem:32")
	if err == nil {
		t.Resources = rs.Proto()
	}
	return t
}

func oneAgent() []Agent {
	return []Agent{{Resources: "cpus:4;mem:4096;disk:10000;ports:[31000-31999]"}}
}
