package detector

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/internal/zkaddress"
)

// ParseError is returned by New for a Config.Master that cannot be used.
type ParseError struct {
	Value  string // without the password
	Reason string // continues the sentence after the value, such as "is required"
}

// Error implements error.
func (e *ParseError) Error() string { return fmt.Sprintf("detector: Master %q %s", e.Value, e.Reason) }

// Redact returns a Config.Master without its password, also if it is mistyped.
func Redact(master string) string { return zkaddress.Redact(master) }

// parse parses Config.Master: a list of base URLs, or an ensemble.
func parse(s string) ([]string, *zkaddress.Address, error) {
	value := strings.TrimSpace(s)
	masters, zookeeper := []string(nil), (*zkaddress.Address)(nil)
	reason := "is required"
	if rest, ok := strings.CutPrefix(value, "zk://"); ok {
		zookeeper, reason = zkaddress.Parse(rest)
	} else if value != "" {
		masters, reason = parseList(value)
	}
	if reason != "" {
		return nil, nil, &ParseError{Value: Redact(s), Reason: reason}
	}
	return masters, zookeeper, nil
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

// masterPort is the port of a master that is given without scheme and port.
const masterPort = "5050"

// parseMaster returns the base URL of one master, or the reason why it is invalid.
func parseMaster(s string) (master, reason string) {
	if s == "" {
		return "", "has an empty entry"
	}
	bare := !strings.Contains(s, "://")
	if bare {
		if ip, err := netip.ParseAddr(s); err == nil && ip.Is6() {
			s = "[" + s + "]"
		}
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
	case !zkaddress.ValidHost(u.Hostname()):
		return "", "must name a host"
	case !zkaddress.ValidPort(u.Port()) && u.Port() != "" || strings.HasSuffix(u.Host, ":"):
		return "", "has no port between 1 and 65535"
	}
	u.Host = strings.ToLower(u.Host)
	if bare && u.Port() == "" {
		u.Host += ":" + masterPort
	}
	return strings.TrimRight(u.String(), "/"), ""
}
