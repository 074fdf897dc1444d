package mesoshttp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/recordio"
)

const (
	path           = "/api/v1/scheduler"
	streamIDHeader = "Mesos-Stream-Id"

	// maxBody bounds what is read of any body that is not an event stream. The longest text that a master is
	// known to answer with repeats the offending part of a JSON call; 4 KiB of that is enough to find it.
	maxBody = 4 << 10
	// maxHead bounds the head of a response, which has five short headers.
	maxHead = 64 << 10
	// idle is how long an unused connection for calls is kept. Masters never close one, but what is between
	// may forget it silently, and the next call would wait in vain; dialling anew costs a round trip.
	idle = time.Minute
)

// Config tells a Client how to reach masters. The zero value is good for a cluster without TLS and
// authentication.
type Config struct {
	// DialContext opens connections; nil means that of a zero net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS is used for https URLs; nil means the system's certificate authorities. It is copied.
	TLS *tls.Config
	// Codec is the form of calls and events; the zero value is Protobuf.
	Codec Codec
	// MaxFrame is the longest event, in bytes, that is read; 0 means recordio.DefaultLimit, 64 MiB.
	MaxFrame int
	// MaxConns is the number of connections to one master for calls (subscriptions have their own); further
	// calls wait for their turn. 0 means 1.
	//
	// With 1, calls keep their order. For acknowledgements, which need none and should not wait behind an
	// ACCEPT, there is Pipeline.
	MaxConns int
	// UserAgent is the header of that name; empty means "mesos-actor-go".
	UserAgent string
	// Credential, unless nil, is sent with every request as HTTP basic authentication. It is copied.
	Credential *Credential
	// Tokens, unless nil, gives the bearer token that is sent with every request. It excludes Credential.
	Tokens *TokenSource
}

// Credential is a principal of the master's --credentials and its secret.
type Credential struct {
	Principal string // not empty, no colon
	Secret    string `json:"-"`
}

// String keeps the secret out of logs.
func (c Credential) String() string { return "Credential of " + c.Principal }

// GoString keeps the secret out of logs.
func (c Credential) GoString() string { return c.String() }

// Client speaks to the scheduler endpoints of masters. All methods may be called from any goroutine. Use New,
// and Close when done.
type Client struct {
	codec      Codec
	maxFrame   int
	userAgent  string
	credential *Credential
	tokens     *TokenSource
	calls      *http.Transport
	streams    *http.Transport
}

// New returns a Client, or an error that names the field of the Config that cannot be.
func New(c Config) (*Client, error) {
	switch {
	case c.Codec != Protobuf && c.Codec != JSON:
		return nil, fmt.Errorf("mesoshttp: Codec is %v, want Protobuf or JSON", c.Codec)
	case c.MaxFrame < 0:
		return nil, fmt.Errorf("mesoshttp: MaxFrame is %d, want 0 or more", c.MaxFrame)
	case c.MaxConns < 0:
		return nil, fmt.Errorf("mesoshttp: MaxConns is %d, want 0 or more", c.MaxConns)
	case c.Credential != nil && (c.Credential.Principal == "" || strings.Contains(c.Credential.Principal, ":")):
		return nil, fmt.Errorf("mesoshttp: Credential.Principal is %q, want a name without colon", c.Credential.Principal)
	case c.Credential != nil && c.Tokens != nil:
		return nil, errors.New("mesoshttp: Credential and Tokens are both set, want at most one")
	}
	client := &Client{codec: c.Codec, maxFrame: c.MaxFrame, userAgent: c.UserAgent, tokens: c.Tokens}
	if client.userAgent == "" {
		client.userAgent = "mesos-actor-go"
	}
	if c.Credential != nil {
		credential := *c.Credential
		client.credential = &credential
	}
	client.calls = transport(c)
	client.calls.MaxConnsPerHost = max(c.MaxConns, 1)
	client.calls.MaxIdleConnsPerHost = client.calls.MaxConnsPerHost
	client.calls.IdleConnTimeout = idle
	client.streams = transport(c)
	// Negative: no connection is ever kept for reuse. A stream that its master has ended leaves the TCP
	// connection open, and it must be closed. (DisableKeepAlives would do it too, but it would also send
	// "Connection: close" with SUBSCRIBE.)
	client.streams.MaxIdleConnsPerHost = -1
	return client, nil
}

// transport has no time limits, since the contexts have them, and speaks HTTP/1.1 only, as masters do.
func transport(c Config) *http.Transport {
	t := &http.Transport{
		DialContext:            c.DialContext,
		DisableCompression:     true, // else it would ask for gzip; masters send small bodies and streams plain
		MaxResponseHeaderBytes: maxHead,
	}
	if t.DialContext == nil {
		t.DialContext = (&net.Dialer{}).DialContext
	}
	if c.TLS != nil {
		t.TLSClientConfig = c.TLS.Clone()
	}
	return t
}

// Close closes the connections that no call is using. It does not end calls and streams that are under way:
// end their contexts first. The Client stays usable.
func (c *Client) Close() {
	c.calls.CloseIdleConnections()
	c.streams.CloseIdleConnections()
}

// Call sends any call but SUBSCRIBE to master, a base URL such as http://host:5050 or https://host/prefix, as
// part of the subscription streamID. UPDATE_FRAMEWORK may have offer constraints. It returns nil when the master has taken the call, which does not mean
// that it has acted on it, and else a *StatusError with the master's answer, context.Cause(ctx), or an error
// of the network. It waits for a free connection and the answer as long as ctx allows.
//
// A redirect is not followed but returned: the subscription has ended where the call was sent to.
//
// After a network error or the end of ctx the call may or may not have reached the master: nobody can know.
// But it was never sent twice, except to a master that refused the first for its token. net/http repeats a
// POST only if the connection, kept from earlier calls, turned out to be closed before a byte of the call was
// written to it. After a *TokenError the call was not taken.
func (c *Client) Call(ctx context.Context, master, streamID string, call *scheduler.Call, constraints OfferConstraints) error {
	if call.Type == scheduler.Call_SUBSCRIBE {
		return errSubscribe
	}
	req, err := c.request(ctx, master, call, constraints)
	if err != nil {
		return err
	}
	req.Header.Set(streamIDHeader, streamID)
	resp, err := c.send(c.calls, req)
	if err != nil {
		return fmt.Errorf("mesoshttp: %s to %s: %w", call.Type, req.URL.Host, err)
	}
	if err := outcome(resp, call); err != nil {
		resp.Body.Close()
		return err
	}
	discard(resp) // the call is taken, whatever happens to the rest
	return nil
}

var errSubscribe = errors.New("mesoshttp: SUBSCRIBE is not for Call but for Subscribe")

// outcome tells whether an answer means that the call was taken. It reads the body of a refusal and leaves it
// open.
func outcome(resp *http.Response, call *scheduler.Call) error {
	switch {
	case resp.StatusCode == http.StatusAccepted:
		return nil
	case resp.StatusCode == http.StatusOK && call.Type == scheduler.Call_UPDATE_FRAMEWORK:
		return nil
	}
	return statusError(resp, call)
}

// discard reads the body, mostly an empty one, to its end, without which the connection could not be used
// again. A long one costs the connection.
func discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, maxBody)
	resp.Body.Close()
}

// Subscribe sends a SUBSCRIBE call, which may have offer constraints, to master, a base URL as in Call, on a new connection and waits for the
// head of the answer. A master that does not lead redirects (307) to the one that does, where the call is sent
// again, with the credentials: up to 5 times, over the same scheme, and nowhere twice. The calls that follow
// belong to the master that Stream.Master tells. The whole life of the Stream hangs on ctx: when it ends, so
// does the Stream.
//
// Errors are those of Call, *RedirectError, ErrNoStreamID, ErrContentType. A framework that the master refuses for what is in
// its FrameworkInfo is no error here: the Stream then holds one ERROR event.
func (c *Client) Subscribe(ctx context.Context, master string, call *scheduler.Call, constraints OfferConstraints) (*Stream, error) {
	if call.Type != scheduler.Call_SUBSCRIBE {
		return nil, fmt.Errorf("mesoshttp: %s is not for Subscribe but for Call", call.Type)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	resp, master, err := c.follow(ctx, strings.TrimRight(master, "/"), call, constraints)
	if err != nil {
		cancel(err)
		return nil, err
	}
	return &Stream{
		master: master,
		id:     resp.Header.Get(streamIDHeader),
		codec:  c.codec,
		frames: recordio.NewReader(resp.Body, c.maxFrame),
		cancel: cancel,
		cause:  func() error { return context.Cause(ctx) },
	}, nil
}

func (c *Client) subscribe(ctx context.Context, master string, call *scheduler.Call, constraints OfferConstraints) (*http.Response, error) {
	req, err := c.request(ctx, master, call, constraints)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(c.streams, req)
	if err != nil {
		return nil, fmt.Errorf("mesoshttp: %s to %s: %w", call.Type, req.URL.Host, err)
	}
	contentType := resp.Header.Get("Content-Type")
	switch {
	case resp.StatusCode != http.StatusOK:
		err = statusError(resp, call)
	case contentType != c.codec.mediaType():
		err = fmt.Errorf("%w: %q instead of %q", ErrContentType, contentType, c.codec.mediaType())
	case resp.Header.Get(streamIDHeader) == "":
		err = ErrNoStreamID
	}
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// request is what SUBSCRIBE and all other calls have in common.
func (c *Client) request(ctx context.Context, master string, call *scheduler.Call, constraints OfferConstraints) (*http.Request, error) {
	body, err := c.body(call, constraints)
	if err != nil {
		return nil, err
	}
	return c.post(ctx, master, body)
}

// body is what a call is on the wire.
func (c *Client) body(call *scheduler.Call, constraints OfferConstraints) ([]byte, error) {
	body, err := c.codec.encode(call, constraints)
	if err != nil {
		return nil, fmt.Errorf("mesoshttp: %s cannot be encoded: %w", call.Type, err)
	}
	return body, nil
}

// post is a request with that body.
func (c *Client) post(ctx context.Context, master string, body []byte) (*http.Request, error) {
	if strings.Contains(master, "@") { // before an error of url.Parse repeats it
		return nil, errors.New("mesoshttp: credentials in the URL of a master: they belong into Config.Credential")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(master, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("mesoshttp: %w", err)
	}
	// Masters compare Content-Type letter by letter: no parameters. Of two accepted types they take JSON.
	req.Header.Set("Content-Type", c.codec.mediaType())
	req.Header.Set("Accept", c.codec.mediaType())
	req.Header.Set("User-Agent", c.userAgent)
	return req, nil
}

// roundTrip goes below http.Client, which would follow redirects in its own way.
func roundTrip(t *http.Transport, req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTrip(req)
	if err != nil {
		// net/http lets a dial outlive the request it was for. Against a host that swallows packets it would
		// hold one of the MaxConns places for minutes and block the next call. This ends such dials.
		t.CloseIdleConnections()
		return nil, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// Its body is the bare connection, over which the context has no power any more.
		resp.Body.Close()
		resp.Body = http.NoBody
	}
	return resp, nil
}
