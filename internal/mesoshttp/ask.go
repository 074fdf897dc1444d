package mesoshttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ErrAnswerTooLong is returned by Ask for an answer with a longer body than was asked for.
var ErrAnswerTooLong = errors.New("the answer is too long")

// Answer is what a server has answered to Ask.
type Answer struct {
	Status int
	// Body is the whole body with status 200, and otherwise at most 4 KiB of it, without the credentials, which it may repeat.
	Body       []byte
	Location   string // of a redirect, which is not followed
	Authorized bool   // the request had the credentials
}

// Ask sends a call in JSON that changes nothing to the operator API, /api/v1, of a server that need not be a master, such as an
// agent, and returns its answer, whatever the status. Unlike all other requests it may go to any host: one that is none of
// Config.Hosts is asked without the credentials. Redirects are not followed. The error is context.Cause(ctx), a *TokenError, an
// error of the network, or ErrAnswerTooLong for a body of more than limit bytes.
func (c *Client) Ask(ctx context.Context, base string, call []byte, limit int64) (*Answer, error) {
	if strings.Contains(base, "@") {
		return nil, errors.New("mesoshttp: credentials in the URL of a server")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+operatorPath, bytes.NewReader(call))
	if err != nil {
		return nil, fmt.Errorf("mesoshttp: %w", err)
	}
	req.Header.Set("Content-Type", JSON.mediaType())
	req.Header.Set("Accept", JSON.mediaType())
	req.Header.Set("User-Agent", c.userAgent)
	req.Header["Idempotency-Key"] = nil // net/http repeats it if an old connection turns out to be closed; not sent
	send, authorized := roundTrip, false
	if (c.credential != nil || c.tokens != nil) && c.hosts.has(req.URL) {
		send, authorized = c.send, true
	}
	resp, err := send(c.calls, req)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	defer resp.Body.Close()
	answer := &Answer{Status: resp.StatusCode, Location: mask(resp.Request, resp.Header.Get("Location")), Authorized: authorized}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody)) // the status matters more than an error
		answer.Body = []byte(mask(resp.Request, strings.ToValidUTF8(string(text), "\uFFFD")))
		return answer, nil
	}
	answer.Body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, maskError(resp.Request, err)
	case int64(len(answer.Body)) > limit:
		return nil, ErrAnswerTooLong
	}
	return answer, nil
}
