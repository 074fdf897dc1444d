package scheduler

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is the answer to a call about which the master lies.
type answer struct {
	http.ResponseWriter
	request *http.Request
	master  http.Handler
	call    string
	random  *rand.Rand
	honest  <-chan struct{} // closed when the lies end
}

// answerLies are the lies about calls, SUBSCRIBE too.
func answerLies() map[string]func(*answer) {
	return map[string]func(*answer){
		"refused":  (*answer).refuse,
		"redirect": (*answer).redirect,
		"hang":     (*answer).hang,
		"drip":     (*answer).drip,
		"ok":       (*answer).ok,
		"not http": (*answer).notHTTP,
		"reset":    (*answer).reset,
	}
}

// pick returns one of some values.
func pick[T any](random *rand.Rand, values ...T) T { return values[random.IntN(len(values))] }

// take gives the call to the master. It reports whether the master has taken it; if not, that was the answer.
func (a *answer) take() bool {
	if a.call == "SUBSCRIBE" {
		return true
	}
	told := &unheard{head: http.Header{}}
	a.master.ServeHTTP(told, a.request)
	if told.status != http.StatusAccepted && told.status != http.StatusOK && told.status != 0 {
		a.WriteHeader(told.status)
		return false
	}
	return told.status != 0 // else the connection is broken
}

// maybeTake does so or not, and throws the answer away.
func (a *answer) maybeTake() {
	if a.call != "SUBSCRIBE" && a.random.IntN(2) == 0 {
		a.master.ServeHTTP(&unheard{head: http.Header{}}, a.request)
	}
}

// unheard is an answer that nobody hears.
type unheard struct {
	head   http.Header
	status int
}

func (u *unheard) Header() http.Header         { return u.head }
func (u *unheard) Write(p []byte) (int, error) { return len(p), nil }
func (u *unheard) WriteHeader(status int)      { u.status = status }

// refuse answers that it cannot now, and when it can.
func (a *answer) refuse() {
	status := pick(a.random, http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusInternalServerError, http.StatusBadGateway)
	if status == http.StatusInternalServerError || status == http.StatusBadGateway {
		a.maybeTake()
	}
	if again := pick(a.random, "", "", "0", "5", "90", "100000000000", "1e99", "-3", "soon", time.Now().UTC().Add(time.Minute).Format(http.TimeFormat)); again != "" {
		a.Header().Set("Retry-After", again)
	}
	a.WriteHeader(status)
	_, _ = io.WriteString(a, strings.Repeat("no\n\x1b[31m", pick(a.random, 0, 1, 100_000)))
}

// redirect sends the client somewhere, and maybe back.
func (a *answer) redirect() {
	location := pick(a.random, "//"+a.request.Host, "//nowhere.example:5050", "//master0.example:5050", "//master1.example:5050", "", "::", "http://", "/",
		"https://master0.example:5050", "//user:secret@master0.example:5050", strings.Repeat("/x", 20_000))
	a.Header().Set("Location", location)
	a.WriteHeader(pick(a.random, http.StatusTemporaryRedirect, http.StatusFound, http.StatusPermanentRedirect))
}

// hang takes the call, or not, and never answers.
func (a *answer) hang() {
	a.maybeTake()
	a.wait()
}

// wait waits until the client leaves, or the lies end.
func (a *answer) wait() {
	select {
	case <-a.request.Context().Done():
	case <-a.honest:
	}
	panic(http.ErrAbortHandler)
}

// drip answers a byte each second.
func (a *answer) drip() {
	if !a.take() {
		return
	}
	status := http.StatusAccepted
	if a.call == "SUBSCRIBE" {
		status = http.StatusOK
		a.Header().Set("Content-Type", a.request.Header.Get("Accept"))
		a.Header().Set("Mesos-Stream-Id", "a stream that drips")
	}
	a.WriteHeader(status)
	for n := 0; ; n++ {
		if _, err := a.Write([]byte("1000000000\n"[n%11 : n%11+1])); err != nil {
			return
		}
		_ = http.NewResponseController(a.ResponseWriter).Flush()
		select {
		case <-time.After(time.Second):
		case <-a.request.Context().Done():
			return
		case <-a.honest:
			panic(http.ErrAbortHandler)
		}
	}
}

// ok answers 200, like something that is no master.
func (a *answer) ok() {
	a.maybeTake()
	a.Header().Set("Content-Type", pick(a.random, "text/html", a.request.Header.Get("Accept"), ""))
	if a.random.IntN(2) == 0 {
		a.Header().Set("Mesos-Stream-Id", "some stream")
	}
	_, _ = io.WriteString(a, pick(a.random, "", "<html><title>It works!</title>", "20\n<html>", "2\n{}", strings.Repeat("0\n", 50_000)))
}

// notHTTP answers with something that is not HTTP, or hardly.
func (a *answer) notHTTP() {
	if !a.take() {
		return
	}
	conn, _, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	line := pick(a.random, "\x16\x03\x01\x02\x00", "220 mail.example ESMTP\r\n", "HTTP/9.9 202 Accepted\r\n\r\n", "HTTP/1.1 202 Accepted\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "HTTP/1.1 202 ")
	if _, err := io.WriteString(conn, line); err != nil {
		return
	}
	more := pick(a.random, "", "X: y\r\n", "HTTP/1.1 102 Processing\r\n\r\n", "x")
	for range 10_000 {
		if _, err := io.WriteString(conn, strings.Repeat(more, 100)); err != nil || more == "" {
			break
		}
		select {
		case <-time.After(time.Millisecond):
		case <-a.honest:
			return
		}
	}
	stay, cancel := context.WithTimeout(a.request.Context(), time.Duration(a.random.Int64N(int64(time.Minute))))
	defer cancel()
	select {
	case <-stay.Done():
	case <-a.honest:
	}
}

// reset takes the call and breaks the connection in the midst of the answer.
func (a *answer) reset() {
	if !a.take() {
		return
	}
	conn, _, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, pick(a.random, "", "HTTP/1.1 2", "HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\n12345", "HTTP/1.1 200 OK\r\nMesos-Stream-Id: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"+strconv.Itoa(a.random.IntN(1000))))
	_ = conn.Close()
}
