package controlapi

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// logReader is a framework that can read the output of tasks.
type logReader interface {
	Logs(ctx context.Context, id string, o scheduler.LogOptions) iter.Seq2[scheduler.LogChunk, error]
}

// answered is what a handler returns that has answered by itself.
type answered struct{}

// logs handles GET /v1/tasks/{id}/logs: one scheduler.LogChunk for each line, or for each event "log" if the client accepts
// events. What goes wrong after the first one is a LogFailure: in the last line, or the event "error".
func (c *call) logs() (any, error) {
	options, err := c.logOptions()
	if err != nil {
		return nil, err
	}
	ctx := c.ctx
	if c.r.Header.Get("Request-Timeout") == "" {
		ctx = c.r.Context() // output may be long
	}
	out, framework := c.output(), c.config.Framework.(logReader)
	for chunk, err := range framework.Logs(ctx, c.id, options) {
		switch {
		case err != nil && !out.begun:
			return nil, err
		case err != nil:
			if errors.Is(context.Cause(ctx), errStops) {
				err = errStops
			}
			_ = out.write("error", LogFailure{asError(err)})
			return answered{}, nil
		}
		if err := out.write("log", chunk); err != nil {
			return answered{}, nil // the client has gone
		}
	}
	out.begin()
	return answered{}, nil
}

// logOptions returns what the parameters ask for.
func (c *call) logOptions() (o scheduler.LogOptions, err error) {
	for name, values := range c.query {
		value := values[0]
		switch name {
		case "stream":
			o.Stream = value
		case "offset":
			o.Offset, err = strconv.ParseInt(value, 10, 64)
		case "limit":
			o.Limit, err = strconv.ParseInt(value, 10, 64)
		case "follow":
			o.Follow, err = strconv.ParseBool(value)
		default:
			return o, invalid(name, value, "is not a parameter")
		}
		if err != nil {
			return o, invalid(name, value, map[bool]string{true: "must be true or false", false: "must be a number of bytes"}[name == "follow"])
		}
	}
	return o, nil
}

// outputWriter writes the output of a task.
type outputWriter struct {
	w      http.ResponseWriter
	events bool // as server-sent events
	begun  bool
}

func (c *call) output() *outputWriter {
	return &outputWriter{w: c.w, events: strings.Contains(c.r.Header.Get("Accept"), "text/event-stream")}
}

// begin writes the head of the answer.
func (o *outputWriter) begin() {
	if o.begun {
		return
	}
	o.begun = true
	kind := "application/x-ndjson"
	if o.events {
		kind = "text/event-stream"
	}
	o.w.Header().Set("Content-Type", kind)
	o.w.Header().Set("X-Accel-Buffering", "no") // for nginx
	o.w.WriteHeader(http.StatusOK)
}

// write writes one part, and sends it.
func (o *outputWriter) write(event string, part any) error {
	o.begin()
	data, err := json.Marshal(part)
	if err != nil {
		return err
	}
	line := append(data, '\n')
	if o.events {
		line = []byte("event: " + event + "\ndata: " + string(data) + "\n\n")
	}
	control := http.NewResponseController(o.w)
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout)) // a test's writer has none
	if _, err := o.w.Write(line); err != nil {
		return err
	}
	return control.Flush()
}
