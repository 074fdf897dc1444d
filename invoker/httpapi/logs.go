package httpapi

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// logEntry is a line of an answer. The last one has only a cursor, and an error if reading has failed.
type logEntry struct {
	Time   *time.Time        `json:"time,omitempty"`
	Stream invoker.Stream    `json:"stream,omitzero"`
	Log    *string           `json:"log,omitempty"`
	Cursor string            `json:"cursor,omitzero"`
	Error  *controlapi.Error `json:"error,omitempty"`
}

// logs answers with the output of a container. A line that is longer than the buffer is sent at once, all others together.
func (a *api) logs(r *controlapi.Request) (any, error) {
	o, err := outputOptions(r)
	if err != nil {
		return nil, err
	}
	info, err := a.factory.Container(r.Context(), r.Query.Get("session"), r.ID)
	if err != nil {
		return nil, err
	}
	var out *bufio.Writer // nil until the answer has begun
	write := func(e logEntry) error {
		if out == nil {
			out = bufio.NewWriterSize(r.Stream("application/x-ndjson"), 32<<10)
		}
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		_, err = out.Write(append(line, '\n'))
		return err
	}
	next, err := a.invoker.Output(r.Context(), info.Instance, o, func(l invoker.LogLine) error {
		return write(logEntry{Time: &l.Time, Stream: l.Stream, Log: &l.Log})
	})
	if err != nil && out == nil {
		return nil, err
	}
	last := logEntry{Cursor: fmt.Sprintf("%d-%d", next.Stdout, next.Stderr)}
	if err != nil && !errors.As(asError(err), &last.Error) {
		last.Error = &controlapi.Error{Code: "internal", Message: err.Error()}
	}
	if write(last) == nil {
		_ = out.Flush() // a client that has gone is told nothing
	}
	return nil, nil
}

// outputOptions reads the query of a request.
func outputOptions(r *controlapi.Request) (o invoker.OutputOptions, err error) {
	wrong := func(name, reason string) error {
		return &task.FieldError{Field: name, Value: r.Query.Get(name), Reason: reason}
	}
	if text := r.Query.Get("limit"); text != "" {
		if o.Limit, err = strconv.ParseInt(text, 10, 64); err != nil || o.Limit < 1 {
			return o, wrong("limit", "must be a number of bytes, 1 or more")
		}
	}
	if o.WaitForSentinels, err = strconv.ParseBool(cmp.Or(r.Query.Get("wait_for_sentinel"), "false")); err != nil {
		return o, wrong("wait_for_sentinel", "must be true or false")
	}
	if cursor := r.Query.Get("cursor"); cursor != "" {
		first, second, _ := strings.Cut(cursor, "-")
		stdout, err1 := strconv.ParseUint(first, 10, 62)
		stderr, err2 := strconv.ParseUint(second, 10, 62)
		if err1 != nil || err2 != nil {
			return o, wrong("cursor", "must be the cursor of an answer")
		}
		o.From = invoker.LogCursor{Stdout: int64(stdout), Stderr: int64(stderr)}
	}
	return o, nil
}
