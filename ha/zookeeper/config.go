package zookeeper

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-zookeeper/zk"

	"github.com/mesos-actor/mesos-actor-go/internal/logguard"
	"github.com/mesos-actor/mesos-actor-go/internal/zkaddress"
)

const (
	// defaultSessionTimeout is the one of Mesos' masters.
	defaultSessionTimeout = 10 * time.Second
	// minSessionTimeout is less than servers allow.
	minSessionTimeout = 100 * time.Millisecond
	// maxID and maxAPI keep the node of a member small: each member reads those of all.
	maxID, maxAPI = 255, 1024
)

// Config says where the election is, and who takes part. Only Address is required.
type Config struct {
	// Address is where the election and the records are. Required. It is an address such as
	//
	//	zk://host1:2181,host2:2181,host3:2181/frameworks/mine
	//	zk://user:password@host1:2181/frameworks/mine
	//
	// The port is 2181 if missing. Each framework has a path of its own, which is created if it does not exist. With
	// user and password only this user may read and change what is below it; without them everybody may.
	Address string
	// ID is the name of this member, which no other member may have. Default: the host name and a number that is new in
	// each New.
	ID string
	// API is the address at which this member serves requests, for others to see. Default: none.
	API string
	// SessionTimeout is how long the servers wait for a sign of life before another member leads: a takeover after a
	// crash takes that long. The servers limit it to between 2 and 20 of their ticks, usually 4 s and 40 s. Default: 10
	// s.
	SessionTimeout time.Duration
	// Logger gets new leaders at level Info and problems with ZooKeeper at level Warn. Lines that repeat are summed up, as in
	// [scheduler.Config]. Default: slog.Default().
	Logger *slog.Logger
	// DialContext opens the connections to the servers. Default: the method of a zero net.Dialer, with which the password is
	// sent in clear text. The method of a tls.Dialer encrypts the connections.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

// String returns the address without the password, and the ID.
func (c Config) String() string {
	return fmt.Sprintf("%s as %q", zkaddress.Redact(c.Address), c.ID)
}

// Format prints the same as String with every verb: the fields have a password.
func (c Config) Format(to fmt.State, _ rune) { fmt.Fprint(to, c.String()) }

// LogValue implements slog.LogValuer.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// normalize returns a copy with the defaults filled in, and the parsed address, or an error if the config cannot work.
func (c Config) normalize() (Config, *zkaddress.Address, error) {
	refuse := func(field, value, reason string) (Config, *zkaddress.Address, error) {
		return c, nil, &ConfigError{Field: field, Value: value, Reason: reason}
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(c.Address), "zk://")
	if !ok {
		return refuse("Address", zkaddress.Redact(c.Address), "must begin with zk://")
	}
	address, reason := zkaddress.Parse(rest)
	if reason != "" {
		return refuse("Address", zkaddress.Redact(c.Address), reason)
	}
	// At the root ZooKeeper has nodes of its own.
	if first, _, _ := strings.Cut(address.Path[1:], "/"); first == "zookeeper" {
		return refuse("Address", zkaddress.Redact(c.Address), "must have a path outside /zookeeper")
	}
	switch {
	case len(c.ID) > maxID || !utf8.ValidString(c.ID):
		return refuse("ID", c.ID, fmt.Sprintf("must be UTF-8 of at most %d bytes", maxID))
	case len(c.API) > maxAPI || !utf8.ValidString(c.API):
		return refuse("API", c.API, fmt.Sprintf("must be UTF-8 of at most %d bytes", maxAPI))
	case c.SessionTimeout != 0 && c.SessionTimeout < minSessionTimeout || c.SessionTimeout > math.MaxInt32*time.Millisecond:
		return refuse("SessionTimeout", c.SessionTimeout.String(), "must be between 100 ms and 24 days")
	}
	if c.ID == "" {
		host, err := os.Hostname()
		if err != nil {
			return c, nil, fmt.Errorf("ha/zookeeper: no ID, and the host has no name: %w", err)
		}
		c.ID = host + "-" + rand.Text()[:8]
	}
	c.SessionTimeout = cmp.Or(c.SessionTimeout, defaultSessionTimeout)
	c.Logger = logguard.Logger(cmp.Or(c.Logger, slog.Default()))
	if c.DialContext == nil {
		c.DialContext = new(net.Dialer).DialContext
	}
	return c, address, nil
}

// aclOf returns who may use the nodes that this member creates: below the path, and above it, where other frameworks
// may create their own.
func aclOf(auth string) (below, above []zk.ACL) {
	user, password, ok := strings.Cut(auth, ":")
	if !ok {
		return zk.WorldACL(zk.PermAll), zk.WorldACL(zk.PermAll)
	}
	below = zk.DigestACL(zk.PermAll, user, password)
	return below, append(zk.WorldACL(zk.PermRead|zk.PermCreate), below...)
}
