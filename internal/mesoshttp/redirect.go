package mesoshttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// maxRedirects is how many redirects are followed in a row. One leads from any master to the leader, but while a
// leader is being elected, masters may still name the old one.
const maxRedirects = 5

// follow sends call to master, and on to the master that each redirect names as the leader. It returns the first
// answer that is not a redirect, and the base URL of its master. It calls another before it asks another master.
func (c *Client) follow(ctx context.Context, master string, call *scheduler.Call, constraints OfferConstraints, another func()) (*http.Response, string, error) {
	hops := []string{master}
	for {
		resp, err := c.subscribe(ctx, master, call, constraints)
		var status *StatusError
		if !errors.Is(err, ErrRedirect) || !errors.As(err, &status) {
			return resp, master, err
		}
		if err := c.refuseHop(hops, status.Leader); err != nil {
			return nil, "", &RedirectError{Hops: hops, Location: status.Location, Err: err}
		}
		master = status.Leader
		hops = append(hops, master)
		another()
	}
}

// refuseHop returns why a redirect to next must not be followed after hops, or nil.
func (c *Client) refuseHop(hops []string, next string) error {
	scheme, _, _ := strings.Cut(hops[0], ":")
	u, err := url.Parse(next)
	switch {
	case next == "" || err != nil:
		return ErrRedirectTarget
	case !strings.HasPrefix(next, strings.ToLower(scheme)+":"):
		return ErrRedirectScheme
	case !c.hosts.has(u):
		return fmt.Errorf("%w: %w", ErrRedirectUntrusted, &UntrustedError{Host: u.Hostname()})
	case slices.Contains(hops, next):
		return ErrRedirectLoop
	case len(hops) > maxRedirects:
		return ErrRedirectLimit
	}
	return nil
}

// leader returns the base URL of the master that location, the header of an answer from the URL from, names as the
// leader. It returns "" if location cannot be a master, such as a login page.
//
// A real master writes //host:port/master/api/v1/scheduler, without the scheme. The documentation of Mesos has
// just host:port, of which url.Parse would take the host for a scheme.
func leader(from *url.URL, location string) string {
	if first, _, _ := strings.Cut(location, "/"); strings.Contains(first, ":") && !strings.HasSuffix(first, ":") {
		location = "//" + location
	}
	u, err := from.Parse(location)
	if err != nil || location == "" || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	prefix := strings.TrimRight(u.Path, "/")
	if prefix != "" {
		endpoint := false
		if prefix, endpoint = strings.CutSuffix(prefix, path); !endpoint {
			return ""
		}
	}
	// A path prefix that a proxy has added stays.
	prefix = strings.TrimRight(strings.TrimSuffix(prefix, "/master"), "/")
	return (&url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: prefix}).String()
}
