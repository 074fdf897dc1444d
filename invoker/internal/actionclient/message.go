package actionclient

import "strconv"

// message is a POST with a JSON body, in one piece: what is sent by one write either has left or has not. The body is written behind
// a gap for the head, which is known only when the body is.
type message struct {
	bytes []byte
	head  string // up to the length of the body
	gap   int
}

// keepMessage is up to which size a message is used again.
const keepMessage = 64 << 10

// newMessage returns a message whose bytes await the body. Recycle it.
func (c *Client) newMessage(path, host string) *message {
	m := c.messages.Get().(*message)
	m.head = "POST " + path + " HTTP/1.1\r\nHost: " + host + "\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: "
	m.gap = len(m.head) + len("18446744073709551615\r\n\r\n")
	m.bytes = append(m.bytes[:0], make([]byte, m.gap)...)
	return m
}

func (c *Client) recycle(m *message) {
	if cap(m.bytes) <= keepMessage {
		c.messages.Put(m)
	}
}

// finish returns the message with its head.
func (m *message) finish() []byte {
	var digits [24]byte
	end := append(strconv.AppendInt(digits[:0], int64(len(m.bytes)-m.gap), 10), "\r\n\r\n"...)
	start := m.gap - len(m.head) - len(end)
	copy(m.bytes[start:], m.head)
	copy(m.bytes[start+len(m.head):], end)
	return m.bytes[start:]
}
