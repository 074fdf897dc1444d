package mesoshttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// tokenLimit is how long a request waits for a token.
const tokenLimit = 10 * time.Second

var (
	errTokenHangs = errors.New("its source has not returned within 10 s")
	errTokenExits = errors.New("its source has ended its goroutine")
)

// TokenSource has the bearer token of the Clients that share it. It keeps a token until a master refuses it with 401,
// and then fetches another one, once for all the requests that were refused. Use NewTokenSource.
type TokenSource struct {
	fetch func(context.Context) (string, error)

	mu       sync.Mutex
	value    string    // empty: none yet
	fetching *fetching // nil: no fetch is under way
}

// fetching is a fetch that is under way.
type fetching struct {
	given func() error  // the error of the context that it was given, which is that of one request
	done  chan struct{} // closed when it has returned
	value string
	err   error
}

// NewTokenSource returns a TokenSource that calls fetch for tokens, once at a time, on a goroutine of its own, with the context
// of a request that needs the token. White space around a token, such as the line end of a file, is removed.
//
// A request waits for fetch for 10 s at most. If fetch does not return by then, although its context has ended, it is left
// behind: it is not called again until it has returned, and its token is used then. It must not panic.
func NewTokenSource(fetch func(context.Context) (string, error)) *TokenSource {
	return &TokenSource{fetch: fetch}
}

// String keeps the token out of logs.
func (s *TokenSource) String() string { return "TokenSource" }

// GoString keeps the token out of logs.
func (s *TokenSource) GoString() string { return s.String() }

// token returns the token to use. Refused is the token that a master has refused, or ""; if it is still the current
// one, a new one is fetched.
func (s *TokenSource) token(ctx context.Context, refused string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, tokenLimit, errTokenHangs)
	defer cancel()
	for {
		value, f := s.current(ctx, refused)
		if f == nil {
			return value, nil
		}
		select {
		case <-f.done:
			if f.err == nil {
				return f.value, nil
			}
			if f.given() == nil || ctx.Err() != nil {
				return "", &TokenError{Err: f.err}
			}
			// It was fetched for another request, which has ended.
		case <-ctx.Done():
			return "", &TokenError{Err: context.Cause(ctx)}
		}
	}
}

// current returns the token, or the fetch that is to be waited for.
func (s *TokenSource) current(ctx context.Context, refused string) (string, *fetching) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.value != "" && s.value != refused {
		return s.value, nil
	}
	if s.fetching == nil {
		s.fetching = &fetching{given: ctx.Err, done: make(chan struct{}), err: errTokenExits}
		go s.run(ctx, s.fetching)
	}
	return "", s.fetching
}

func (s *TokenSource) run(ctx context.Context, f *fetching) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if f.err == nil {
			s.value = f.value
		}
		s.fetching = nil
		close(f.done)
	}()
	value, err := s.fetch(ctx)
	value = strings.TrimSpace(value)
	if err == nil && (value == "" || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' })) {
		err = errors.New("it is empty or has characters that are not for a header")
	}
	f.value, f.err = value, err
}

// TokenError is returned for a call that failed for want of a token. The master has not accepted the call, and may not
// have received it.
type TokenError struct{ Err error }

// Error implements error.
func (e *TokenError) Error() string { return "no bearer token: " + e.Err.Error() }

// Unwrap returns the reason.
func (e *TokenError) Unwrap() error { return e.Err }

// authorize adds the Client's credentials to the request and returns the token among them, which is another one than
// refused if there is one.
func (c *Client) authorize(req *http.Request, refused string) (string, error) {
	if c.credential != nil {
		req.SetBasicAuth(c.credential.Principal, c.credential.Secret)
	}
	if c.tokens == nil {
		return "", nil
	}
	token, err := c.tokens.token(req.Context(), refused)
	if err == nil {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return token, err
}

// send sends the request with the Client's credentials. If the token is refused with 401, which means that the call
// was not accepted, and there is a new token, it sends the request a second time.
func (c *Client) send(t *http.Transport, req *http.Request) (*http.Response, error) {
	token, err := c.authorize(req, "")
	if err != nil {
		return nil, err
	}
	resp, err := roundTrip(t, req)
	if err != nil || c.tokens == nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	again := req.Clone(req.Context())
	fresh, err := c.authorize(again, token)
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	if fresh == token {
		return resp, nil // the answer would be the same
	}
	discard(resp)
	if again.Body, err = req.GetBody(); err != nil {
		return nil, fmt.Errorf("mesoshttp: %w", err)
	}
	return roundTrip(t, again)
}
