//go:build unix

package actionclient

import (
	"errors"
	"net"
	"syscall"
)

// proberOf returns nil if there is no way to ask.
func proberOf(conn net.Conn) prober {
	if p, ok := conn.(prober); ok {
		return p
	}
	c, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	s := &socket{raw: raw}
	s.read = s.readOnce
	return s
}

// socket asks the operating system.
type socket struct {
	raw  syscall.RawConn
	read func(fd uintptr) bool // made once, so that asking does not allocate
	last error
}

// Readable reads a byte, without waiting: there is none on a connection that is as it should be. That the byte is lost
// does not matter, for a connection on which there is one is closed.
func (s *socket) Readable() bool {
	s.last = nil
	err := s.raw.Read(s.read)
	return err != nil || !errors.Is(s.last, syscall.EAGAIN)
}

func (s *socket) readOnce(fd uintptr) bool {
	var b [1]byte
	_, s.last = syscall.Read(int(fd), b[:])
	return true
}
