package controlapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"
)

// RouteCall is a call of a [Route].
type RouteCall struct {
	Method string
	Path   string // escaped
	Query  url.Values
	// Body is encoded as JSON. Nil: there is none.
	Body any
	// Answer is a pointer to what the answer is decoded into. Nil: there is none.
	Answer any
	// Wait is how long the leader may wait until it answers, at most 10 min. Default 10 s. A shorter deadline of ctx holds as well.
	Wait time.Duration
}

// CallRoute calls a [Route] as the other methods call the routes of this package: at one member after the other, until the leader
// has answered or ctx ends. So it may have its effect more than once. An answer that is an error is an [*Error].
func (c *Client) CallRoute(ctx context.Context, call RouteCall) error {
	r := request{method: call.Method, path: call.Path, query: call.Query, time: min(call.Wait, maxTimeout)}
	if call.Body != nil {
		var err error
		if r.body, err = json.Marshal(call.Body); err != nil {
			return fmt.Errorf("controlapi: %w", err)
		}
	}
	if call.Answer == nil {
		return c.do(ctx, r)
	}
	var answer json.RawMessage
	r.decode = into(&answer)
	if err := c.do(ctx, r); err != nil {
		return err
	}
	if err := json.Unmarshal(answer, call.Answer); err != nil {
		return notOurs(err)
	}
	return nil
}
