package mesoshttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// TokenSource has the bearer token of the Clients that share it. It keeps a token until a master refuses it with 401,
// and then fetches another one, once for all the requests that were refused. Use NewTokenSource.
type TokenSource struct {
	fetch func(context.Context) (string, error)
	turn  chan struct{} // has an element while a goroutine uses value
	value string        // empty: none yet
}

// NewTokenSource returns a TokenSource that calls fetch for tokens, once at a time, with the context
// of the request that needs the token. White space around a token, such as the line end of a file, is removed.
func NewTokenSource(fetch func(context.Context) (string, error)) *TokenSource {
	return &TokenSource{fetch: fetch, turn: make(chan struct{}, 1)}
}

// String keeps the token out of logs.
func (s *TokenSource) String() string { return "TokenSource" }

// GoString keeps the token out of logs.
func (s *TokenSource) GoString() string { return s.String() }

// token returns the token to use. Refused is the token that a master has refused, or ""; if it is still the current
// one, a new one is fetched.
func (s *TokenSource) token(ctx context.Context, refused string) (string, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", &TokenError{Err: context.Cause(ctx)}
	}
	if s.value != "" && s.value != refused {
		return s.value, nil
	}
	value, err := s.fetch(ctx)
	if err != nil {
		return "", &TokenError{Err: err}
	}
	value = strings.TrimSpace(value)
	if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", &TokenError{Err: errors.New("it is empty or has characters that are not for a header")}
	}
	s.value = value
	return value, nil
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
