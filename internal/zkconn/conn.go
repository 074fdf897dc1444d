// Package zkconn guards the ZooKeeper client library against what is at the other end of its connections, and against what
// the library makes of connections that fail. A [Conn] fails early where the library alone would wait for long or allocate
// without limit. It says nothing about which server is tried when. There are no goroutines.
package zkconn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// minPacket is the length of a response's header.
const minPacket = 16

// Guard says what a connection may do, and who is told of it.
type Guard struct {
	Address   string // of the server, for errors
	MaxPacket uint32 // the longest packet that is accepted
	// Patience returns for how long a packet is waited for, when the first one has arrived or not.
	Patience func(established bool) time.Duration
	// Refused gets the error of a packet that was not accepted, or why the first one did not come, which the library leaves
	// out of its own errors. Nil: nobody.
	Refused func(error)
	// Granted gets the session timeout that the server grants, which the library does not tell. Nil: nobody.
	Granted func(time.Duration)
}

// Conn is a connection that fails when the other side is not a ZooKeeper server or does not answer in time. The
// library alone would take the first four bytes of any text for a length and allocate as much, 1.2 GB for an HTTP server,
// and wait ten times too long for the answer to its first packet. A write that fails is only told by the reads.
type Conn struct {
	net.Conn
	guard Guard
	from  *bufio.Reader
	head  []byte // the bytes of the next packet's length that have arrived
	size  int    // of the current packet
	left  int    // bytes of it that have not arrived
	begun []byte // the bytes of it that have arrived, of those that are examined
	later bool   // the first packet has arrived

	mu    sync.Mutex
	asked map[int32]operation // requests without an answer of which the answer is examined, by number
}

// New returns conn with a guard.
func New(conn net.Conn, g Guard) *Conn {
	return &Conn{Conn: conn, guard: g, from: bufio.NewReaderSize(conn, 64<<10), asked: map[int32]operation{}}
}

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.from.Read(b)
	if err != nil {
		c.Conn.Close() // or the library goes on waiting for a write that hangs
		if n == 0 && !c.later {
			c.refuse(fmt.Errorf("%s gives no answer: %w", c.guard.Address, cause(err)))
		}
	}
	for rest := b[:n]; len(rest) > 0; {
		if c.left > 0 {
			body := min(c.left, len(rest))
			if err := c.examine(rest[:body]); err != nil {
				c.refuse(err)
				return 0, err
			}
			c.left -= body
			rest = rest[body:]
			continue
		}
		c.head = append(c.head, rest[0])
		rest = rest[1:]
		if len(c.head) < 4 {
			continue
		}
		size := binary.BigEndian.Uint32(c.head)
		if err := c.check(size); err != nil {
			c.refuse(err)
			return 0, err
		}
		c.size, c.left, c.head, c.begun = int(size), int(size), c.head[:0], c.begun[:0]
	}
	return n, err
}

func (c *Conn) refuse(err error) {
	if c.guard.Refused != nil {
		c.guard.Refused(err)
	}
}

// cause returns err without the addresses of both sides, of which one is another each time.
func cause(err error) error {
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return op.Err
	}
	return err
}

// check returns why a packet of a length is not accepted, or nil.
func (c *Conn) check(size uint32) error {
	switch {
	case size >= minPacket && size <= c.guard.MaxPacket:
		return nil
	case c.later:
		return fmt.Errorf("%s sends %d bytes at once, and at most %d are taken: are there too many nodes?", c.guard.Address, size, c.guard.MaxPacket)
	}
	return fmt.Errorf("%s is not a ZooKeeper server: it says %q", c.guard.Address, c.head)
}

// Write implements net.Conn. It never fails: the connection is closed instead, and Read says so. To a request whose
// write has failed the library gives two answers. There is no room for two where it sends the password again after a
// reconnect, so that it would wait for ever, and whoever closes the session with it.
func (c *Conn) Write(b []byte) (int, error) {
	c.note(b)
	if _, err := c.Conn.Write(b); err != nil {
		c.Conn.Close()
	}
	return len(b), nil
}

// SetReadDeadline implements net.Conn. The library clears the deadline before it reads the body of a packet, and sets
// one before each packet: 2/3 of the session timeout, and ten times as long for the first one.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if t.IsZero() {
		return nil
	}
	if limit := time.Now().Add(c.guard.Patience(c.later)); t.After(limit) {
		t = limit
	}
	return c.Conn.SetReadDeadline(t)
}

// Logger passes the library's log lines to slog, at level Debug.
type Logger struct{ To *slog.Logger }

// Printf implements zk.Logger.
func (l Logger) Printf(format string, args ...any) {
	l.To.Debug("ZooKeeper client", "text", fmt.Sprintf(format, args...))
}
