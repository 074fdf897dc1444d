package cluster

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"github.com/mesos-actor/mesos-actor-go/internal/logguard"
	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// Preset is a set of timeouts. All members must have the same one.
type Preset int

// The presets, by the round trip between members. A leader that is cut off stops leading after half of the election
// timeout at the latest, before the others elect another one.
const (
	// PresetLAN is for members a few milliseconds apart. Election timeout 500 ms: another leads 1 to 1.7 s after a failure.
	PresetLAN Preset = iota
	// PresetLocal is for members on one machine, such as in tests and demonstrations. Election timeout 200 ms: 0.4 to 0.7 s.
	PresetLocal
	// PresetWAN is for members up to 200 ms apart, or with busy machines. Election timeout 2 s: 4 to 6 s.
	PresetWAN
)

// String returns "LAN", "local" or "WAN".
func (p Preset) String() string {
	switch p {
	case PresetLAN:
		return "LAN"
	case PresetLocal:
		return "local"
	case PresetWAN:
		return "WAN"
	}
	return fmt.Sprintf("Preset(%d)", int(p))
}

// Config is the configuration of a [Member]. It is copied by [New].
type Config struct {
	// Name is the name of the framework, the same for all members. Required. Members with different names never see each other,
	// also when one gets the address that another had. It has at most 200 bytes.
	Name string
	// ID is the beginning of the ID of this member, for people to recognize it. A random suffix is added, which is kept
	// in Dir, or without Dir is new in each Run: a member that has lost its records must not come back under its old
	// ID. Letters, digits, '.', '_' and '-', at most 64. Default: "member".
	ID string
	// Dir is a directory for this member's log, snapshots and ID. No other member may use it. It is created if it does
	// not exist. Default: everything is in memory. The records are then lost when a majority of the members ends, and
	// each Run is that of a new member: the old one leaves when its Run ends.
	Dir string
	// Expect is how many members vote: 1, 3 or 5, the same for all members. A new cluster begins when that many members
	// see one another; further members are in reserve. For a larger cluster restart the members with the new number,
	// one by one, before new ones are started. Default: 3.
	Expect int

	// GossipBind is the address, "IP:port", at which the member finds others, by UDP and TCP. Port 0 is any free port.
	// Default: "127.0.0.1:0" with PresetLocal; otherwise GossipBind is required. GossipAdvertise is the address at
	// which others reach this member, "IP:port" as well. Default: the address that was bound. It is required if that is
	// the address of no particular interface, such as 0.0.0.0.
	GossipBind, GossipAdvertise string
	// RaftBind and RaftAdvertise are the same for Raft, by TCP. RaftAdvertise may have a host name.
	RaftBind, RaftAdvertise string
	// API is the address at which this program serves requests. All members learn it, see [Member.Status]. At most 128
	// bytes. Default: none.
	API string

	// Seeds are gossip addresses, "host:port", of other members; the member's own address may be among them. A host
	// name stands for all of its addresses. They are tried at the start, and again while a member is missing. Default:
	// none, for the first member, or with Discover.
	Seeds []string
	// Discover returns more seeds, such as from a file or a service. It is called on a goroutine of Run, one call at a time,
	// and must return when ctx ends. Default: there are none.
	Discover func(ctx context.Context) ([]string, error)

	// Keys encrypt gossip: 16, 24 or 32 bytes each, for AES-128, 192 or 256. The first one encrypts; all of them
	// decrypt, so that a key is replaced by adding a new one at the end, then moving it to the front, then removing the
	// old one, each time on all members. Default: gossip is not encrypted, and anybody who reaches GossipBind can join.
	Keys [][]byte
	// TLS is for Raft's connections, in both roles: it needs Certificates (or their functions), RootCAs and ClientCAs.
	// Anybody with a certificate of these authorities can act as any member: use an authority for the members alone.
	// Without ServerName the certificates must be valid for the advertised hosts. Clients without a certificate are
	// refused. Default: connections are not encrypted, and anybody who reaches RaftBind can write.
	TLS *tls.Config

	// Preset has the times. Default: PresetLAN.
	Preset Preset
	// DeadAfter is how long a voter may be silent before a member in reserve gets its vote. If there is none it keeps
	// its vote, since it may come back. Default: 5 min.
	DeadAfter time.Duration
	// StallAfter is how long a leader waits for a write before it gives up, because its disk hangs or those of the
	// others do. Default: 5 s, with the preset WAN 10 s.
	StallAfter time.Duration

	// Network replaces the network of the operating system, for tests. Default: that of the operating system.
	Network Network
	// Logger gets the log of the member, of gossip and of Raft. Lines that repeat are summed up, as in [scheduler.Config],
	// those of Raft for each other member. Default: nothing is logged.
	Logger *slog.Logger

	// For tests of disks that fail, and of snapshots: how large the log in memory is at least before one is taken.

	leastLog   int
	wrapLog    func(raft.LogStore) raft.LogStore
	wrapStable func(raft.StableStore) raft.StableStore
	noSync     bool          // of the log's file: for tests in which no machine fails
	clock      time.Duration // by which the machine's clock is wrong
}

// String returns the names of the cluster and of the member.
func (c Config) String() string { return fmt.Sprintf("cluster %q, member %q", c.Name, c.ID) }

// Format prints the same as String with every verb: the fields have keys.
func (c Config) Format(to fmt.State, _ rune) { fmt.Fprint(to, c.String()) }

// LogValue returns the same as String.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Network is what a member needs of a network. Its methods are called from several goroutines.
type Network interface {
	// Listen listens for connections at "host:port", where port 0 is any free one.
	Listen(address string) (net.Listener, error)
	// ListenPacket receives packets at "host:port", and sends them to any address of the kind *net.UDPAddr.
	ListenPacket(address string) (net.PacketConn, error)
	// DialContext connects to "host:port".
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// timing has the times of a preset.
type timing struct {
	election time.Duration // Raft's heartbeat and election timeouts; the lease is half of it
	rpc      time.Duration // of one of Raft's calls
	commit   time.Duration // until followers are told what was committed, if nothing is written meanwhile
	rejoin   time.Duration // between attempts to join, more or less
	tick     time.Duration // between looks at the members
	settle   time.Duration // how long the view must be the same before a cluster begins
	arrived  time.Duration // how long a member must be alive before it is taken in
	pause    time.Duration // after a term that ended with an error
	unheard  time.Duration // without a leader, before the log says so
}

// presets returns the times by preset.
func presets() map[Preset]timing {
	return map[Preset]timing{
		PresetLocal: {election: 200 * time.Millisecond, rpc: time.Second, commit: 50 * time.Millisecond, rejoin: 2 * time.Second,
			tick: 200 * time.Millisecond, settle: 500 * time.Millisecond, arrived: 2 * time.Second, pause: time.Second, unheard: time.Minute},
		PresetLAN: {election: 500 * time.Millisecond, rpc: 2 * time.Second, commit: 100 * time.Millisecond, rejoin: 10 * time.Second,
			tick: 500 * time.Millisecond, settle: 2 * time.Second, arrived: 10 * time.Second, pause: 5 * time.Second, unheard: time.Minute},
		PresetWAN: {election: 2 * time.Second, rpc: 10 * time.Second, commit: 200 * time.Millisecond, rejoin: 10 * time.Second,
			tick: time.Second, settle: 10 * time.Second, arrived: 10 * time.Second, pause: 10 * time.Second, unheard: time.Minute},
	}
}

// ConfigError is returned by [New] if a field of Config is invalid.
type ConfigError struct {
	Field, Value, Reason string
}

// Error says which field, what is in it, and what is wrong with that.
func (e *ConfigError) Error() string {
	return printable.Linef("ha/cluster: Config.%s %q %s", e.Field, e.Value, e.Reason)
}

// normalize returns a copy with the defaults filled in, or an error if the config cannot work.
func (c Config) normalize() (Config, error) {
	c.Seeds, c.Keys = slices.Clone(c.Seeds), slices.Clone(c.Keys)
	if c.Expect == 0 {
		c.Expect = 3
	}
	if c.DeadAfter == 0 {
		c.DeadAfter = 5 * time.Minute
	}
	if c.StallAfter == 0 {
		if c.StallAfter = 5 * time.Second; c.Preset == PresetWAN {
			c.StallAfter = 10 * time.Second
		}
	}
	if c.Preset == PresetLocal {
		c.GossipBind = cmp.Or(c.GossipBind, "127.0.0.1:0")
		c.RaftBind = cmp.Or(c.RaftBind, "127.0.0.1:0")
	}
	if c.leastLog == 0 {
		c.leastLog = 8 << 20
	}
	if c.Network == nil {
		c.Network = system{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = logguard.Logger(c.Logger)
	for _, check := range []func() error{c.checkNames, c.checkAddresses, c.checkRest} {
		if err := check(); err != nil {
			return Config{}, err
		}
	}
	return c, nil
}

func (c *Config) checkNames() error {
	if c.Name == "" || len(c.Name) > 200 {
		return &ConfigError{"Name", c.Name, "must have 1 to 200 bytes"}
	}
	if c.ID != "" {
		if reason := checkID(c.ID, maxName); reason != "" {
			return &ConfigError{"ID", c.ID, reason}
		}
	}
	if len(c.API) > 128 {
		return &ConfigError{"API", c.API, "is longer than 128 bytes"}
	}
	return nil
}

// maxName is the length of an ID as it is configured, without the suffix that makes it unique.
const maxName = 64

// checkID returns what is wrong with an ID, "" if nothing.
func checkID(id string, most int) string {
	strange := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}
	switch {
	case id == "" || len(id) > most:
		return fmt.Sprintf("must have 1 to %d bytes", most)
	case strings.ContainsFunc(id, strange):
		return "may only have letters, digits, '.', '_' and '-'"
	}
	return ""
}

func (c *Config) checkAddresses() error {
	for _, a := range []struct {
		field, bind, advertise string
		hostName               bool
	}{{"Gossip", c.GossipBind, c.GossipAdvertise, false}, {"Raft", c.RaftBind, c.RaftAdvertise, true}} {
		host, reason := checkAddress(a.bind, false)
		if reason != "" {
			return &ConfigError{a.field + "Bind", a.bind, reason}
		}
		if a.advertise == "" {
			if net.ParseIP(host).IsUnspecified() {
				return &ConfigError{a.field + "Advertise", "", "is required with " + a.field + "Bind " + a.bind + ": others cannot reach that address"}
			}
			continue
		}
		host, reason = checkAddress(a.advertise, a.hostName)
		if reason == "" && net.ParseIP(host).IsUnspecified() {
			reason = "is an address that others cannot reach"
		}
		if reason != "" {
			return &ConfigError{a.field + "Advertise", a.advertise, reason}
		}
	}
	for _, seed := range c.Seeds {
		if _, reason := checkAddress(seed, true); reason != "" {
			return &ConfigError{"Seeds", seed, reason}
		}
	}
	return nil
}

// checkAddress returns the host of an address and what is wrong with it, "" if nothing.
func checkAddress(address string, hostName bool) (host, reason string) {
	host, port, err := net.SplitHostPort(address)
	switch number, bad := strconv.ParseUint(port, 10, 16); {
	case err != nil:
		return "", "must be an address of the form host:port"
	case bad != nil:
		return "", "must have a port from 0 to 65535"
	case host == "", !hostName && net.ParseIP(host) == nil:
		return "", "must have an IP address before the port"
	case hostName && number == 0:
		return "", "must have a port"
	}
	return host, ""
}

func (c *Config) checkRest() error {
	if c.Expect != 1 && c.Expect != 3 && c.Expect != 5 {
		return &ConfigError{"Expect", fmt.Sprint(c.Expect), "must be 1, 3 or 5"}
	}
	for i, key := range c.Keys {
		if n := len(key); n != 16 && n != 24 && n != 32 { // the key itself is a secret
			return &ConfigError{"Keys", fmt.Sprintf("[%d]", i), fmt.Sprintf("has %d bytes, must have 16, 24 or 32", n)}
		}
	}
	if _, known := presets()[c.Preset]; !known {
		return &ConfigError{"Preset", fmt.Sprint(int(c.Preset)), "must be PresetLAN, PresetLocal or PresetWAN"}
	}
	if c.DeadAfter < time.Second {
		return &ConfigError{"DeadAfter", c.DeadAfter.String(), "must be at least 1s"}
	}
	if least := 2 * presets()[c.Preset].election; c.StallAfter < least {
		return &ConfigError{"StallAfter", c.StallAfter.String(), fmt.Sprintf("must be at least %v with this Preset", least)}
	}
	if t := c.TLS; t != nil {
		switch {
		case len(t.Certificates) == 0 && (t.GetCertificate == nil || t.GetClientCertificate == nil):
			return &ConfigError{"TLS", "Certificates", "is empty: a member has to show a certificate"}
		case t.RootCAs == nil:
			return &ConfigError{"TLS", "RootCAs", "is nil: a member has to check the certificates of others"}
		case t.ClientCAs == nil:
			return &ConfigError{"TLS", "ClientCAs", "is nil: a member has to check the certificates of others"}
		case t.InsecureSkipVerify:
			return &ConfigError{"TLS", "InsecureSkipVerify", "is true: certificates would not be checked"}
		}
	}
	return nil
}

// system is the operating system's network.
type system struct{}

func (system) Listen(address string) (net.Listener, error) { return net.Listen("tcp", address) }

func (system) ListenPacket(address string) (net.PacketConn, error) {
	return net.ListenPacket("udp", address)
}

func (system) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, address)
}
