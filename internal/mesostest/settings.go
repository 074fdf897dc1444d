package mesostest

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/maintenance"
	"github.com/mesos/mesos-go/api/v1/lib/master"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// This file is the older way to see and change what operators set, and what every master tells of itself.

// setting is an endpoint: what GET shows, and what the other method does with the JSON that it is sent; nil for none.
type setting struct {
	show   func() any
	method string
	change func(body any) error
}

func (m *Master) setting(path string) setting {
	switch path {
	case "/quota": // to change it is for UPDATE_QUOTA
		return setting{show: func() any { return raw(ptr(m.quotaStatus())) }}
	case "/weights":
		show := func() any { return viewAll(m.weightMessages(), func(i mesos.WeightInfo) any { return raw(&i) }) }
		return setting{show, http.MethodPut, func(body any) error {
			return ofList(body, m.updateWeights)
		}}
	case "/maintenance/schedule":
		return setting{func() any { return raw(&m.schedule) }, http.MethodPost, func(body any) error {
			var schedule maintenance.Schedule
			if err := wirejson.Decode(body, &schedule); err != nil {
				return refused(http.StatusBadRequest, err.Error())
			}
			return m.updateSchedule(schedule)
		}}
	case "/maintenance/status":
		return setting{show: func() any { return raw(&m.maintenanceStatus().GetMaintenanceStatus.Status) }}
	case "/machine/down":
		return setting{nil, http.MethodPost, func(body any) error { return ofList(body, m.startMaintenance) }}
	}
	return setting{nil, http.MethodPost, func(body any) error { return ofList(body, m.stopMaintenance) }}
}

// raw returns a message as a part of a larger JSON.
func raw(message proto.Message) json.RawMessage { return wirejson.Encode(message) }

// ofList reads a JSON list of messages and gives it to f.
func ofList[T any, P interface {
	*T
	proto.Message
}](body any, f func([]T) error) error {
	items, ok := body.([]any)
	if !ok {
		return refused(http.StatusBadRequest, "Expecting a JSON array")
	}
	list := make([]T, len(items))
	for i, item := range items {
		if err := wirejson.Decode(item, P(&list[i])); err != nil {
			return refused(http.StatusBadRequest, err.Error())
		}
	}
	return f(list)
}

func (m *Master) serveSetting(w http.ResponseWriter, r *http.Request, s setting) {
	var methods []string
	if s.show != nil {
		methods = append(methods, http.MethodGet)
	}
	if s.change != nil {
		methods = append(methods, s.method)
	}
	switch {
	case !slices.Contains(methods, r.Method):
		w.Header().Set("Allow", strings.Join(methods, ", "))
		answer(w, http.StatusMethodNotAllowed, "405 Method Not Allowed. Expecting one of { '"+strings.Join(methods, "', '")+
			"' }, but received '"+r.Method+"'.")
	case r.Method == http.MethodGet:
		m.serveState(w, r, s.show)
	default:
		body, err := readLimited(r.Body, r.ContentLength)
		var v any
		if err == nil {
			v, err = wirejson.Parse(body)
		}
		if err != nil {
			answer(w, http.StatusBadRequest, err.Error())
			return
		}
		m.serveOperation(w, r, codecJSON, func() (*master.Response, error) { return nil, s.change(v) })
	}
}

// serveMetrics answers for every master, also one that does not lead.
func (m *Master) serveMetrics(w http.ResponseWriter, r *http.Request) {
	if p, ok := r.Context().Value(incarnationKey{}).(*incarnation); ok && !p.belief.Load().leads {
		answerJSON(w, r, p.uptime(0))
		return
	}
	m.serveState(w, r, func() any { return m.metrics() })
}

// serveRoot is instead of the web UI, of which the fake has nothing.
func serveRoot(w http.ResponseWriter) {
	const page = "<!DOCTYPE html><title>Mesos</title><p>A fake Mesos master.\n"
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	_, _ = io.WriteString(w, page)
}
