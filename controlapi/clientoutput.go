package controlapi

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// errEnough is returned when a caller wants no more.
var errEnough = errors.New("controlapi: no more is wanted")

// Logs is [scheduler.Scheduler.Logs]. While the leader changes it goes on with the next one.
func (c *Client) Logs(ctx context.Context, id string, o scheduler.LogOptions) iter.Seq2[scheduler.LogChunk, error] {
	return func(yield func(scheduler.LogChunk, error) bool) {
		out := &clientOutput{options: o, yield: yield}
		err := c.do(ctx, request{method: http.MethodGet, path: taskPath(id) + "/logs", query: url.Values{}, output: out})
		if err != nil && !errors.Is(err, errEnough) {
			yield(scheduler.LogChunk{}, err)
		}
	}
}

// clientOutput is an output that is read.
type clientOutput struct {
	options scheduler.LogOptions // of what is still to be read
	yield   func(scheduler.LogChunk, error) bool
	more    bool // something has come since the last attempt
}

// query sets the parameters of a request for the rest.
func (o *clientOutput) query(query url.Values) {
	query.Set("offset", strconv.FormatInt(o.options.Offset, 10))
	query.Set("limit", strconv.FormatInt(o.options.Limit, 10))
	query.Set("follow", strconv.FormatBool(o.options.Follow))
	if o.options.Stream != "" {
		query.Set("stream", o.options.Stream)
	}
}

// read passes on what comes. It returns nil at the end.
func (o *clientOutput) read(body io.Reader) error {
	for r := newChunkReader(body); ; {
		chunk, _, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		o.more = true
		o.options.Offset = chunk.Offset + int64(len(chunk.Data))
		if !o.yield(chunk, nil) {
			return errEnough
		}
		if o.options.Limit > 0 {
			if o.options.Limit -= int64(len(chunk.Data)); o.options.Limit <= 0 {
				return nil
			}
		}
	}
}

// progressed reports whether something has come since it was last called.
func (o *clientOutput) progressed() (more bool) {
	more, o.more = o.more, false
	return more
}
