package controlapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

const (
	// maxMembers is how many members a client is told of, and remembers.
	maxMembers = 32
	// dialTimeout is for how long a connection to a member is tried: another one may answer.
	dialTimeout = 3 * time.Second
	// maxAnswer is how many bytes of an answer are decoded. The tasks on record, of which there may be very many, have a limit
	// of their own.
	maxAnswer = 64 << 20
	// leastObject is how few bytes an object in JSON may have, on average of a large answer: "{}" would take a hundred times as much
	// memory as it has bytes. Real ones have 40 and more.
	leastObject = 24
)

// dialFunc makes connections, as http.Transport.DialContext does.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// newTransport returns a transport for members of a framework. Proxies of the environment are not used: members are asked
// directly, with a token.
func newTransport(dial dialFunc) *http.Transport {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, dialTimeout)
			defer cancel()
			return dial(ctx, network, address)
		},
		DisableCompression:     true, // a small answer could become a large one
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        idleTimeout / 2, // before the server closes it
		TLSHandshakeTimeout:    dialTimeout,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// peers is how a member reaches the others.
type peers struct {
	transport *http.Transport
	scheme    string // of addresses without one
}

// newPeers returns how to reach the other members: with TLS if this one serves with TLS.
func newPeers(c *Config) *peers {
	p := &peers{scheme: "http://", transport: newTransport(c.DialContext)}
	if c.TLS != nil {
		p.scheme = "https://"
		p.transport.TLSClientConfig = c.TLS.Clone()
	}
	return p
}

// url returns the URL of an address that a member has told the others, without a slash at the end. A member that serves with TLS
// asks none without.
func (p *peers) url(address string) (string, error) {
	base, err := baseURL(address, p.scheme)
	if err == nil && !keepsTLS(p.scheme, base) {
		err = errors.New("is without TLS")
	}
	return base, err
}

// keepsTLS reports whether an address may be asked by who uses https, or the address of another member that is asked so.
func keepsTLS(from, base string) bool {
	return !strings.HasPrefix(from, "https://") || strings.HasPrefix(base, "https://")
}

// readAnswer decodes an answer into v, or returns the error that it tells of.
func readAnswer(response *http.Response, v any) error {
	text, err := readAll(response.Body)
	switch {
	case err != nil:
		return err
	case response.StatusCode >= http.StatusMultipleChoices:
		return decodeError(response.StatusCode, text)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return notOurs(err)
	}
	return nil
}

// readAll reads an answer, which has a limit.
func readAll(body io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxAnswer:
		return nil, fail(scheduler.CodeInternal, "controlapi: the answer has more than %d MiB", maxAnswer>>20)
	case hasTooManyParts(text):
		return nil, fail(scheduler.CodeInternal, "controlapi: an answer of more parts than any of this API")
	}
	return text, nil
}

// hasTooManyParts reports whether JSON would take much more memory than it has bytes.
func hasTooManyParts(text []byte) bool {
	const slack = 1000 // objects
	return (bytes.Count(text, []byte("{"))-slack)*leastObject > len(text)
}

// into returns a function that decodes an answer into v.
func into[T any](v *T) func(io.Reader) error {
	return func(body io.Reader) error {
		text, err := readAll(body)
		if err != nil {
			return err
		}
		var fresh T // an earlier attempt may have broken off
		if err := json.Unmarshal(text, &fresh); err != nil {
			return notOurs(err)
		}
		*v = fresh
		return nil
	}
}

// notOurs returns the error for an answer that cannot be decoded.
func notOurs(err error) error {
	return fail(scheduler.CodeInternal, "controlapi: an answer that is not of this API: %v", err)
}
