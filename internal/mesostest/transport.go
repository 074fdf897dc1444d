package mesostest

import (
	"bytes"
	"net"
)

// quietConn keeps net/http from saying what libprocess does not say: the interim answer "100
// Continue", and an answer to bytes that are not HTTP, which are met with the end of the connection.
type quietConn struct{ net.Conn }

func (c quietConn) Write(p []byte) (int, error) {
	// net/http writes both in one piece, and its own 400 repeats the status as the body.
	if string(p) == "HTTP/1.1 100 Continue\r\n\r\n" ||
		bytes.HasPrefix(p, []byte("HTTP/1.1 400 Bad Request\r\n")) && bytes.Contains(p, []byte("\r\n\r\n400 Bad Request")) {
		return len(p), nil
	}
	return c.Conn.Write(p)
}
