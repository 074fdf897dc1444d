package zktest

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// Fake is a ZooKeeper server in memory, with one list of nodes below each path, for tests that need virtual time or a server
// that lies. It knows the requests that read, and no other. The functions are called for each such request, and must be
// quick. Serve it; it ends with its listener.
type Fake struct {
	Children func() []string                              // names of the nodes
	Data     func(node string) (data []byte, czxid int64) // of a node; nil: there is no such node
	Answer   func(operation int32, answer []byte) []byte  // of a request, from what is right; nil: none is sent. Unless nil
	Storm    bool                                         // watches fire as soon as they are set

	mu      sync.Mutex
	watches map[*fakeConn]string // with the path
	counts  map[int32]int
}

// The operations of Fake.
const (
	OpConnect  int32 = 0
	OpData     int32 = 4
	OpSync     int32 = 9
	opPing     int32 = 11
	OpChildren int32 = 12
	OpAuth     int32 = 100
	opClose    int32 = -11
)

type fakeConn struct {
	net.Conn
	mu   sync.Mutex // of Write
	fire string     // the path of a watch that fires after the present answer
}

// Serve answers connections until the listener is closed.
func (f *Fake) Serve(l net.Listener) {
	f.mu.Lock()
	f.watches, f.counts = map[*fakeConn]string{}, map[int32]int{}
	f.mu.Unlock()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			break
		}
		all.Go(func() {
			defer conn.Close()
			f.serve(&fakeConn{Conn: conn})
		})
	}
}

// Count returns how many requests of an operation there were.
func (f *Fake) Count(operation int32) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[operation]
}

// Change fires all watches, once.
func (f *Fake) Change() {
	f.mu.Lock()
	watches := f.watches
	f.watches = map[*fakeConn]string{}
	f.mu.Unlock()
	for conn, path := range watches {
		conn.notify(path)
	}
}

func (f *Fake) serve(c *fakeConn) {
	if _, err := packet(c); err != nil {
		return
	}
	session := binary.BigEndian.AppendUint32(nil, 0)         // version
	session = binary.BigEndian.AppendUint32(session, 10_000) // timeout in ms
	session = binary.BigEndian.AppendUint64(session, 1)      // number
	session = text(session, strings.Repeat("p", 16))         // password
	for operation, answer := OpConnect, session; ; {
		f.mu.Lock()
		f.counts[operation]++
		f.mu.Unlock()
		if f.Answer != nil {
			answer = f.Answer(operation, answer)
		}
		if answer != nil {
			c.send(answer)
		}
		if c.fire != "" {
			c.notify(c.fire)
			c.fire = ""
		}
		if operation == opClose {
			return
		}
		request, err := packet(c)
		if err != nil {
			return
		}
		if operation == OpConnect {
			time.Sleep(time.Nanosecond) // an answer that comes at once would race with how the client library begins a session
		}
		operation, answer = f.handle(c, request)
	}
}

func (f *Fake) handle(c *fakeConn, request []byte) (operation int32, answer []byte) {
	answer = binary.BigEndian.AppendUint64(bytes.Clone(request[:4]), 1) // number, and that of the last change
	operation = int32(binary.BigEndian.Uint32(request[4:]))
	path := func() string { return string(request[12 : 12+binary.BigEndian.Uint32(request[8:])]) }
	switch operation {
	case OpSync:
		return operation, text(fine(answer), path())
	case OpChildren:
		names := f.Children()
		answer = binary.BigEndian.AppendUint32(fine(answer), uint32(len(names)))
		for _, name := range names {
			answer = text(answer, name)
		}
		if watch := request[len(request)-1] == 1; watch && f.Storm {
			c.fire = path()
		} else if watch {
			f.mu.Lock()
			f.watches[c] = path()
			f.mu.Unlock()
		}
		return operation, stat(answer, 0)
	case OpData:
		parts := strings.Split(path(), "/")
		data, czxid := f.Data(parts[len(parts)-1])
		if data == nil {
			const noNode = 101
			return operation, binary.BigEndian.AppendUint32(answer, 1<<32-noNode)
		}
		return operation, stat(text(fine(answer), string(data)), czxid)
	}
	return operation, fine(answer)
}

func (c *fakeConn) notify(path string) {
	event := binary.BigEndian.AppendUint32(nil, 1<<32-1)
	event = fine(binary.BigEndian.AppendUint64(event, 1<<64-1))
	event = binary.BigEndian.AppendUint32(event, 4) // children have changed
	event = binary.BigEndian.AppendUint32(event, 3) // connected
	c.send(text(event, path))
}

func (c *fakeConn) send(body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
}

func packet(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(r, body)
	return body, err
}

func fine(b []byte) []byte { return binary.BigEndian.AppendUint32(b, 0) }

func text(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func stat(b []byte, czxid int64) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(czxid)), make([]byte, 60)...)
}
