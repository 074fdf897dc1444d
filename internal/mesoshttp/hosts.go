package mesoshttp

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/internal/zkaddress"
)

// Hosts are the hosts that requests, and the credentials with them, may be sent to. Ports do not count. Names are not
// resolved: one is only trusted by its name, an address only as an address. Use ParseHosts or HostsOf.
type Hosts struct {
	all       bool
	certified bool // those of https URLs are trusted without being listed
	names     []string
	domains   []string // with a dot before
	ranges    []netip.Prefix
	addresses []netip.Addr
}

// HostError is returned by ParseHosts for an entry that cannot be used.
type HostError struct {
	Index  int
	Entry  string
	Reason string // continues the sentence after the entry
}

// Error implements error.
func (e *HostError) Error() string {
	return fmt.Sprintf("mesoshttp: host %d, %q, %s", e.Index, e.Entry, e.Reason)
}

// ParseHosts parses a list of host names, IP addresses, domains such as *.example.com (all names below it), ranges such
// as 10.0.0.0/8, and *, which means all hosts. The error is a *HostError.
func ParseHosts(entries []string) (*Hosts, error) {
	h := new(Hosts)
	for i, entry := range entries {
		if !h.parse(entry) {
			return nil, &HostError{Index: i, Entry: entry,
				Reason: "must be a host name or an IP address, without scheme, port and path, or one of the forms *.example.com, 10.0.0.0/8 and *"}
		}
	}
	return h, nil
}

// HostsOf returns the hosts of masters' base URLs. If certified is set, hosts of https URLs need not be listed, since their
// certificates say who they are.
func HostsOf(masters []string, certified bool) *Hosts {
	h := &Hosts{certified: certified}
	for _, master := range masters {
		if u, err := url.Parse(master); err == nil {
			h.add(u.Hostname())
		}
	}
	return h
}

func (h *Hosts) parse(entry string) (ok bool) {
	if entry == "*" {
		h.all = true
		return true
	}
	if r, err := netip.ParsePrefix(entry); err == nil {
		if mapped := r.Addr().Is4In6(); mapped && r.Bits() < 96 {
			return false // more than the IPv4 addresses, which hosts are compared as
		} else if mapped {
			r = netip.PrefixFrom(r.Addr().Unmap(), r.Bits()-96)
		}
		h.ranges = append(h.ranges, r.Masked())
		return true
	}
	host := entry
	if inner, found := strings.CutPrefix(entry, "["); found {
		if host, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(host, ":") {
			return false
		}
	}
	if _, err := netip.ParseAddr(host); err == nil {
		h.add(host)
		return zkaddress.ValidHost(host)
	}
	name, isDomain := strings.CutPrefix(host, "*.")
	if !isName(name) {
		return false
	}
	if isDomain {
		h.domains = append(h.domains, "."+fold(name))
	} else {
		h.add(name)
	}
	return true
}

// isName reports whether s is a host name, an international one in its ASCII form. One that ends in a number is not:
// resolvers take such as 10.1 or 0x7f.1 for addresses.
func isName(s string) bool {
	labels := strings.Split(fold(s), ".")
	last := labels[len(labels)-1]
	return zkaddress.ValidHost(s) && !slices.Contains(labels, "") && strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x")
}

// fold returns a host name as it is compared: in lower case, and without the dot at the end of a full one.
func fold(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func (h *Hosts) add(host string) {
	if ip, err := netip.ParseAddr(host); err == nil {
		h.addresses = append(h.addresses, ip.Unmap())
	} else {
		h.names = append(h.names, fold(host))
	}
}

// has reports whether requests may be sent to the host of a URL.
func (h *Hosts) has(u *url.URL) bool {
	if h == nil || h.all || h.certified && u.Scheme == "https" {
		return true
	}
	host := u.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap() // 10.0.0.1 and ::ffff:10.0.0.1 are the same host; an address with a zone is in no range
		return slices.Contains(h.addresses, ip) || slices.ContainsFunc(h.ranges, func(r netip.Prefix) bool { return r.Contains(ip) })
	}
	// A name with other characters may be another one to who resolves it.
	name := fold(host)
	return zkaddress.ValidHost(host) && (slices.Contains(h.names, name) ||
		slices.ContainsFunc(h.domains, func(d string) bool { return len(name) > len(d) && strings.HasSuffix(name, d) }))
}

// UntrustedError is returned for a request that was not sent, since its host is none of Config.Hosts.
type UntrustedError struct{ Host string }

// Error says what to do.
func (e *UntrustedError) Error() string {
	return fmt.Sprintf("the host %q is not trusted: if it is one of your masters, add it to Config.TrustedHosts", e.Host)
}
