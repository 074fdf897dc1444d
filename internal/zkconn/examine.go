package zkconn

import (
	"encoding/binary"
	"fmt"
	"time"
)

// operation is the code of a request. Answers to these are examined: the library takes the numbers in them for lengths and
// allocates as much, up to 64 GB, and ends the process over some that are cut short.
type operation int32

const (
	getData      operation = 4
	getChildren  operation = 8
	getChildren2 operation = 12
	multi        operation = 14
)

// examined is how much of a packet is examined: the header of an answer, or the first packet up to the password, and then a
// length.
const examined = 20

// note remembers which answer belongs to which request. The library writes each request at once: its length, number,
// operation and contents.
func (c *Conn) note(request []byte) {
	if len(request) < 12 {
		return
	}
	switch op := operation(binary.BigEndian.Uint32(request[8:])); op {
	case getData, getChildren, getChildren2, multi:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.asked[int32(binary.BigEndian.Uint32(request[4:]))] = op
	}
}

// examine takes further bytes of the current packet, and returns why it is not accepted, or nil.
func (c *Conn) examine(b []byte) error {
	for len(b) > 0 && len(c.begun) < c.wanted() {
		n := min(len(b), c.wanted()-len(c.begun))
		c.begun, b = append(c.begun, b[:n]...), b[n:]
		switch {
		case len(c.begun) < c.wanted(): // the rest is in b, or has not arrived
		case !c.later:
			c.later = true
			return c.examineFirst()
		default:
			return c.examineAnswer()
		}
	}
	return nil
}

// wanted returns how many bytes of the current packet are examined.
func (c *Conn) wanted() int {
	if c.later && len(c.begun) >= examined && c.operation() == multi {
		return c.size
	}
	return min(c.size, examined)
}

// operation returns what the current packet answers, of which the header has arrived; 0: nothing that is examined.
func (c *Conn) operation() operation {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[int32(binary.BigEndian.Uint32(c.begun))]
}

// examineFirst reads the session timeout, which follows the protocol's version. 0: no session.
func (c *Conn) examineFirst() error {
	if ms := int32(binary.BigEndian.Uint32(c.begun[4:])); ms > 0 && c.guard.Granted != nil {
		c.guard.Granted(time.Duration(ms) * time.Millisecond)
	}
	return c.checkLength(1)
}

func (c *Conn) examineAnswer() error {
	op := c.operation()
	c.mu.Lock()
	delete(c.asked, int32(binary.BigEndian.Uint32(c.begun)))
	c.mu.Unlock()
	switch op {
	case getData:
		return c.checkLength(1)
	case getChildren, getChildren2:
		return c.checkLength(4)
	case multi:
		return c.checkMulti()
	}
	return nil
}

// checkLength checks the number of elements at the end of what is examined, which take at least so many bytes each.
func (c *Conn) checkLength(each int64) error {
	if c.size < examined {
		return nil // the library notices that
	}
	count := int64(binary.BigEndian.Uint32(c.begun[16:]))
	if none := count == 1<<32-1 && each == 1; none || count*each <= int64(c.size-examined) {
		return nil
	}
	return fmt.Errorf("%s sends %d bytes that are to have %d elements: it is no ZooKeeper server, or something on the way damages its answers",
		c.guard.Address, c.size, count)
}

// checkMulti checks that the headers of the results in an answer are whole: nine bytes each, and before the last one results
// of 68 bytes, of a text, of an error or none.
func (c *Conn) checkMulti() error {
	for rest := c.begun[16:]; len(rest) >= 4; {
		if len(rest) < 9 {
			return fmt.Errorf("%s sends an answer that is cut short", c.guard.Address)
		}
		kind, done := int32(binary.BigEndian.Uint32(rest)), rest[4] != 0
		rest = rest[9:]
		size := 0
		switch {
		case done:
			return nil
		case kind == -1:
			size = 4
		case kind == 1 && len(rest) >= 4:
			size = 4 + int(binary.BigEndian.Uint32(rest))
		case kind == 5:
			size = 68
		}
		rest = rest[min(size, len(rest)):]
	}
	return nil
}
