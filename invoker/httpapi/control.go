package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/invoker"
)

const (
	// noticeWait is how long a request for notices waits for one.
	noticeWait = 20 * time.Second
	// acquireWait is how long a request for a container waits for one. A request that is repeated has lost its place among those who wait.
	acquireWait = 9 * time.Minute
)

// NewControl returns an [invoker.Control] that asks the members with a client: whichever leads answers. It does not close the client.
//
// While no member answers, or none leads, a call goes on until its context ends or for as long as [controlapi.ClientConfig].Patience
// says, and then returns an error that wraps [invoker.ErrNotLeading] or that of the connection.
func NewControl(client *controlapi.Client) invoker.Control { return control{client} }

type control struct{ client *controlapi.Client }

var _ invoker.Control = control{}

func (c control) call(ctx context.Context, r controlapi.RouteCall) error {
	return fromError(c.client.CallRoute(ctx, r))
}

// sessionPath returns the path of a session, or of something below it.
func sessionPath(session, below string) string {
	return prefix + "sessions/" + url.PathEscape(session) + below
}

// checkSession returns an error for the names of sessions that cannot be in a path.
func checkSession(session string) error {
	if session == "" || session == "." || session == ".." {
		return &invoker.ConfigError{Field: "Session", Value: session, Reason: `must be 16 to 64 letters, digits and "-"`}
	}
	return nil
}

func (c control) Renew(ctx context.Context, r invoker.Renewal) (invoker.Renewed, error) {
	if err := checkSession(r.Session); err != nil {
		return invoker.Renewed{}, err
	}
	var answer renewed
	err := c.call(ctx, controlapi.RouteCall{Method: http.MethodPut, Path: sessionPath(r.Session, ""), Body: renewalOf(r), Answer: &answer})
	if err != nil {
		return invoker.Renewed{}, err
	}
	return invoker.Renewed{Epoch: answer.Epoch, TTL: duration(answer.TTL)}, nil
}

func (c control) Acquire(ctx context.Context, d invoker.Demand) (invoker.Grant, error) {
	if err := checkSession(d.Session); err != nil {
		return invoker.Grant{}, err
	}
	var answer grant
	err := c.call(ctx, controlapi.RouteCall{
		Method: http.MethodPost, Path: sessionPath(d.Session, "/acquire"), Body: demandOf(d), Answer: &answer, Wait: acquireWait,
	})
	if err != nil {
		return invoker.Grant{}, err
	}
	return answer.of(), nil
}

func (c control) Report(ctx context.Context, r invoker.Report) error {
	if err := checkSession(r.Session); err != nil {
		return err
	}
	return c.call(ctx, controlapi.RouteCall{Method: http.MethodPost, Path: sessionPath(r.Session, "/report"), Body: reportOf(r)})
}

func (c control) Notices(ctx context.Context, session string, after uint64) ([]invoker.Notice, error) {
	if err := checkSession(session); err != nil {
		return nil, err
	}
	for {
		var answer noticeList
		err := c.call(ctx, controlapi.RouteCall{
			Method: http.MethodGet, Path: sessionPath(session, "/notices"), Query: url.Values{"after": {strconv.FormatUint(after, 10)}},
			Answer: &answer, Wait: noticeWait,
		})
		if err != nil {
			return nil, err
		}
		if len(answer.Notices) > 0 {
			return answer.of(), nil
		}
	}
}

func (c control) End(ctx context.Context, session string) error {
	if err := checkSession(session); err != nil {
		return err
	}
	return c.call(ctx, controlapi.RouteCall{Method: http.MethodDelete, Path: sessionPath(session, "")})
}
