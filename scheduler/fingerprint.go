package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
)

// fingerprint returns what the record of the framework says of this config.
func (c Config) fingerprint() record.Fingerprint {
	f := record.Fingerprint{Name: c.Framework.Name, User: c.Framework.User, Principal: c.Framework.Principal, Roles: slices.Sorted(slices.Values(c.Framework.Roles))}
	if c.Credential != nil {
		f.Principal = cmp.Or(f.Principal, c.Credential.Principal)
	}
	if d, err := c.detector(); err == nil { // it was checked
		f.Master = d.Address()
	}
	return f
}

// checkFingerprint returns a FingerprintError if the framework on record is another one than this.
//
// It is another one if its name differs, or its cluster, or its principal, of which the master refuses a change. User and
// roles may change: the master ignores the first, and takes the second. What one of the two does not say is not compared:
// records of earlier versions say nothing, and a token does not say whose it is. As long as no master has accepted the
// framework, and after one has removed it, only the name counts: nothing runs under it anywhere, and what did not work may
// have been the address or the principal.
func checkFingerprint(f record.Framework, own record.Fingerprint) error {
	stored := f.Fingerprint
	differ := func(field, stored, own string) error {
		return &FingerprintError{Field: field, Stored: stored, Config: own}
	}
	known := func(a, b string) bool { return a != "" && b != "" }
	switch {
	case known(stored.Name, own.Name) && stored.Name != own.Name:
		return differ("name", stored.Name, own.Name)
	case f.State != record.Active:
		return nil
	case known(stored.Principal, own.Principal) && stored.Principal != own.Principal:
		return differ("principal", stored.Principal, own.Principal)
	case known(stored.Master, own.Master) && !sameCluster(stored.Master, own.Master):
		return differ("master", stored.Master, own.Master)
	}
	return nil
}

// sameCluster reports whether two addresses can be those of one cluster: whether they have a server in common, and for
// ZooKeeper the path. Masters are added, removed and moved one by one, so that one is left.
func sameCluster(a, b string) bool {
	zkA, zkB := strings.HasPrefix(a, "zk://"), strings.HasPrefix(b, "zk://")
	if zkA != zkB {
		return false
	}
	serversA, pathA := splitAddress(a)
	serversB, pathB := splitAddress(b)
	return pathA == pathB && slices.ContainsFunc(serversA, func(s string) bool { return slices.Contains(serversB, s) })
}

// splitAddress returns the servers of an address, and the path in ZooKeeper. The path of an HTTP URL, that of a proxy,
// belongs to its server. The scheme does not: a master may begin to use TLS.
func splitAddress(s string) (servers []string, path string) {
	s, zookeeper := strings.CutPrefix(s, "zk://")
	if zookeeper {
		s, path, _ = strings.Cut(s, "/")
	}
	for server := range strings.SplitSeq(s, ",") {
		scheme, rest, found := strings.Cut(server, "://")
		if !found {
			rest = server
		}
		host, proxied, _ := strings.Cut(rest, "/")
		host = strings.TrimSuffix(host, map[string]string{"http": ":80", "https": ":443"}[scheme])
		servers = append(servers, sameLoopback(host)+"/"+proxied)
	}
	return servers, path
}

// sameLoopback returns a host, with or without a port, under one name for all by which this machine calls itself.
func sameLoopback(host string) string {
	for _, name := range [...]string{"127.0.0.1", "[::1]"} {
		if port, ok := strings.CutPrefix(host, name); ok && (port == "" || port[0] == ':') {
			return "localhost" + port
		}
	}
	return host
}

// checkFramework returns why the framework on record cannot be led by this process, or nil.
func checkFramework(f record.Framework, tasks []record.Task, s settings) error {
	if !s.adopt {
		if err := checkFingerprint(f, s.fingerprint); err != nil {
			return err
		}
	}
	if f.State == record.TornDown || f.State == record.Removed && !s.renew {
		return &FrameworkRemovedError{FrameworkID: f.ID, TornDown: f.State == record.TornDown}
	}
	if f.ID != "" {
		return nil
	}
	for i := range tasks {
		// A new framework would get no updates about the task, and could launch it a second time.
		switch info := &tasks[i].Info; {
		case occupies(info.State):
			return &RecordError{Key: record.FrameworkKey, Err: fmt.Errorf("it is missing, and task %q is %v", info.Spec.ID, info.State)}
		case !info.State.Terminal() && tasks[i].Lost > 0:
			return &RecordError{Key: record.FrameworkKey, Err: fmt.Errorf("it is missing, and task %q was launched", info.Spec.ID)}
		}
	}
	return nil
}
