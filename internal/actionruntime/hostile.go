package actionruntime

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	okHead  = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	chunked = okHead + "Transfer-Encoding: chunked\r\n"
	// What has no end comes in pieces of this size, one each millisecond, so that who reads it sees each before there is more.
	piece = 64 << 10
)

// hostile returns the step that gives one of the answers that no runtime should give.
func hostile(name string) (step, error) {
	switch name {
	case "endless-head":
		return endless(okHead, "X-Filler: "+strings.Repeat("x", 1000)+"\r\n"), nil
	case "endless-body":
		return endless(okHead+"\r\n", strings.Repeat("x", 1000)), nil
	case "huge-body":
		return endless(okHead+"Content-Length: 10000000000\r\n\r\n", strings.Repeat("x", 1000)), nil
	case "endless-1xx":
		return endless("", "HTTP/1.1 102 Processing\r\n\r\n"), nil
	case "drip":
		return raw(func(ctx context.Context, w io.Writer) { drip(ctx, w, okHead+"Content-Length: 1000000\r\n\r\n") }), nil
	case "gzip-bomb":
		return raw(func(_ context.Context, w io.Writer) {
			bomb := zeros(100)
			fmt.Fprintf(w, okHead+"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(bomb), bomb)
		}), nil
	}
	text, ok := map[string]string{
		"redirect":   "HTTP/1.1 307 Temporary Redirect\r\nLocation: /redirected\r\nContent-Length: 0\r\n\r\n",
		"short-body": okHead + "Content-Length: 100\r\n\r\n{}",
		"long-body":  okHead + "Content-Length: 2\r\n\r\n{}{\"forged\":true}",
		"extra":      okHead + "Content-Length: 2\r\n\r\n{}" + okHead + "Content-Length: 15\r\n\r\n{\"forged\":true}",
		"chunked":    chunked + "\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
		"trailers":   chunked + "Trailer: X-Checksum\r\n\r\n2\r\n{}\r\n0\r\nX-Checksum: 1\r\n\r\n",
		"http10":     "HTTP/1.0 200 OK\r\n\r\n{}",
		"garbage":    "SSH-2.0-OpenSSH_9.6\r\n",
		"nothing":    "",
	}[name]
	if !ok {
		return nil, fmt.Errorf("there is no such answer")
	}
	return raw(func(_ context.Context, w io.Writer) { _, _ = io.WriteString(w, text) }), nil
}

// raw returns a step that takes the connection over, and closes it at the end.
func raw(write func(ctx context.Context, w io.Writer)) step {
	return func(a *activation) {
		a.mark()
		a.answered = true
		conn, _, err := http.NewResponseController(a.w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer context.AfterFunc(a.runtime.life, func() { _ = conn.Close() })()
		defer conn.Close()
		_ = conn.SetDeadline(time.Time{})
		write(a.runtime.life, conn)
	}
}

func endless(head, again string) step {
	return raw(func(ctx context.Context, w io.Writer) {
		text := strings.Repeat(again, piece/len(again))
		for _, err := io.WriteString(w, head); err == nil && ctx.Err() == nil; _, err = io.WriteString(w, text) {
			sleep(ctx, time.Millisecond)
		}
	})
}

// drip writes a byte each second: the head, and a body that takes days.
func drip(ctx context.Context, w io.Writer, head string) {
	for i := 0; ctx.Err() == nil; i++ {
		b := byte('x')
		if i < len(head) {
			b = head[i]
		}
		if _, err := w.Write([]byte{b}); err != nil {
			return
		}
		sleep(ctx, time.Second)
	}
}

// zeros returns megabytes of zero, compressed, each for itself.
func zeros(megabytes int) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 1<<20))
	_ = z.Close()
	return bytes.Repeat(b.Bytes(), megabytes)
}
