//go:build !unix

package actionclient

import "net"

// proberOf returns nil if there is no way to ask.
func proberOf(conn net.Conn) prober {
	p, _ := conn.(prober)
	return p
}
