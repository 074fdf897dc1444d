package zookeeper

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// relay is a network between a member and a server. It can be a black hole: connections stay, and nothing arrives any
// more, from either side.
type relay struct {
	address  string
	server   string
	listener net.Listener
	all      sync.WaitGroup

	mu    sync.Mutex
	hole  chan struct{} // nil: open. Closed when it opens again.
	conns []net.Conn
	lose  int32         // the opcode of the request whose reply is lost, and the connection with it; 0: none
	blind bool          // watches report nothing
	slow  time.Duration // for so long each reply is held, and those behind it
	lost  int           // replies and reports
}

// newRelay relays connections to the server for the length of the test.
func newRelay(t *testing.T, server string) *relay {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &relay{address: l.Addr().String(), server: server}
	r.listener = l
	r.all.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			r.all.Go(func() { r.serve(near) })
		}
	})
	t.Cleanup(r.end)
	return r
}

// end ends the relay and all its connections.
func (r *relay) end() {
	r.listener.Close()
	r.open()
	r.cut()
	r.all.Wait()
}

// close makes the relay a black hole.
func (r *relay) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hole == nil {
		r.hole = make(chan struct{})
	}
}

// open ends it, and what was held arrives.
func (r *relay) open() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hole != nil {
		close(r.hole)
		r.hole = nil
	}
}

// cut closes all connections.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		c.Close()
	}
	r.conns = nil
}

// loseReply loses the reply to the next request with the opcode.
func (r *relay) loseReply(opcode int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lose = opcode
}

// delay holds each reply, and those behind it.
func (r *relay) delay(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slow = d
}

// loseWatches loses what watches report.
func (r *relay) loseWatches() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blind = true
}

func (r *relay) losses() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

// pass waits while the relay is a black hole.
func (r *relay) pass() {
	for {
		r.mu.Lock()
		hole := r.hole
		r.mu.Unlock()
		if hole == nil {
			return
		}
		<-hole
	}
}

func (r *relay) serve(near net.Conn) {
	defer near.Close()
	r.pass()
	far, err := net.Dial("tcp", r.server)
	if err != nil {
		return
	}
	defer far.Close()
	r.mu.Lock()
	r.conns = append(r.conns, near, far)
	r.mu.Unlock()
	var (
		both   sync.WaitGroup
		marked = make(chan uint32, 16) // xids of requests whose reply is lost
	)
	both.Go(func() {
		defer far.Close()
		copyPackets(near, far, func(packet []byte) (pass, goOn bool) {
			r.pass()
			r.mu.Lock()
			defer r.mu.Unlock()
			if len(packet) >= 8 && r.lose != 0 && int32(binary.BigEndian.Uint32(packet[4:])) == r.lose {
				r.lose = 0
				marked <- binary.BigEndian.Uint32(packet)
			}
			return true, true
		})
	})
	both.Go(func() {
		defer near.Close()
		var mark uint32
		copyPackets(far, near, func(packet []byte) (pass, goOn bool) {
			r.pass()
			select {
			case mark = <-marked:
			default:
			}
			r.mu.Lock()
			slow := r.slow
			r.mu.Unlock()
			time.Sleep(slow)
			r.mu.Lock()
			defer r.mu.Unlock()
			switch {
			case len(packet) < 4:
			case r.blind && binary.BigEndian.Uint32(packet) == reportXid:
				r.lost++
				return false, true
			case mark != 0 && binary.BigEndian.Uint32(packet) == mark:
				r.lost++
				return false, false
			}
			return true, true
		})
	})
	both.Wait()
}

// reportXid begins the packets by which watches report.
const reportXid = 1<<32 - 1

// copyPackets copies the packets for which see says so, until it says that it is over.
func copyPackets(from io.Reader, to io.Writer, see func([]byte) (pass, goOn bool)) {
	for {
		packet := make([]byte, 4)
		if _, err := io.ReadFull(from, packet); err != nil {
			return
		}
		packet = append(packet, make([]byte, binary.BigEndian.Uint32(packet))...)
		if _, err := io.ReadFull(from, packet[4:]); err != nil {
			return
		}
		pass, goOn := see(packet[4:])
		if !goOn {
			return
		}
		if !pass {
			continue
		}
		if _, err := to.Write(packet); err != nil {
			return
		}
	}
}
