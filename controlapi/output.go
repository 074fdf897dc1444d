package controlapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// answered is returned by handlers that have written the answer themselves.
type answered struct{}

// logs handles GET /v1/tasks/{id}/logs: one scheduler.LogChunk for each line, or for each event "log" if the client accepts
// events. What goes wrong after the first one is a LogFailure: in the last line, or the event "error". A call that has been
// answered in part, by another leader, goes on where that one ended.
func (c *call) logs() (any, error) {
	options, err := c.logOptions()
	if err != nil {
		return nil, err
	}
	if c.out == nil {
		c.out = c.output()
	}
	if c.out.done(&options) {
		return answered{}, nil
	}
	if c.r.Method == http.MethodHead { // the client has the head at once, and reads nothing
		c.out.begin()
		return answered{}, nil
	}
	for chunk, err := range c.config.Framework.Logs(c.ctx, c.id, options) {
		if err != nil {
			return nil, err
		}
		if err := c.out.chunk(chunk, chunk); err != nil {
			return answered{}, nil // the client has gone
		}
	}
	c.out.begin()
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
	next   int64 // offset of what follows
	sent   int64 // bytes
}

// done changes the options so that what was written is not written again, and reports whether that was all.
func (o *outputWriter) done(options *scheduler.LogOptions) bool {
	if !o.begun {
		return false
	}
	options.Offset = o.next
	if options.Limit > 0 {
		options.Limit -= o.sent
		return options.Limit <= 0
	}
	return false
}

// chunk writes a chunk. Part is the chunk itself, or its JSON as the leader sent it.
func (o *outputWriter) chunk(of scheduler.LogChunk, part any) error {
	o.next = of.Offset + int64(len(of.Data))
	o.sent += int64(len(of.Data))
	return o.write("log", part)
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
	giveTime(o.w)
	if _, err := o.w.Write(line); err != nil {
		return err
	}
	control := http.NewResponseController(o.w)
	err = control.Flush()
	_ = control.SetWriteDeadline(time.Time{}) // the next part may take its time: HTTP/2 ends an answer at its deadline
	return err
}
