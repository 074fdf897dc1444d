package controlapi

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// ClientConfig configures a [Client].
type ClientConfig struct {
	// Addresses are the members to begin with, in any order: each "host:port" or a URL. One that answers is enough, since the
	// client learns of the others from it. Required.
	Addresses []string
	// Token is the bearer token that is sent with each request, and into no error or log line. Over http whoever can read
	// packets has it. Default: none.
	Token string `json:"-"`
	// TLS has the certificate authorities of the servers, and the client's certificate. If it is set, addresses without a
	// scheme are https. It is cloned. Default: the system's certificate authorities, and http for addresses without a scheme.
	TLS *tls.Config
	// Patience is how long a call is repeated while no member answers it, or none leads. It should be longer than a change of
	// leader takes. The context of a call may end it earlier. Default 1 min.
	Patience time.Duration
	// DialContext makes the connections. Default: that of a net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

// String returns the addresses without anything secret.
func (c ClientConfig) String() string {
	return "controlapi client of " + cut(strings.Join(c.Addresses, ","))
}

// Format prints the same as String with every verb, so that the token is not logged. Package fmt does not call it for a
// ClientConfig in a field that is not exported.
func (c ClientConfig) Format(to fmt.State, _ rune) { fmt.Fprint(to, c.String()) }

// LogValue returns the same as String.
func (c ClientConfig) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Client is a [Framework] that runs in other processes, which serve it with a [Server]. It is made by [NewClient]. Its methods
// may be called from any goroutine. They do what those of a scheduler do and return the same errors, each wrapped in an [*Error],
// with these differences:
//
//   - An invalid spec is refused before it is sent, with [*task.FieldError] and without an [*Error].
//   - While the leader changes a call waits for the next one, and is repeated there. It never has an effect twice: a task that
//     has no [task.Spec.RequestID] is submitted with one that is made up. A call that no member has answered for
//     [ClientConfig.Patience] returns an [*Error] with [CodeLeaderUnreachable].
//   - When the context of Submit, SubmitPod, Launch or LaunchPod ends first, and the RequestID was made up, the task is withdrawn
//     or killed, as beside the scheduler. That is tried for a second, and does not succeed if no leader can be reached.
//   - Of an error that is a field of something, such as [task.Info].Err, only the text is left. Values of secrets are
//     "redacted".
//   - A task that is forgotten while the answer is lost counts as forgotten when the leader does not know it.
type Client struct {
	addresses string // as configured, to be printed
	token     string
	patience  time.Duration
	transport *http.Transport
	members   memberList
}

var _ Framework = (*Client)(nil)

// defaultPatience is long enough for the slowest election: with ZooKeeper a session of 10 s or more has to time out first.
const defaultPatience = time.Minute

// NewClient returns a client. It makes no connection before the first call. For an invalid config it returns a [*ConfigError],
// or several joined.
func NewClient(config ClientConfig) (*Client, error) {
	c := &Client{
		addresses: config.String(), token: config.Token, patience: cmp.Or(config.Patience, defaultPatience),
		transport: newTransport(config.DialContext),
	}
	var errs []error
	if len(config.Addresses) == 0 {
		errs = append(errs, &ConfigError{"Addresses", "is required"})
	}
	scheme := "http://"
	if config.TLS != nil {
		scheme, c.transport.TLSClientConfig = "https://", config.TLS.Clone()
	}
	for i, text := range config.Addresses {
		base, err := baseURL(text, scheme)
		if err != nil {
			errs = append(errs, &ConfigError{fmt.Sprintf("Addresses[%d]", i), err.Error()})
		}
		c.members.configured = append(c.members.configured, base)
	}
	c.members.all = c.members.configured
	if config.Token != "" && !isToken(config.Token) {
		errs = append(errs, &ConfigError{"Token", "must have 1 to 4096 bytes, all of them printable ASCII without spaces"})
	}
	if config.Patience < 0 {
		errs = append(errs, &ConfigError{"Patience", "must not be negative"})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// Close closes connections that are not in use. Calls that are under way go on, and the client can still be used.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// String returns the addresses that the client was configured with.
func (c *Client) String() string { return c.addresses }

// Format prints the same as String with every verb, so that the token is not logged.
func (c *Client) Format(to fmt.State, _ rune) { fmt.Fprint(to, c.addresses) }

// baseURL returns an address as a URL without a slash at the end.
func baseURL(address, scheme string) (string, error) {
	isURL := strings.Contains(address, "://")
	if !isURL {
		address = scheme + address
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "", errors.New("is no URL") // its error may have a password
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("must be a URL with http or https, or host:port")
	case u.Hostname() == "" || u.Port() == "" && !isURL:
		return "", errors.New("must have a host, and a port unless it is a URL")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("must not have a user, a query or a fragment")
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

// memberList has the members that a client knows, as URLs.
type memberList struct {
	configured []string

	mu        sync.Mutex // guards what follows
	all       []string
	preferred int    // the one that has answered last, or is to be tried next
	learned   string // the last header with members
}

// pick returns the member to ask, and how many there are.
func (l *memberList) pick() (base string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[l.preferred], len(l.all)
}

// leave has the next member asked, if this one is still preferred.
func (l *memberList) leave(base string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all[l.preferred] == base {
		l.preferred = (l.preferred + 1) % len(l.all)
	}
}

// learn takes what a member says in the header of an answer: the addresses of all members.
func (l *memberList) learn(from, header string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	u, err := url.Parse(from)
	if header == "" || header == l.learned || err != nil || u.Path != "" { // behind a proxy nobody reaches the others
		return
	}
	l.learned = header
	present := l.all[l.preferred]
	l.all = slices.Clone(l.configured)
	for address := range strings.SplitSeq(header, ",") {
		base, err := baseURL(strings.TrimSpace(address), u.Scheme+"://")
		if err == nil && keepsTLS(from, base) && !slices.Contains(l.all, base) && len(l.all) < len(l.configured)+maxMembers {
			l.all = append(l.all, base)
		}
	}
	l.preferred = max(0, slices.Index(l.all, present))
}
