package controlapi

import (
	"context"
	"net/http"
)

// events passes the leader's events on until ctx ends, in which case or when the reader goes it returns an error. It returns
// errRunEnded when this member leads.
func (f *forwarder) events(ctx context.Context, r *http.Request, to *eventStream) error {
	return nil
}
