package mesoshttp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"
)

// MasterError is why a master did not take a SUBSCRIBE. Redirects that are not followed have an error of their own.
type MasterError struct {
	URL string // of the master
	// Mistake is what is most likely wrong with the URL, such as "this is an agent, not a master"; empty: nothing is known
	// to be.
	Mistake string
	Err     error // what happened, such as a *StatusError
}

// Error implements error.
func (e *MasterError) Error() string {
	if e.Mistake == "" {
		return fmt.Sprintf("mesoshttp: SUBSCRIBE to %s: %v", e.URL, e.Err)
	}
	return fmt.Sprintf("mesoshttp: SUBSCRIBE to %s: %s: %v", e.URL, e.Mistake, e.Err)
}

// Unwrap returns what happened.
func (e *MasterError) Unwrap() error { return e.Err }

// The mistakes.
const (
	isAgent   = "this is an agent, not a master"
	noMaster  = "this is not a Mesos master, or its path is another one"
	speaksTLS = "the server speaks TLS, use https"
	noTLS     = "the server does not speak TLS, or closes the connection for another reason; without TLS use http"
)

// probeLimit is how long it may take to find out what is wrong.
const probeLimit = 3 * time.Second

// progress is how far a request has come. net/http notes it, on goroutines that may outlive the request.
type progress struct {
	mu        sync.Mutex
	connected bool  // there was a connection, with TLS if there is to be
	handshake error // of TLS
}

func (p *progress) trace(ctx context.Context) context.Context {
	note := func(f func()) {
		p.mu.Lock()
		defer p.mu.Unlock()
		f()
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:          func(httptrace.GotConnInfo) { note(func() { p.connected = true }) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) { note(func() { p.handshake = err }) },
	})
}

func (p *progress) seen() (connected bool, handshake error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.connected, p.handshake
}

// mistakeWithout returns the likely mistake in the URL of a server that has given no answer, but err.
func (c *Client) mistakeWithout(ctx context.Context, u *url.URL, p *progress, err error) string {
	connected, handshake := p.seen()
	switch {
	case ctx.Err() != nil:
		return ""
	case u.Scheme == "https" && notTLS(handshake):
		return noTLS
	case u.Scheme == "http" && connected && c.probeTLS(ctx, u):
		return speaksTLS
	case connected && strings.Contains(err.Error(), "malformed HTTP"): // of net/http, which has no other sign
		return noMaster
	}
	return ""
}

// isClosed reports whether the other side has closed a connection.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// notTLS reports whether a handshake has failed as it does with a server that does not know of TLS. One that does sends
// an alert, or a certificate that may be refused.
func notTLS(err error) bool {
	var header tls.RecordHeaderError
	return isClosed(err) || errors.As(err, &header)
}

// probeTLS reports whether the server at an http URL speaks TLS. Nothing is sent over it, so that it does not matter who
// the server is.
func (c *Client) probeTLS(ctx context.Context, u *url.URL) bool {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	port := u.Port()
	if port == "" {
		port = "80"
	}
	conn, err := c.connector.dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return false
	}
	defer conn.Close()
	err = tls.Client(conn, &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true}).HandshakeContext(ctx)
	var alert *net.OpError // that we have no certificate, for example
	return err == nil || errors.As(err, &alert) && alert.Op == "remote error"
}

// mistakeIn returns the likely mistake in the URL of a master, which has answered SUBSCRIBE with
// that type of content and err.
func (c *Client) mistakeIn(ctx context.Context, master, contentType string, err error) string {
	var status *StatusError
	if !errors.As(err, &status) {
		return mistakeInStream(contentType)
	}
	switch status.Status {
	case http.StatusBadRequest:
		return mistakeInText(status.Body)
	case http.StatusNotFound:
		if c.probeAgent(ctx, master) {
			return isAgent
		}
		return noMaster
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusPermanentRedirect,
		http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
		if wantsTLS(master, status.Location) {
			return speaksTLS
		}
		return noMaster
	}
	if status.Status < http.StatusMultipleChoices {
		return noMaster
	}
	return ""
}

// wantsTLS reports whether a redirect from a master's http URL to location leads to https on the same host, as proxies do.
func wantsTLS(master, location string) bool {
	from, err1 := url.Parse(master)
	to, err2 := url.Parse(location)
	return err1 == nil && err2 == nil && from.Scheme == "http" && to.Scheme == "https" && strings.EqualFold(from.Hostname(), to.Hostname())
}

// mistakeInStream returns the likely mistake when a server sends something else than a stream, such as a page.
func mistakeInStream(contentType string) string {
	if strings.HasPrefix(contentType, JSON.mediaType()) || strings.HasPrefix(contentType, Protobuf.mediaType()) {
		return "" // something on the way has changed the answer
	}
	return noMaster
}

// mistakeInText returns the likely mistake that the text of a bad request shows.
func mistakeInText(body string) string {
	switch {
	case strings.Contains(body, "agent::Call"):
		return isAgent
	case strings.Contains(body, "HTTP request to an HTTPS server"), strings.Contains(body, "HTTP request was sent to HTTPS port"):
		return speaksTLS
	case strings.HasPrefix(body, "Failed to "), strings.HasPrefix(body, "Expecting "), strings.HasPrefix(body, "Subscribe calls "):
		return "" // a master's
	}
	return noMaster
}

// probeAgent reports whether there is an agent at the URL. It needs no credentials for its health.
func (c *Client) probeAgent(ctx context.Context, master string) bool {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(master, "/")+"/slave(1)/health", nil)
	if err != nil {
		return false
	}
	req.Header.Set("User-Agent", c.userAgent)
	resp, err := roundTrip(c.streams, req)
	if err != nil {
		return false
	}
	discard(resp)
	return resp.StatusCode == http.StatusOK
}
