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

	// maxBody bounds what is read of any body that is not an event stream. The longest text that masters are known
	// to answer with repeats the wrong part of a JSON call; 4 KiB of that are enough to find it.
	maxBody = 4 << 10
	// maxHead bounds the head of a response. Those of masters have five short headers.
	maxHead = 64 << 10
	// answerLimit is how long a master may take to answer SUBSCRIBE. Masters do so at once, before they authorize the
	// framework; only their authenticator may take a while.
	answerLimit = 15 * time.Second
	// streamBuffer is how many bytes of a subscription are read at once. Updates have some 300 bytes and come in bursts.
	streamBuffer = 32 << 10
	// idle is how long an unused connection for calls is kept. Masters never close one, but a firewall on the way
	// may drop it silently, and the next call would wait in vain; dialling again costs one round trip.
	idle = time.Minute
)

// Config says how a Client reaches masters. The zero value is for a cluster without TLS and authentication.
type Config struct {
	// DialContext opens connections; nil means the method of a zero net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS is the configuration for https URLs; nil means the system's certificate authorities. It is copied.
	TLS *tls.Config
	// Panicked, unless nil, returns the error for a panic of DialContext, or of a callback of TLS; it runs where the panic was.
	Panicked func(who string, value any) error
	// Codec encodes calls and decodes events; the zero value is Protobuf.
	Codec Codec
	// MaxFrame is the longest event, in bytes, that is read; 0 means recordio.DefaultLimit, 64 MiB.
	MaxFrame int
	// MaxConns is the number of connections to one master for calls (subscriptions have their own); further
	// calls wait for their turn. 0 means 1.
	//
	// With 1, calls keep their order. Acknowledgements need no order and should not wait behind an ACCEPT: Pipeline
	// is for them.
	MaxConns int
	// MaxConnecting is how many connections are made at once; further requests fail. That many are needed only if there are many
	// servers, or if DialContext or callbacks of TLS hang. 0 means 16.
	MaxConnecting int
	// UserAgent is the header of that name; empty means "mesos-actor-go".
	UserAgent string
	// Credential, unless nil, is sent with every request as HTTP basic authentication. It is copied.
	Credential *Credential
	// Tokens, unless nil, is the source of the bearer token sent with every request. It excludes Credential.
	Tokens *TokenSource
	// Hosts are those that requests may be sent to, also along redirects; nil means all.
	Hosts *Hosts
}

// Credential is a principal of the master's --credentials and its secret.
type Credential struct {
	Principal string // not empty, no colon
	Secret    string `json:"-"`
}

// String keeps the secret out of logs.
func (c Credential) String() string { return "Credential of " + c.Principal }

// Format prints the same as String with every verb, so that the secret is not logged.
func (c Credential) Format(to fmt.State, _ rune) { fmt.Fprint(to, c.String()) }

// Client sends calls to the scheduler endpoints of masters. All methods may be called from any goroutine. Use New,
// and Close when done.
type Client struct {
	codec      Codec
	maxFrame   int
	userAgent  string
	credential *Credential
	tokens     *TokenSource
	hosts      *Hosts
	connector  *connector
	calls      *http.Transport
	streams    *http.Transport
}

// New returns a Client, or an error that names the invalid field of the Config.
func New(c Config) (*Client, error) {
	switch {
	case c.Codec != Protobuf && c.Codec != JSON:
		return nil, fmt.Errorf("mesoshttp: Codec is %v, want Protobuf or JSON", c.Codec)
	case c.MaxFrame < 0:
		return nil, fmt.Errorf("mesoshttp: MaxFrame is %d, want 0 or more", c.MaxFrame)
	case c.MaxConns < 0:
		return nil, fmt.Errorf("mesoshttp: MaxConns is %d, want 0 or more", c.MaxConns)
	case c.MaxConnecting < 0:
		return nil, fmt.Errorf("mesoshttp: MaxConnecting is %d, want 0 or more", c.MaxConnecting)
	case c.Credential != nil && (c.Credential.Principal == "" || strings.Contains(c.Credential.Principal, ":")):
		return nil, fmt.Errorf("mesoshttp: Credential.Principal is %q, want a name without colon", c.Credential.Principal)
	case c.Credential != nil && c.Tokens != nil:
		return nil, errors.New("mesoshttp: Credential and Tokens are both set, want at most one")
	}
	client := &Client{codec: c.Codec, maxFrame: c.MaxFrame, userAgent: c.UserAgent, tokens: c.Tokens, hosts: c.Hosts, connector: newConnector(c)}
	if client.userAgent == "" {
		client.userAgent = "mesos-actor-go"
	}
	if c.Credential != nil {
		credential := *c.Credential
		client.credential = &credential
	}
	client.calls = client.connector.transport()
	client.calls.MaxConnsPerHost = max(c.MaxConns, 1)
	client.calls.MaxIdleConnsPerHost = client.calls.MaxConnsPerHost
	client.calls.IdleConnTimeout = idle
	client.streams = client.connector.transport()
	// Negative: no connection is kept for reuse. A master that ends a stream leaves the TCP connection open, and
	// this closes it. (DisableKeepAlives would, too, but it also sends "Connection: close" with SUBSCRIBE.)
	client.streams.MaxIdleConnsPerHost = -1
	client.streams.ReadBufferSize = streamBuffer
	return client, nil
}

// transport returns a transport without time limits, since contexts have them, and for HTTP/1.1 only, as masters
// speak it.
func (n *connector) transport() *http.Transport {
	return &http.Transport{
		DialContext:            n.dial,
		DialTLSContext:         n.dialTLS,
		DisableCompression:     true, // masters do not compress small bodies and streams anyway
		MaxResponseHeaderBytes: maxHead,
	}
}

// Close closes the connections that no call is using. It does not end calls and streams that are under way:
// end their contexts first. The Client stays usable.
func (c *Client) Close() {
	c.calls.CloseIdleConnections()
	c.streams.CloseIdleConnections()
}

// Call sends any call but SUBSCRIBE to master, a base URL such as http://host:5050 or https://host/prefix, as
// part of the subscription streamID. UPDATE_FRAMEWORK may have offer constraints. It returns nil when the master has
// accepted the call, which does not mean that it has acted on it, and otherwise a *StatusError with the master's
// answer, context.Cause(ctx), or an error of the network. It waits for a free connection and for the answer as long
// as ctx allows.
//
// A redirect is not followed but returned: the subscription has ended at the master that the call was sent to.
//
// After a network error or the end of ctx the call may or may not have reached the master. It was never sent twice,
// except to a master that refused it the first time for its token. net/http repeats a POST only if a connection kept
// from earlier calls turns out to be closed before a byte of the call was written to it. After a *TokenError the
// master has not accepted the call.
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
	discard(resp) // the call is accepted, whatever happens to the rest of the answer
	return nil
}

var errSubscribe = errors.New("mesoshttp: SUBSCRIBE is not for Call but for Subscribe")

// outcome returns nil if the answer means that the master has accepted the call, and otherwise a *StatusError. It
// reads the body of a refusal and does not close it.
func outcome(resp *http.Response, call *scheduler.Call) error {
	switch {
	case resp.StatusCode == http.StatusAccepted:
		return nil
	case resp.StatusCode == http.StatusOK && call.Type == scheduler.Call_UPDATE_FRAMEWORK:
		return nil
	}
	return statusError(resp, call)
}

// discard reads the body, which is mostly empty, to its end: otherwise the connection could not be used again. A
// body of more than maxBody is not, and its connection is closed.
func discard(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, maxBody)
	resp.Body.Close()
}

// Subscribe sends a SUBSCRIBE call, which may have offer constraints, to master, a base URL as in Call, on a new
// connection and waits for the head of the answer. A master that does not lead redirects (307) to the one that does,
// and the call is sent there with the credentials: up to 5 times, over the same scheme, and to no master twice. Later
// calls must go to Stream.Master. The Stream ends when ctx does.
//
// Each master has 15 s to answer, dialling included.
//
// Errors are *RedirectError, and *MasterError around one of those of Call, *UntrustedError, ErrNoAnswer, ErrClosed,
// ErrNoStreamID or ErrContentType. A master that refuses the framework for its FrameworkInfo is not an error here: the
// Stream then has one ERROR event.
func (c *Client) Subscribe(ctx context.Context, master string, call *scheduler.Call, constraints OfferConstraints) (*Stream, error) {
	if call.Type != scheduler.Call_SUBSCRIBE {
		return nil, fmt.Errorf("mesoshttp: %s is not for Subscribe but for Call", call.Type)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	limit := time.AfterFunc(answerLimit, func() { cancel(ErrNoAnswer) })
	resp, master, err := c.follow(ctx, strings.TrimRight(master, "/"), call, constraints, func() { limit.Reset(answerLimit) })
	limit.Stop()
	if err != nil {
		cancel(err)
		return nil, err
	}
	return &Stream{
		master:  master,
		id:      resp.Header.Get(streamIDHeader),
		frames:  recordio.NewReader(resp.Body, c.maxFrame),
		decoder: newDecoder(c.codec),
		cancel:  cancel,
		cause:   func() error { return context.Cause(ctx) },
	}, nil
}

func (c *Client) subscribe(ctx context.Context, master string, call *scheduler.Call, constraints OfferConstraints) (*http.Response, error) {
	req, err := c.request(ctx, master, call, constraints)
	if untrusted := (*UntrustedError)(nil); errors.As(err, &untrusted) {
		err = &MasterError{URL: master, Err: err}
	}
	if err != nil {
		return nil, err
	}
	var p progress
	resp, err := c.send(c.streams, req.WithContext(p.trace(ctx)))
	if err != nil {
		mistake := c.mistakeWithout(ctx, req.URL, &p, err)
		if mistake == "" && isClosed(err) {
			err = fmt.Errorf("%w: %w", ErrClosed, err)
		}
		return nil, &MasterError{URL: master, Mistake: mistake, Err: err}
	}
	if err = c.opened(resp, call); err != nil {
		resp.Body.Close()
		return nil, &MasterError{URL: master, Mistake: c.mistakeIn(ctx, master, resp.Header.Get("Content-Type"), err), Err: err}
	}
	return resp, nil
}

// opened returns nil if the answer is the head of a subscription.
func (c *Client) opened(resp *http.Response, call *scheduler.Call) error {
	contentType := resp.Header.Get("Content-Type")
	switch {
	case resp.StatusCode != http.StatusOK:
		return statusError(resp, call)
	case contentType != c.codec.mediaType():
		return fmt.Errorf("%w: %q instead of %q", ErrContentType, mask(resp.Request, contentType), c.codec.mediaType())
	case resp.Header.Get(streamIDHeader) == "":
		return ErrNoStreamID
	}
	return nil
}

// request is the part that SUBSCRIBE and all other calls have in common.
func (c *Client) request(ctx context.Context, master string, call *scheduler.Call, constraints OfferConstraints) (*http.Request, error) {
	body, err := c.body(call, constraints)
	if err != nil {
		return nil, err
	}
	return c.post(ctx, master, body)
}

// body returns the encoded call.
func (c *Client) body(call *scheduler.Call, constraints OfferConstraints) ([]byte, error) {
	body, err := c.codec.encode(call, constraints)
	if err != nil {
		return nil, fmt.Errorf("mesoshttp: %s cannot be encoded: %w", call.Type, err)
	}
	return body, nil
}

// post returns a POST request with that body. All requests but those that look for a mistake, which are without
// credentials, are made here, so that none is for a host that is not trusted.
func (c *Client) post(ctx context.Context, master string, body []byte) (*http.Request, error) {
	if strings.Contains(master, "@") { // before an error of url.Parse quotes it
		return nil, errors.New("mesoshttp: credentials in the URL of a master: they belong into Config.Credential")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(master, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("mesoshttp: %w", err)
	}
	if !c.hosts.has(req.URL) {
		return nil, &UntrustedError{Host: req.URL.Hostname()}
	}
	// Masters compare Content-Type literally: no parameters. Of two accepted types they choose JSON.
	req.Header.Set("Content-Type", c.codec.mediaType())
	req.Header.Set("Accept", c.codec.mediaType())
	req.Header.Set("User-Agent", c.userAgent)
	return req, nil
}

// roundTrip does not use http.Client, which would follow redirects in its own way.
func roundTrip(t *http.Transport, req *http.Request) (*http.Response, error) {
	resp, err := t.RoundTrip(req)
	if err != nil {
		// net/http lets a dial outlive the request it was for. Against a host that swallows packets it would
		// hold one of the MaxConns places for minutes and block the next call. This ends such dials.
		t.CloseIdleConnections()
		return nil, maskError(req, err)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// Its body is the bare connection, over which the context has no power any more.
		resp.Body.Close()
		resp.Body = http.NoBody
	}
	return resp, nil
}
