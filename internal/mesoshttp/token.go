package mesoshttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// TokenSource gives bearer tokens to the Clients that share it. It keeps a token until a master refuses it
// with 401, and then asks for another one, however many requests were refused at once. Use NewTokenSource.
type TokenSource struct {
	fetch func(context.Context) (string, error)
	turn  chan struct{} // holds an element while somebody uses value
	value string        // empty: none yet
}

// NewTokenSource returns a TokenSource that asks fetch for tokens. It asks one call at a time, with the context
// of the request that needs the token. White space around a token, such as the line end of a file, is removed.
func NewTokenSource(fetch func(context.Context) (string, error)) *TokenSource {
	return &TokenSource{fetch: fetch, turn: make(chan struct{}, 1)}
}

// String keeps the token out of logs.
func (s *TokenSource) String() string { return "TokenSource" }

// GoString keeps the token out of logs.
func (s *TokenSource) GoString() string { return s.String() }

// token gives the token to try now, which is a new one if the present one is refused. Empty refused: none is.
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

// TokenError tells that a request lacks its token. The master has not taken the call, and may not have seen it.
type TokenError struct{ Err error }

// Error implements error.
func (e *TokenError) Error() string { return "no bearer token: " + e.Err.Error() }

// Unwrap returns the reason.
func (e *TokenError) Unwrap() error { return e.Err }

// authorize gives the request the Client's credentials and returns the token among them. It is another one than
// refused, if there is.
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

// send makes the request with the Client's credentials. One whose token is refused with 401, which means that
// its call was not taken, is made a second time if there is a new token.
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
