// Package zkaddress parses the addresses of ZooKeeper ensembles as Mesos' masters do. It promises that no text that it
// returns has a password, save the field Auth. It does not resolve names. There are no goroutines.
package zkaddress

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Address is a parsed zk:// URL.
type Address struct {
	Servers []string // host:port
	Path    string   // absolute
	Auth    string   `json:"-"` // user:password, or empty
}

// String returns the URL without user and password.
func (a Address) String() string { return "zk://" + strings.Join(a.Servers, ",") + a.Path }

// GoString returns the same as String, so that the password is not logged.
func (a Address) GoString() string { return a.String() }

// Redact hides everything that may be a password or a token, also in a mistyped value.
func Redact(s string) string {
	at := strings.LastIndex(s, "@")
	rest := s[at+1:]
	if query := strings.IndexAny(rest, "?#"); query >= 0 {
		rest = rest[:query+1] + "***"
	}
	if at < 0 {
		return rest
	}
	for _, scheme := range []string{"zk://", "http://", "https://"} {
		if strings.HasPrefix(s, scheme) {
			return scheme + "***@" + rest
		}
	}
	return "***@" + rest
}

// Parse parses a zk URL without its scheme, as masters do: the first / begins the path, and the last @ before it ends
// the credentials, in which nothing is escaped. The reason why it cannot be used continues a sentence that begins with
// the URL.
func Parse(s string) (a *Address, reason string) {
	hosts, path, _ := strings.Cut(s, "/")
	path = "/" + strings.TrimRight(path, "/")
	if strings.Contains(path, "@") {
		return nil, "must have neither / in the password nor @ in the path"
	}
	if strings.Contains(path, ",") {
		return nil, "must have all servers before its one path: zk://host1:2181,host2:2181/path"
	}
	a = &Address{Path: path}
	if at := strings.LastIndex(hosts, "@"); at >= 0 {
		a.Auth, hosts = hosts[:at], hosts[at+1:]
		if user, _, found := strings.Cut(a.Auth, ":"); !found || user == "" {
			return nil, "must have user:password before the @"
		}
	}
	for host := range strings.SplitSeq(hosts, ",") {
		server, reason := parseServer(strings.TrimSpace(host))
		if reason != "" {
			return nil, reason
		}
		if slices.Contains(a.Servers, server) {
			return nil, "names " + server + " twice"
		}
		a.Servers = append(a.Servers, server)
	}
	if reason := badPath(path); reason != "" {
		return nil, reason
	}
	return a, ""
}

// parseServer returns host:port of a ZooKeeper server.
func parseServer(s string) (server, reason string) {
	if s == "" {
		return "", "has an empty entry"
	}
	u, err := url.Parse("zk://" + s)
	if err != nil || u.Host != s || !ValidHost(u.Hostname()) {
		return "", "must have host:port,host:port between zk:// and the path"
	}
	port := u.Port()
	if port == "" && !strings.HasSuffix(s, ":") {
		port = "2181"
	}
	if !ValidPort(port) {
		return "", "has no port between 1 and 65535"
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port), ""
}

// ValidHost reports whether s is a name, an international one in its ASCII form, or an IP address. url.Parse
// accepts much more.
func ValidHost(s string) bool {
	if len(s) > 253 { // as in DNS
		return false
	}
	if ip, err := netip.ParseAddr(s); err == nil {
		s = ip.Zone() // may have any characters
		if s == "" {
			return true
		}
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	return s != "" && strings.Trim(s, letters) == ""
}

// ValidPort reports whether s is a port between 1 and 65535.
func ValidPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// badPath returns why ZooKeeper or Mesos would reject the path, or "".
func badPath(path string) string {
	if path == "/" {
		return "must have a path after the hosts, such as /mesos"
	}
	for name := range strings.SplitSeq(path[1:], "/") {
		if name == "" || name == "." || name == ".." {
			return "must have no empty name, . or .. in its path"
		}
	}
	odd := func(r rune) bool {
		return r <= ' ' || r >= 0x7f && r <= 0x9f || r >= 0xd800 && r <= 0xf8ff || r >= 0xfff0
	}
	if strings.ContainsFunc(path, odd) {
		return "must have no blanks and control characters in its path"
	}
	return ""
}
