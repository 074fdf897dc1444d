package mesoshttp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

// requireMistake requires the error of a SUBSCRIBE that says the URL and what is likely wrong with it; "": nothing.
func requireMistake(t *testing.T, err error, url, mistake string) {
	t.Helper()
	var failed *mesoshttp.MasterError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, url, failed.URL)
	require.ErrorContains(t, err, url)
	if mistake == "" {
		require.Empty(t, failed.Mistake, err)
	}
	require.Contains(t, failed.Mistake, mistake, err)
}

const (
	agent    = "this is an agent, not a master"
	noMaster = "this is not a Mesos master"
)

// What is at the URL is something else, or what the master says is all that there is to say.
func TestMistakesInTheURL(t *testing.T) {
	for why, c := range map[string]struct {
		answer  http.HandlerFunc
		mistake string
	}{
		"an agent, which has no such path": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slave(1)/health" {
				require.Empty(t, r.Header.Get("Authorization"))
				return
			}
			http.NotFound(w, r)
		}, agent},
		"an agent, which takes it for a call of its own": {answering(400, "Failed to validate agent::Call: Expecting 'type' to be present"), agent},
		"a path that is not there":                       {http.NotFound, noMaster},
		"a page for every path":                          {answering(200, "<html>"), noMaster},
		"a server of files":                              {answering(405, "405 Method Not Allowed"), noMaster},
		"a login page":                                   {http.RedirectHandler("/login", http.StatusFound).ServeHTTP, noMaster},
		"a server that wants TLS":                        {answering(400, "Client sent an HTTP request to an HTTPS server.\n"), "speaks TLS"},
		"another one":                                    {answering(400, "<h1>400</h1>The plain HTTP request was sent to HTTPS port"), "speaks TLS"},
		"a bad request":                                  {answering(400, "<html>bad</html>"), noMaster},

		"a master that finds the call invalid": {answering(400, "Failed to validate scheduler::Call: Expecting 'subscribe' to be present"), ""},
		"a master that cannot read it":         {answering(400, "Failed to parse body into Call protobuf"), ""},
		"wrong credentials":                    {answering(401, ""), ""},
		"a principal that may not":             {answering(403, ""), ""},
		"a master that is recovering":          {answering(503, "Master has not finished recovery"), ""},
		"a gateway":                            {answering(502, "<html>"), ""},
	} {
		t.Run(why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := mesoshttp.Config{Credential: &mesoshttp.Credential{Principal: "p", Secret: "s"}}
				_, err := newClient(t, serve(t, c.answer), config).Subscribe(t.Context(), master+"/", subscribeCall(), nil)
				requireMistake(t, err, master, c.mistake)
				require.Zero(t, time.Since(began(t)))
			})
		})
	}
}

// began returns the time at which all bubbles begin.
func began(*testing.T) time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// http to a server with TLS, whatever that answers, and https to one without.
func TestMistakesWithTLS(t *testing.T) {
	accept := func(w http.ResponseWriter, _ *http.Request) { openStream(w) }
	t.Run("http to a server of net/http with TLS", func(t *testing.T) {
		_, err := newClient(t, serveTLS(t, nil, accept), mesoshttp.Config{}).Subscribe(t.Context(), master, subscribeCall(), nil)
		requireMistake(t, err, master, "speaks TLS")
	})
	for why, clients := range map[string]bool{"any client": false, "certain clients": true} {
		t.Run("http to a server that says nothing without TLS, for "+why, func(t *testing.T) {
			at := closesWithoutTLS(t, clients)
			_, err := newClient(t, new(net.Dialer), mesoshttp.Config{}).Subscribe(t.Context(), at, subscribeCall(), nil)
			requireMistake(t, err, at, "speaks TLS")
		})
	}
	t.Run("https to a server of net/http", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(accept))
		t.Cleanup(server.Close)
		at := "https://" + server.Listener.Addr().String()
		_, err := newClient(t, new(net.Dialer), mesoshttp.Config{}).Subscribe(t.Context(), at, subscribeCall(), nil)
		requireMistake(t, err, at, "does not speak TLS")
	})
	t.Run("https to a server that closes", func(t *testing.T) {
		n := serveRaw(t, nil) // what it reads is no request
		_, err := newClient(t, n, mesoshttp.Config{}).Subscribe(t.Context(), secure, subscribeCall(), nil)
		requireMistake(t, err, secure, "does not speak TLS")
	})
	t.Run("https to a server that is not trusted", func(t *testing.T) {
		_, err := newClient(t, serveTLS(t, nil, accept), mesoshttp.Config{}).Subscribe(t.Context(), secure, subscribeCall(), nil)
		requireMistake(t, err, secure, "")
		require.ErrorContains(t, err, "certificate")
	})
	t.Run("http to a master that dies", func(t *testing.T) {
		n := serveRaw(t, func(net.Conn, *bufio.Reader) {})
		_, err := newClient(t, n, mesoshttp.Config{}).Subscribe(t.Context(), master, subscribeCall(), nil)
		requireMistake(t, err, master, "")
		require.ErrorIs(t, err, mesoshttp.ErrClosed)
	})
	t.Run("http to a server of another protocol", func(t *testing.T) {
		n := serveRaw(t, func(c net.Conn, _ *bufio.Reader) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n") })
		_, err := newClient(t, n, mesoshttp.Config{}).Subscribe(t.Context(), master, subscribeCall(), nil)
		requireMistake(t, err, master, "not a Mesos master")
	})
	t.Run("nobody there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, l.Close())
		at := "http://" + l.Addr().String()
		_, err = newClient(t, new(net.Dialer), mesoshttp.Config{}).Subscribe(t.Context(), at, subscribeCall(), nil)
		requireMistake(t, err, at, "")
	})
}

// A proxy redirects from http to https, or to a page of its own.
func TestMistakesOfRedirects(t *testing.T) {
	for location, want := range map[string]string{
		"https://master.example/api/v1/scheduler":      "speaks TLS",
		"https://MASTER.example:8443/api/v1/scheduler": "speaks TLS",
		"https://login.example/?next=master.example":   "not a Mesos master",
		"/login": "not a Mesos master",
		"http://master.example:5050/api/v1/scheduler/x": "not a Mesos master",
		"://": "not a Mesos master",
	} {
		for _, status := range []int{301, 302, 303, 308} {
			synctest.Test(t, func(t *testing.T) {
				n := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", location)
					w.WriteHeader(status)
				})
				_, err := newClient(t, n, mesoshttp.Config{}).Subscribe(t.Context(), master, subscribeCall(), nil)
				requireMistake(t, err, master, want)
			})
		}
	}
}

// closesWithoutTLS returns the URL of a server that closes connections without TLS at once, as libprocess does.
func closesWithoutTLS(t *testing.T, clients bool) string {
	ca := newAuthority(t)
	config := &tls.Config{Certificates: []tls.Certificate{ca.issue("master.example")}, MaxVersion: tls.VersionTLS12}
	if clients {
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			first := bufio.NewReader(conn)
			if b, err := first.Peek(1); err == nil && b[0] == 22 {
				_ = tls.Server(peeked{conn, first}, config).Handshake()
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return "http://" + l.Addr().String()
}

// peeked is a connection of which something was read ahead.
type peeked struct {
	net.Conn
	from *bufio.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.from.Read(b) }

// A master that takes the connection, or not even that, and never answers: 15 s for each that is asked.
func TestNoAnswer(t *testing.T) {
	silent := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // so that the server sees the client leave
		<-r.Context().Done()
	}
	for why, c := range map[string]struct {
		n    func(t *testing.T) dialer
		url  string
		from time.Duration
	}{
		"it accepts":     {func(t *testing.T) dialer { return serve(t, silent) }, master, 15 * time.Second},
		"it cannot dial": {func(*testing.T) dialer { return newNetwork() }, master, 15 * time.Second},
		"after a redirect, which took long": {func(t *testing.T) dialer {
			return serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Host != "master.example:5050" {
					silent(w, r)
					return
				}
				time.Sleep(10 * time.Second)
				w.Header().Set("Location", "//m2:5050")
				w.WriteHeader(http.StatusTemporaryRedirect)
			})
		}, "http://m2:5050", 25 * time.Second},
	} {
		t.Run(why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				_, err := newClient(t, c.n(t), mesoshttp.Config{}).Subscribe(t.Context(), master, subscribeCall(), nil)
				require.ErrorIs(t, err, mesoshttp.ErrNoAnswer)
				requireMistake(t, err, c.url, "")
				require.Equal(t, c.from, time.Since(begin))
			})
		})
	}
}

// An answer in time is enough: the stream may be silent for longer.
func TestAnswerInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(14 * time.Second)
			frames := openStream(w)
			time.Sleep(time.Minute)
			_ = frames.WriteFrame([]byte{8, 8})
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stream, err := newClient(t, n, mesoshttp.Config{}).Subscribe(ctx, master, subscribeCall(), nil)
		require.NoError(t, err)
		_, err = stream.Next()
		require.NoError(t, err, fmt.Sprint(time.Now()))
	})
}
