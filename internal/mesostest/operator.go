package mesostest

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/maintenance"
	"github.com/mesos/mesos-go/api/v1/lib/master"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/validate"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// This file is the operator API, as far as schedulers can see what it does. What calls do is in
// drain.go, gone.go, maintenance.go and quota.go.

// refused returns the error of an operator's call.
func refused(status int, message string) error {
	return &OperatorError{Status: status, Message: message}
}

// serveOperator answers calls of the operator API.
func (m *Master) serveOperator(w http.ResponseWriter, r *http.Request) {
	if !postOnly(w, r) {
		return
	}
	language, body, ok := readBody(w, r)
	if !ok {
		return
	}
	call, err := language.decodeOperator(body)
	if err != nil {
		answer(w, http.StatusBadRequest, err.Error())
		return
	}
	if language = accepted(r.Header["Accept"]); language == "" {
		answer(w, http.StatusNotAcceptable, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")
		return
	}
	m.serveOperation(w, r, language, func() (*master.Response, error) { return m.operate(call) })
}

// serveTeardown is how an operator ends a framework: POST with frameworkId=ID.
func (m *Master) serveTeardown(w http.ResponseWriter, r *http.Request) {
	if !postOnly(w, r) {
		return
	}
	body, err := readLimited(r.Body, r.ContentLength)
	form, parseErr := url.ParseQuery(string(body))
	if err != nil || parseErr != nil || !form.Has("frameworkId") {
		answer(w, http.StatusBadRequest, "Missing 'frameworkId' query parameter in the request body")
		return
	}
	m.serveOperation(w, r, codecJSON, func() (*master.Response, error) { return nil, m.teardown(form.Get("frameworkId")) })
}

// serveOperation runs f on the loop and answers with what it returns.
func (m *Master) serveOperation(w http.ResponseWriter, r *http.Request, language codec, f func() (*master.Response, error)) {
	var response *master.Response
	var err error
	if m.do(r.Context(), func() { response, err = f() }) != nil {
		cutter(r)()
		return
	}
	var refusal *OperatorError
	switch {
	case errors.As(err, &refusal):
		answer(w, refusal.Status, refusal.Message)
	case response == nil:
		answer(w, http.StatusOK, "")
	default:
		m.answerMessage(w, r, language, response, operatorLists(response.Type)...)
	}
}

// decodeOperator reads an operator's call. The error is what the master answers with status 400.
func (c codec) decodeOperator(body []byte) (*master.Call, error) {
	call := &master.Call{}
	known := false
	if c == codecProtobuf {
		if !unmarshal(body, call) {
			return nil, errors.New("Failed to parse body into Call protobuf")
		}
		_, known = master.Call_Type_name[int32(call.Type)]
		known = known && (call.Type != master.Call_UNKNOWN || hasVarint(body, 1))
	} else {
		name, err := readJSON(body, call)
		if err != nil {
			return nil, err
		}
		_, known = master.Call_Type_value[name]
	}
	name := "type"
	if known {
		name = missingPayload(call)
	}
	if name != "" {
		return nil, errors.New("Failed to validate master::Call: " + validate.Absent(name))
	}
	return call, nil
}

// missingPayload names the part that the type of the call asks for when it is not there. It is named
// like the type; types without such a part need none.
func missingPayload(call *master.Call) string {
	name := strings.ToLower(call.Type.String())
	if wirejson.Lacks(call, name) {
		return name
	}
	return ""
}

// operate performs a call that changes something, or asks. The response is nil when it has no body. On the loop.
func (m *Master) operate(c *master.Call) (*master.Response, error) {
	switch c.Type {
	case master.Call_UPDATE_MAINTENANCE_SCHEDULE:
		return nil, m.updateSchedule(c.UpdateMaintenanceSchedule.Schedule)
	case master.Call_START_MAINTENANCE:
		return nil, m.startMaintenance(c.StartMaintenance.Machines)
	case master.Call_STOP_MAINTENANCE:
		return nil, m.stopMaintenance(c.StopMaintenance.Machines)
	case master.Call_DRAIN_AGENT:
		config := mesos.DrainConfig{MarkGone: ptr(c.DrainAgent.GetMarkGone())}
		if d := c.DrainAgent.MaxGracePeriod; d != nil {
			config.MaxGracePeriod = &mesos.DurationInfo{Nanoseconds: d.Seconds*int64(time.Second) + int64(d.Nanos)}
		}
		return nil, m.drainAgent(c.DrainAgent.AgentID.Value, config)
	case master.Call_DEACTIVATE_AGENT:
		return nil, m.deactivateAgent(c.DeactivateAgent.AgentID.Value)
	case master.Call_REACTIVATE_AGENT:
		return nil, m.reactivateAgent(c.ReactivateAgent.AgentID.Value)
	case master.Call_MARK_AGENT_GONE:
		return nil, m.markAgentGone(c.MarkAgentGone.AgentID.Value)
	case master.Call_UPDATE_QUOTA:
		return nil, m.updateQuota(c.UpdateQuota)
	case master.Call_UPDATE_WEIGHTS:
		return nil, m.updateWeights(c.UpdateWeights.WeightInfos)
	case master.Call_TEARDOWN:
		return nil, m.teardown(c.Teardown.FrameworkID.Value)
	}
	if response := m.inform(c.Type); response != nil {
		return response, nil
	}
	return nil, refused(http.StatusNotImplemented, "501 Not Implemented.")
}

// asOperator runs f on the loop if there is a leader to do it.
func (m *Master) asOperator(f func() error) error {
	err := refused(http.StatusServiceUnavailable, "No leader elected")
	m.must(func() {
		if m.ready {
			err = f()
		}
	})
	return err
}

// operateAgent runs f on the loop with the ID of the latest agent with the hostname.
func (m *Master) operateAgent(hostname string, f func(id string) error) error {
	return m.asOperator(func() error {
		for _, a := range slices.Backward(m.everRegistered) {
			if a.config.Hostname == hostname && m.agentByID[a.id] == a {
				return f(a.id)
			}
		}
		return refused(http.StatusNotFound, "Agent '"+hostname+"' not found")
	})
}

// Teardown removes the framework with the ID, as its own TEARDOWN does. The error is a
// *OperatorError, 400 when there is no such framework.
func (m *Master) Teardown(frameworkID string) error {
	return m.asOperator(func() error { return m.teardown(frameworkID) })
}

func (m *Master) teardown(id string) error {
	f := m.frameworks[id]
	if f == nil {
		return refused(http.StatusBadRequest, "No framework found with specified ID")
	}
	m.removeFramework(f)
	return nil
}

// forgetOperator ends a leader: nobody was asked about maintenance. What the operator did is in
// the registry, and lost only with one in memory.
func (m *Master) forgetOperator(entirely bool) {
	for _, i := range m.inverseOffers {
		i.timeout.stop()
	}
	m.inverseOffers = nil
	for _, a := range m.everRegistered {
		a.newToAllocator()
		a.drainStart = time.Time{}
		if entirely {
			a.deactivated, a.drain = false, nil
		}
	}
	if entirely {
		m.machines, m.schedule = nil, maintenance.Schedule{}
		clear(m.gone)
		clear(m.quotas)
		clear(m.weights)
	}
}
