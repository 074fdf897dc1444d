package zkconn

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

// served is a connection of which the other side has sent everything.
type served struct {
	net.Conn
	from io.Reader
}

func (s served) Read(b []byte) (int, error)  { return s.from.Read(b) }
func (s served) Write(b []byte) (int, error) { return len(b), nil }
func (s served) Close() error                { return nil }

// words are numbers as they are sent.
func words(numbers ...uint32) (b []byte) {
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

func packet(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = append(b, p...)
	}
	return append(words(uint32(len(b))), b...)
}

// Numbers in answers that the library would take for lengths are compared with what arrives, however it is cut into pieces.
func TestLengthsThatLie(t *testing.T) {
	session := packet(words(0, 10_000, 0, 1, 16), make([]byte, 16))
	header := words(7, 0, 1, 0) // number of the request, that of the last change, no error
	stat := make([]byte, 68)
	result := func(kind uint32, rest ...[]byte) []byte {
		return append(append(words(kind), 0, 0, 0, 0, 0), packet(rest...)[4:]...)
	}
	done := append(words(^uint32(0)), 1, 0xff, 0xff, 0xff, 0xff)
	for why, c := range map[string]struct {
		first  []byte
		op     operation
		answer []byte
		bad    bool
	}{
		"data":                      {session, getData, packet(header, words(5), []byte("hello"), stat), false},
		"no data":                   {session, getData, packet(header, words(^uint32(0)), stat), false},
		"too much data":             {session, getData, packet(header, words(74), []byte("hello"), stat), true},
		"2 GiB of data":             {session, getData, packet(header, words(1<<31-1), []byte("hello"), stat), true},
		"nothing but the length":    {session, getData, packet(header, words(1)), true},
		"shorter than a length":     {session, getData, packet(header, []byte{1, 2, 3}), false},
		"children":                  {session, getChildren2, packet(header, words(2, 1), []byte("a"), words(1), []byte("b"), stat), false},
		"no children":               {session, getChildren2, packet(header, words(0), stat), false},
		"too many children":         {session, getChildren2, packet(header, words(18), stat), true},
		"billions of children":      {session, getChildren, packet(header, words(1<<31), stat), true},
		"no list of children":       {session, getChildren, packet(header, words(^uint32(0)), stat), true},
		"an error":                  {session, getChildren2, packet(words(7, 0, 1, ^uint32(100))), false},
		"another number":            {session, getChildren2, packet(words(8, 0, 1, 0, 1<<31), stat), false},
		"another operation":         {session, 3, packet(header, words(1<<31), stat), false},
		"results":                   {session, multi, packet(header, result(13), result(5, stat), result(1, words(2), []byte("/a")), result(^uint32(0), words(0)), done), false},
		"no results":                {session, multi, packet(header, done), false},
		"a result that is cut":      {session, multi, packet(header, result(13), words(13)), true},
		"nothing but four bytes":    {session, multi, packet(header, words(13)), true},
		"a text that is cut":        {session, multi, packet(header, result(1, words(1<<31))), false},
		"a short password":          {packet(words(0, 10_000, 0, 1, 0)), 0, nil, false},
		"a password of 2 GiB":       {packet(words(0, 10_000, 0, 1, 1<<31-1), make([]byte, 16)), 0, nil, true},
		"a session without its end": {packet(words(0, 10_000, 0, 1)), 0, nil, false},
	} {
		for name, pieces := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "in bytes": iotest.OneByteReader, "in halves": iotest.HalfReader,
		} {
			t.Run(why+" "+name, func(t *testing.T) {
				var granted time.Duration
				var refused error
				all := string(c.first) + string(c.answer)
				conn := New(served{from: pieces(strings.NewReader(all))}, Guard{
					Address: "h:2181", MaxPacket: 1 << 20,
					Granted: func(d time.Duration) { granted = d }, Refused: func(err error) { refused = err },
				})
				_, err := conn.Write(packet(words(7, uint32(c.op)), []byte("/path")))
				require.NoError(t, err)
				got, err := io.ReadAll(conn)
				require.Equal(t, 10*time.Second, granted)
				if c.bad {
					require.ErrorContains(t, err, "h:2181 sends ")
					require.Equal(t, err, refused)
					require.NotContains(t, fmt.Sprint(err), "\n")
					return
				}
				require.NoError(t, err)
				require.Equal(t, all, string(got))
			})
		}
	}
}
