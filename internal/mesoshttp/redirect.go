package mesoshttp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// maxRedirects is how many redirects are followed in a row. One leads from any master to the leader; while a
// leader is being elected, masters may still name the one before.
const maxRedirects = 5

// follow sends call to master, and from there to the master that it names as the leader, until one does not
// redirect. It returns the answer of that one and its base URL.
func (c *Client) follow(ctx context.Context, master string, call *scheduler.Call, constraints OfferConstraints) (*http.Response, string, error) {
	hops := []string{master}
	for {
		resp, err := c.subscribe(ctx, master, call, constraints)
		var status *StatusError
		if !errors.Is(err, ErrRedirect) || !errors.As(err, &status) {
			return resp, master, err
		}
		if err := refuseHop(hops, status.Master); err != nil {
			return nil, "", &RedirectError{Hops: hops, Location: status.Location, Err: err}
		}
		master = status.Master
		hops = append(hops, master)
	}
}

// refuseHop tells why next must not be visited after hops. Nil: it may.
func refuseHop(hops []string, next string) error {
	scheme, _, _ := strings.Cut(hops[0], ":")
	switch {
	case next == "":
		return ErrRedirectTarget
	case !strings.HasPrefix(next, strings.ToLower(scheme)+":"):
		return ErrRedirectScheme
	case slices.Contains(hops, next):
		return ErrRedirectLoop
	case len(hops) > maxRedirects:
		return ErrRedirectLimit
	}
	return nil
}

// leader is the base URL of the master that location, a header of an answer from the URL from, names as the
// leader. It is empty if location cannot be that of a master, such as a login page.
//
// A real master writes //host:port/master/api/v1/scheduler, without the scheme. The documentation of Mesos has
// just host:port, for which url.Parse would see a scheme.
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
	// What a proxy has put before it stays.
	prefix = strings.TrimRight(strings.TrimSuffix(prefix, "/master"), "/")
	return (&url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: prefix}).String()
}
