//go:build unix

package actionclient

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
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
	s.read, s.write = s.readOnce, s.writeSome
	return s
}

// socket asks the operating system.
type socket struct {
	raw syscall.RawConn
	// read and write are made once, so that calls do not allocate.
	read, write func(fd uintptr) bool
	last        error // of the last call of either

	out  []byte // what is to be written
	end  time.Time
	sent int
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

func (s *socket) sendUntil(b []byte, end time.Time) (n int, err error) {
	s.out, s.end, s.sent, s.last = b, end, 0, nil
	err = s.raw.Write(s.write)
	s.out = nil
	if s.last != nil {
		err = s.last
	}
	return s.sent, err
}

// writeSome writes as much as the connection takes, and reports whether that is all that is going to be written.
func (s *socket) writeSome(fd uintptr) (done bool) {
	for s.sent < len(s.out) {
		if passed(s.end) {
			s.last = ErrTooLate
			return true
		}
		n, err := syscall.Write(int(fd), s.out[s.sent:])
		switch {
		case err == nil:
			s.sent += n
		case errors.Is(err, syscall.EAGAIN):
			return false
		case !errors.Is(err, syscall.EINTR):
			s.last = os.NewSyscallError("write", err)
			return true
		}
	}
	return true
}
