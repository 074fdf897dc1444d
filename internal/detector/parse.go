package detector

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ParseError is returned by New for a Config.Master that cannot be used.
type ParseError struct {
	Value  string // without the password
	Reason string // continues the sentence after the value, such as "is required"
}

// Error implements error.
func (e *ParseError) Error() string { return fmt.Sprintf("detector: Master %q %s", e.Value, e.Reason) }

// ensemble is a parsed zk:// URL.
type ensemble struct {
	servers []string // host:port
	path    string   // absolute
	auth    string   // user:password, or empty
}

// parse parses Config.Master: a list of base URLs, or an ensemble.
func parse(s string) ([]string, *ensemble, error) {
	value := strings.TrimSpace(s)
	masters, zookeeper := []string(nil), (*ensemble)(nil)
	reason := "is required"
	if rest, ok := strings.CutPrefix(value, "zk://"); ok {
		zookeeper, reason = parseEnsemble(rest)
	} else if value != "" {
		masters, reason = parseList(value)
	}
	if reason != "" {
		return nil, nil, &ParseError{Value: redact(s), Reason: reason}
	}
	return masters, zookeeper, nil
}

// redact hides everything that may be a password, also in a mistyped value.
func redact(s string) string {
	at := strings.LastIndex(s, "@")
	if at < 0 {
		return s
	}
	for _, scheme := range []string{"zk://", "http://", "https://"} {
		if strings.HasPrefix(s, scheme) {
			return scheme + "***" + s[at:]
		}
	}
	return "***" + s[at:]
}

// parseList returns the base URLs, or the reason why the list is invalid. The reason quotes entries, so it must not
// be called for a value that may have a password.
func parseList(s string) (masters []string, reason string) {
	if strings.Contains(s, "@") {
		return nil, "must be scheme, host, port and path only: credentials have their own place"
	}
	for entry := range strings.SplitSeq(s, ",") {
		master, reason := parseMaster(strings.TrimSpace(entry))
		if reason != "" {
			return nil, reason
		}
		if slices.Contains(masters, master) {
			return nil, "names " + master + " twice"
		}
		masters = append(masters, master)
	}
	return masters, ""
}

// parseMaster returns the base URL of one master, or the reason why it is invalid.
func parseMaster(s string) (master, reason string) {
	if s == "" {
		return "", "has an empty entry"
	}
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err // without the URL, which is in the error already
		}
		return "", "is not a URL: " + err.Error()
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return "", "must be a zk URL, or http or https URLs"
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return "", "must be scheme, host, port and path only"
	case !validHost(u.Hostname()):
		return "", "must name a host"
	case !validPort(u.Port()) && u.Port() != "" || strings.HasSuffix(u.Host, ":"):
		return "", "has no port between 1 and 65535"
	}
	u.Host = strings.ToLower(u.Host)
	return strings.TrimRight(u.String(), "/"), ""
}

// parseEnsemble parses a zk URL without its scheme, as masters do: the first / begins the path, and the last @ before
// it ends the credentials, in which nothing is escaped.
func parseEnsemble(s string) (e *ensemble, reason string) {
	hosts, path, _ := strings.Cut(s, "/")
	path = "/" + strings.TrimRight(path, "/")
	if strings.Contains(path, "@") {
		return nil, "must have neither / in the password nor @ in the path"
	}
	e = &ensemble{path: path}
	if at := strings.LastIndex(hosts, "@"); at >= 0 {
		e.auth, hosts = hosts[:at], hosts[at+1:]
		if user, _, found := strings.Cut(e.auth, ":"); !found || user == "" {
			return nil, "must have user:password before the @"
		}
	}
	for host := range strings.SplitSeq(hosts, ",") {
		server, reason := parseServer(strings.TrimSpace(host))
		if reason != "" {
			return nil, reason
		}
		if slices.Contains(e.servers, server) {
			return nil, "names " + server + " twice"
		}
		e.servers = append(e.servers, server)
	}
	if reason := badPath(path); reason != "" {
		return nil, reason
	}
	return e, ""
}

// parseServer returns host:port of a ZooKeeper server.
func parseServer(s string) (server, reason string) {
	if s == "" {
		return "", "has an empty entry"
	}
	u, err := url.Parse("zk://" + s)
	if err != nil || u.Host != s || !validHost(u.Hostname()) {
		return "", "must have host:port,host:port between zk:// and the path"
	}
	port := u.Port()
	if port == "" && !strings.HasSuffix(s, ":") {
		port = "2181"
	}
	if !validPort(port) {
		return "", "has no port between 1 and 65535"
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port), ""
}

// validHost reports whether host is a name, an international one in its ASCII form, or an IP address. url.Parse
// accepts much more.
func validHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	return s != "" && strings.Trim(s, letters) == ""
}

func validPort(s string) bool {
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
