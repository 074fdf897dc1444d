package mesosengine_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	sched "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

// rawFramework is what cold starts are compared with: a framework that speaks to a real master, and to the runtime in its
// container, by net/http alone. It has no record, and waits for one thing at a time. As the scheduler's, its tasks outlive their agent.
type rawFramework struct {
	*testing.T
	master, stream string
	id             *mesos.FrameworkID
	events         chan *sched.Event
}

// subscribeRaw subscribes, and suppresses offers.
func subscribeRaw(t *testing.T) *rawFramework {
	f := &rawFramework{T: t, master: os.Getenv("MESOS_MASTER"), events: make(chan *sched.Event, 100)}
	checkpoint := true
	info := &mesos.FrameworkInfo{Name: "raw", User: "root", Checkpoint: &checkpoint, Roles: []string{"*"}, Capabilities: []mesos.FrameworkInfo_Capability{
		{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE},
	}}
	response := f.post(&sched.Call{Type: sched.Call_SUBSCRIBE, Subscribe: &sched.Call_Subscribe{FrameworkInfo: info, SuppressedRoles: []string{"*"}}})
	require.Equal(t, http.StatusOK, response.StatusCode)
	f.stream = response.Header.Get("Mesos-Stream-Id")
	go f.receive(response.Body)
	f.id = (<-f.events).Subscribed.FrameworkID
	t.Cleanup(func() {
		f.call(&sched.Call{Type: sched.Call_TEARDOWN})
		response.Body.Close()
	})
	return f
}

// receive hands on the events that matter here until the master ends the stream.
func (f *rawFramework) receive(body io.Reader) {
	defer close(f.events)
	for reader := recordio.NewReader(body, 0); ; {
		frame, err := reader.ReadFrame()
		if err != nil {
			return
		}
		event := new(sched.Event)
		if event.Unmarshal(frame) != nil {
			return
		}
		switch event.Type {
		case sched.Event_SUBSCRIBED, sched.Event_OFFERS, sched.Event_UPDATE:
			f.events <- event
		}
	}
}

func (f *rawFramework) post(call *sched.Call) *http.Response {
	call.FrameworkID = f.id
	body, err := call.Marshal()
	require.NoError(f, err)
	request, err := http.NewRequest(http.MethodPost, f.master+"/api/v1/scheduler", bytes.NewReader(body))
	require.NoError(f, err)
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("Accept", "application/x-protobuf")
	if f.stream != "" {
		request.Header.Set("Mesos-Stream-Id", f.stream)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(f, err)
	return response
}

func (f *rawFramework) call(call *sched.Call) {
	response := f.post(call)
	text, _ := io.ReadAll(response.Body)
	response.Body.Close()
	require.Equal(f, http.StatusAccepted, response.StatusCode, string(text))
}

// offer asks for an offer that has a port.
func (f *rawFramework) offer() *mesos.Offer {
	f.call(&sched.Call{Type: sched.Call_REVIVE})
	for event := range f.events {
		if event.Type == sched.Event_OFFERS {
			return &event.Offers.Offers[0]
		}
	}
	f.Fatal("the master ended the subscription")
	return nil
}

// update waits for the next update of a task's state and acknowledges it.
func (f *rawFramework) update() *mesos.TaskStatus {
	for event := range f.events {
		if event.Type == sched.Event_OFFERS { // they were under way
			decline := &sched.Call_Decline{}
			for _, o := range event.Offers.Offers {
				decline.OfferIDs = append(decline.OfferIDs, o.ID)
			}
			f.call(&sched.Call{Type: sched.Call_DECLINE, Decline: decline})
			continue
		}
		s := &event.Update.Status
		if len(s.UUID) > 0 {
			f.call(&sched.Call{Type: sched.Call_ACKNOWLEDGE, Acknowledge: &sched.Call_Acknowledge{AgentID: *s.AgentID, TaskID: s.TaskID, UUID: s.UUID}})
		}
		return s
	}
	f.Fatal("the master ended the subscription")
	return nil
}

// coldStart starts a runtime as an engine would, has it run an action, and kills it.
func (f *rawFramework) coldStart(id string, note func(what string, took time.Duration)) {
	began := time.Now()
	offer := f.offer()
	placed := time.Now()
	note("until it has an offer", placed.Sub(began))
	info, port := f.task(id, offer)
	f.call(&sched.Call{Type: sched.Call_ACCEPT, Accept: &sched.Call_Accept{
		OfferIDs:   []mesos.OfferID{offer.ID},
		Operations: []mesos.Offer_Operation{{Type: mesos.Offer_Operation_LAUNCH, Launch: &mesos.Offer_Operation_Launch{TaskInfos: []mesos.TaskInfo{info}}}},
	}})
	f.call(&sched.Call{Type: sched.Call_SUPPRESS})
	for f.update().GetState() != mesos.TASK_RUNNING {
	}
	running := time.Now()
	note("ACCEPT to TASK_RUNNING", running.Sub(placed))
	f.activate("http://127.0.0.1:" + port)
	note("from then on", time.Since(running))
	note("the whole", time.Since(began))
	f.call(&sched.Call{Type: sched.Call_KILL, Kill: &sched.Call_Kill{TaskID: info.TaskID, AgentID: &info.AgentID}})
	for f.update().GetState() != mesos.TASK_KILLED {
	}
}

// task returns what mesosengine makes of a container.
func (f *rawFramework) task(id string, offer *mesos.Offer) (info mesos.TaskInfo, port string) {
	command, shell := commands(f.T)["runtime"], false
	var ports mesos.Value_Range
	for _, r := range offer.Resources {
		if r.Name == "ports" {
			ports = r.Ranges.Range[0]
		}
	}
	port = fmt.Sprint(ports.Begin)
	environment := &mesos.Environment{Variables: []mesos.Environment_Variable{{Name: "PORT0", Value: &port}}}
	for name, value := range command.Env {
		environment.Variables = append(environment.Variables, mesos.Environment_Variable{Name: name, Value: &value})
	}
	number := func(name string, n float64) mesos.Resource {
		kind := mesos.SCALAR
		return mesos.Resource{Name: name, Type: &kind, Scalar: &mesos.Value_Scalar{Value: n}}
	}
	ranges := mesos.RANGES
	return mesos.TaskInfo{
		Name: id, TaskID: mesos.TaskID{Value: id}, AgentID: offer.AgentID,
		Command:    &mesos.CommandInfo{Shell: &shell, Value: &command.Argv[0], Arguments: command.Argv, Environment: environment},
		KillPolicy: &mesos.KillPolicy{GracePeriod: &mesos.DurationInfo{}},
		Resources: []mesos.Resource{number("cpus", 0.03), number("mem", 32), {
			Name: "ports", Type: &ranges, Ranges: &mesos.Value_Ranges{Range: []mesos.Value_Range{{Begin: ports.Begin, End: ports.Begin}}},
		}},
	}, port
}

// activate asks each millisecond whether the runtime answers, and runs an action then.
func (f *rawFramework) activate(url string) {
	for {
		response, err := http.Get(url)
		if err == nil {
			response.Body.Close()
			break
		}
		time.Sleep(time.Millisecond)
	}
	for _, request := range []struct{ path, body string }{
		{"/init", `{"value":{"name":"raw","main":"main","code":"echo","binary":false}}`},
		{"/run", `{"value":{}}`},
	} {
		response, err := http.Post(url+request.path, "application/json", strings.NewReader(request.body))
		require.NoError(f, err)
		_, _ = io.ReadAll(response.Body)
		response.Body.Close()
		require.Equal(f, http.StatusOK, response.StatusCode, request.path)
	}
}
