package controlapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/ha"
)

// Elector is what a server needs of an [ha.Elector]: to know who leads.
type Elector interface {
	Status() ha.Status
	Watch(ctx context.Context) iter.Seq[ha.Status]
}

// Config configures a [Server].
type Config struct {
	// Framework is what is served: a [*scheduler.Scheduler]. Nil: there are only the Routes, of which there must be some then, and
	// nothing about tasks.
	Framework Framework
	// Name is the name of the framework, for people. Default: "framework".
	Name string
	// Elector says which member leads: the [ha.Elector] that the framework runs with. Nil: this process runs alone.
	Elector Elector
	// Tokens are the bearer tokens that clients may use, each of which may do everything. With several, one can be
	// replaced without a pause. Empty: no token is needed.
	Tokens []string `json:"-"`
	// TLS is the configuration for listening with TLS. With ClientAuth tls.RequireAndVerifyClientCert it stands for a
	// token. Members then ask each other with TLS as well: they show the certificates of this configuration, and RootCAs are
	// the authorities of the other members' certificates. It is cloned. Nil: plain HTTP.
	TLS *tls.Config
	// Insecure serves everybody who can connect, if neither Tokens are set nor TLS asks for certificates. Without it
	// such a server listens on loopback addresses only, and answers only requests whose Host is a loopback address or
	// "localhost", so that a web page cannot reach it by a name of its own (DNS rebinding).
	Insecure bool
	// DialContext makes the connections to the member that leads. Default: that of a net.Dialer.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Metrics answers GET /metrics on this member, to those who may read: for example the handler of Prometheus' promhttp
	// for a registry that package metrics has filled. Nil: there is nothing at /metrics.
	Metrics http.Handler
	// Routes are what other packages add, such as package invoker/httpapi. Their paths differ from those of this package, and
	// from each other.
	Routes []Route
	// Logger gets a line at level Debug for each request, without its headers. Default: none.
	Logger *slog.Logger
}

// String returns the name without anything secret.
func (c Config) String() string { return "controlapi server of " + cut(c.Name) }

// Format prints the same as String with every verb, so that no token is logged. Package fmt does not call it for a Config in a
// field that is not exported.
func (c Config) Format(to fmt.State, _ rune) { fmt.Fprint(to, c.String()) }

// LogValue returns the same as String.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// ConfigError is returned by [New] and [NewClient] if a field of the config is invalid.
type ConfigError struct {
	Field  string // such as "Tokens[1]"
	Reason string
}

// Error returns field and reason. The values of tokens are not in it.
func (e *ConfigError) Error() string {
	return fmt.Sprintf("controlapi: config: %s: %s", e.Field, e.Reason)
}

// normalize returns the config with defaults, or all that is wrong with it, joined.
func (c Config) normalize() (Config, error) {
	var errs []error
	if c.Framework == nil {
		if len(c.Routes) == 0 {
			errs = append(errs, &ConfigError{"Framework", "is required without Routes"})
		}
		c.Framework = noFramework{}
	}
	for i, token := range c.Tokens {
		if !isToken(token) {
			errs = append(errs, &ConfigError{fmt.Sprintf("Tokens[%d]", i), "must have 1 to 4096 bytes, all of them printable ASCII without spaces"})
		}
	}
	there := routes()
	for i, rt := range c.Routes {
		if err := rt.check(there); err != nil {
			errs = append(errs, &ConfigError{fmt.Sprintf("Routes[%d]", i), err.Error()})
			continue
		}
		there = append(there, rt.own())
	}
	if c.Name == "" {
		c.Name = "framework"
	}
	if c.TLS != nil {
		c.TLS = c.TLS.Clone()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, errors.Join(errs...)
}

// tasks returns the framework, or nil if there is none.
func (c *Config) tasks() Framework {
	if _, none := c.Framework.(noFramework); none {
		return nil
	}
	return c.Framework
}

// isToken reports whether a text can be a bearer token.
func isToken(s string) bool {
	printable := func(r rune) bool { return r > ' ' && r <= '~' }
	return s != "" && len(s) <= 4096 && strings.IndexFunc(s, func(r rune) bool { return !printable(r) }) < 0
}

// authenticates reports whether clients have to say who they are.
func (c *Config) authenticates() bool { return len(c.Tokens) > 0 || c.verifiesClients() }

func (c *Config) verifiesClients() bool {
	return c.TLS != nil && c.TLS.ClientAuth == tls.RequireAndVerifyClientCert
}

// mayListen returns an error for an address that others can reach, while everybody would be served.
func (c *Config) mayListen(at net.Addr) error {
	if c.authenticates() || c.Insecure || at.Network() == "unix" || isLoopback(at.String()) {
		return nil
	}
	return fmt.Errorf("controlapi: %v is not a loopback address: set Config.Tokens, or Config.TLS with client certificates, or Config.Insecure to serve everybody", at)
}

// isLoopback reports whether a host, with or without a port, is a loopback address or "localhost".
func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
