package mesoshttp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

func TestNewRefuses(t *testing.T) {
	for want, config := range map[string]mesoshttp.Config{
		"mesoshttp: Codec is Codec(2), want Protobuf or JSON":                        {Codec: 2},
		"mesoshttp: MaxFrame is -1, want 0 or more":                                  {MaxFrame: -1},
		"mesoshttp: MaxConns is -1, want 0 or more":                                  {MaxConns: -1},
		`mesoshttp: Credential.Principal is "", want a name without colon`:           {Credential: &mesoshttp.Credential{}},
		`mesoshttp: Credential.Principal is "principal:", want a name without colon`: {Credential: &mesoshttp.Credential{Principal: "principal:"}},
	} {
		client, err := mesoshttp.New(config)
		require.EqualError(t, err, want)
		require.Nil(t, client)
	}
}

// All that a master looks at in a request, and nothing that it did not ask for.
func TestRequests(t *testing.T) {
	credential := &mesoshttp.Credential{Principal: "principal", Secret: "se:cret"}
	for _, test := range []struct {
		why    string
		config mesoshttp.Config
		master string
		path   string
		want   http.Header // in addition to the length
	}{
		{"the defaults", mesoshttp.Config{}, master, "/api/v1/scheduler", http.Header{
			"Content-Type": {"application/x-protobuf"}, "Accept": {"application/x-protobuf"}, "User-Agent": {"mesos-actor-go"},
		}},
		{"JSON both ways", mesoshttp.Config{Codec: mesoshttp.JSON, UserAgent: "me"}, master, "/api/v1/scheduler", http.Header{
			"Content-Type": {"application/json"}, "Accept": {"application/json"}, "User-Agent": {"me"},
		}},
		{"a credential, and a prefix with a slash at its end", mesoshttp.Config{Credential: credential}, master + "/prefix/", "/prefix/api/v1/scheduler", http.Header{
			"Content-Type": {"application/x-protobuf"}, "Accept": {"application/x-protobuf"}, "User-Agent": {"mesos-actor-go"},
			"Authorization": {"Basic cHJpbmNpcGFsOnNlOmNyZXQ="},
		}},
	} {
		for _, call := range []*scheduler.Call{subscribeCall(), killCall("t")} {
			t.Run(test.why+"/"+call.Type.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := serve(t, func(w http.ResponseWriter, r *http.Request) {
						body, err := io.ReadAll(r.Body)
						require.NoError(t, err)
						got := new(scheduler.Call)
						if test.config.Codec == mesoshttp.JSON {
							err = json.Unmarshal(body, got)
						} else {
							err = got.Unmarshal(body)
						}
						require.NoError(t, err)
						require.Equal(t, call, got)
						require.Equal(t, http.MethodPost, r.Method)
						require.Equal(t, test.path, r.URL.Path)
						require.Equal(t, "master.example:5050", r.Host)
						want := test.want.Clone()
						want["Content-Length"] = r.Header["Content-Length"]
						if call.Type != scheduler.Call_SUBSCRIBE {
							want["Mesos-Stream-Id"] = []string{streamID}
						}
						require.Equal(t, want, r.Header)
						w.WriteHeader(http.StatusTeapot)
					})
					client := newClient(t, n, test.config)
					var err error
					if call.Type == scheduler.Call_SUBSCRIBE {
						_, err = client.Subscribe(t.Context(), test.master, call)
					} else {
						err = client.Call(t.Context(), test.master, streamID, call)
					}
					var status *mesoshttp.StatusError
					require.ErrorAs(t, err, &status)
					require.Equal(t, http.StatusTeapot, status.Status)
				})
			})
		}
	}
}

func TestSecretsBelongIntoConfig(t *testing.T) {
	client := newClient(t, newNetwork(), mesoshttp.Config{})
	err := client.Call(t.Context(), "http://principal:secret@master.example:5050", streamID, killCall("t"))
	require.EqualError(t, err, "mesoshttp: credentials in the URL of master.example:5050: they belong into Config.Credential")
}

func TestWrongDoor(t *testing.T) {
	n := newNetwork()
	client := newClient(t, n, mesoshttp.Config{})
	require.EqualError(t, client.Call(t.Context(), master, "", subscribeCall()), "mesoshttp: SUBSCRIBE is not for Call but for Subscribe")
	_, err := client.Subscribe(t.Context(), master, killCall("t"))
	require.EqualError(t, err, "mesoshttp: KILL is not for Subscribe but for Call")
	require.ErrorContains(t, client.Call(t.Context(), "ftp://master.example", "", killCall("t")), "ftp")
	require.ErrorContains(t, client.Call(t.Context(), "http://[", "", killCall("t")), "mesoshttp: parse")
	noTask := &scheduler.Call{Type: scheduler.Call_ACKNOWLEDGE, Subscribe: &scheduler.Call_Subscribe{}}
	require.ErrorContains(t, client.Call(t.Context(), master, "", noTask), "mesoshttp: ACKNOWLEDGE cannot be encoded")
	require.Zero(t, n.dials.Load())
}

func TestRefusals(t *testing.T) {
	sentinels := map[error]int{
		mesoshttp.ErrRedirect: 307, mesoshttp.ErrBadRequest: 400, mesoshttp.ErrUnauthorized: 401, mesoshttp.ErrForbidden: 403,
		mesoshttp.ErrNotFound: 404, mesoshttp.ErrMethodNotAllowed: 405, mesoshttp.ErrNotAcceptable: 406,
		mesoshttp.ErrUnsupportedMediaType: 415, mesoshttp.ErrTooManyRequests: 429, mesoshttp.ErrInternalServerError: 500,
		mesoshttp.ErrUnavailable: 503,
	}
	for _, status := range []int{204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 406, 415, 418, 429, 500, 502, 503, 504} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := "No leader elected"
				if status == http.StatusNoContent {
					body = ""
				}
				n := serve(t, func(w http.ResponseWriter, r *http.Request) {
					w.WriteHeader(status)
					_, _ = io.WriteString(w, body)
				})
				client := newClient(t, n, mesoshttp.Config{})
				_, subscribe := client.Subscribe(t.Context(), master, subscribeCall())
				call := client.Call(t.Context(), master, streamID, killCall("t"))
				for name, err := range map[scheduler.Call_Type]error{scheduler.Call_SUBSCRIBE: subscribe, scheduler.Call_KILL: call} {
					var got *mesoshttp.StatusError
					require.ErrorAs(t, err, &got)
					require.Equal(t, &mesoshttp.StatusError{Call: name, Status: status, Body: body}, got)
					for sentinel, code := range sentinels {
						require.Equal(t, code == status, errors.Is(err, sentinel))
					}
				}
			})
		})
	}
}

func TestStatusErrorText(t *testing.T) {
	require.EqualError(t, &mesoshttp.StatusError{Call: scheduler.Call_KILL, Status: 403, Body: "Framework is not subscribed"},
		"mesoshttp: KILL refused: 403 Forbidden: Framework is not subscribed")
	require.EqualError(t, &mesoshttp.StatusError{Status: 307, Call: scheduler.Call_SUBSCRIBE, Location: "//host:5050/api/v1/scheduler"},
		"mesoshttp: SUBSCRIBE refused: 307 Temporary Redirect, location //host:5050/api/v1/scheduler")
}

// A real master leaves the scheme out and writes /master before the path.
func TestRedirects(t *testing.T) {
	for _, test := range []struct{ why, from, location, master string }{
		{"a real master", master, "//master2.example:5050/master/api/v1/scheduler", "http://master2.example:5050"},
		{"with a query", master, "//master2.example:5050/master/api/v1/scheduler?a=b", "http://master2.example:5050"},
		{"whole URL", master, "http://master2.example:5050/api/v1/scheduler", "http://master2.example:5050"},
		{"another scheme", master, "https://master2.example/api/v1/scheduler/", "https://master2.example"},
		{"IPv6", master, "//[::1]:5050/master/api/v1/scheduler", "http://[::1]:5050"},
		{"a proxy's prefix", master, "//proxy.example/mesos/api/v1/scheduler", "http://proxy.example/mesos"},
		{"relative", master + "/mesos", "/other/api/v1/scheduler", "http://master.example:5050/other"},
		{"another path", master, "//master2.example:5050/login", ""},
		{"another protocol", master, "ftp://master2.example/api/v1/scheduler", ""},
		{"not a URL", master, "//[", ""},
		{"missing", master, "", ""},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := serve(t, func(w http.ResponseWriter, r *http.Request) {
					if test.location != "" {
						w.Header().Set("Location", test.location)
					}
					w.WriteHeader(http.StatusTemporaryRedirect)
				})
				_, err := newClient(t, n, mesoshttp.Config{}).Subscribe(t.Context(), test.from, subscribeCall())
				require.ErrorIs(t, err, mesoshttp.ErrRedirect)
				var status *mesoshttp.StatusError
				require.ErrorAs(t, err, &status)
				require.Equal(t, test.location, status.Location)
				require.Equal(t, test.master, status.Master)
				require.EqualValues(t, 1, n.dials.Load(), "a redirect was followed")
			})
		})
	}
}

func TestCallSuccess(t *testing.T) {
	for _, test := range []struct {
		why    string
		call   *scheduler.Call
		status int
		ok     bool
	}{
		{"taken", killCall("t"), 202, true},
		{"UPDATE_FRAMEWORK is done when answered", &scheduler.Call{Type: scheduler.Call_UPDATE_FRAMEWORK}, 200, true},
		{"UPDATE_FRAMEWORK taken", &scheduler.Call{Type: scheduler.Call_UPDATE_FRAMEWORK}, 202, true},
		{"200 for another call did not come from a master", killCall("t"), 200, false},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(test.status) })
				err := newClient(t, n, mesoshttp.Config{}).Call(t.Context(), master, streamID, test.call)
				require.Equal(t, test.ok, err == nil, "%v", err)
			})
		})
	}
}

// Calls share one connection, subscriptions never use it and never share theirs.
func TestConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var remote sync.Map // connection → what it was used for
		n := serve(t, func(w http.ResponseWriter, r *http.Request) {
			var call scheduler.Call
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			require.NoError(t, call.Unmarshal(body))
			if call.Type == scheduler.Call_SUBSCRIBE {
				openStream(w)
				return
			}
			remote.Store(r.RemoteAddr, call.Type)
			if call.Kill.TaskID.Value == "unknown" {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, "no")
				return
			}
			w.WriteHeader(http.StatusAccepted)
		})
		client := newClient(t, n, mesoshttp.Config{})
		for range 3 {
			require.NoError(t, client.Call(t.Context(), master, streamID, killCall("t")))
		}
		require.ErrorIs(t, client.Call(t.Context(), master, streamID, killCall("unknown")), mesoshttp.ErrBadRequest)
		require.EqualValues(t, 1, n.dials.Load())
		for range 3 {
			stream, err := client.Subscribe(t.Context(), master, subscribeCall())
			require.NoError(t, err)
			_, err = stream.Next()
			require.ErrorIs(t, err, io.EOF)
		}
		require.EqualValues(t, 4, n.dials.Load())
		require.NoError(t, client.Call(t.Context(), master, streamID, killCall("t")))
		require.EqualValues(t, 4, n.dials.Load())

		time.Sleep(time.Minute + time.Second)
		require.NoError(t, client.Call(t.Context(), master, streamID, killCall("t")))
		require.EqualValues(t, 5, n.dials.Load(), "the connection was idle for too long to be trusted")
	})
}

// MaxConns is what makes a lane: calls wait for their turn.
func TestMaxConns(t *testing.T) {
	for conns, want := range map[int]time.Duration{0: 4 * time.Second, 1: 4 * time.Second, 2: 2 * time.Second, 4: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			n := serve(t, func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(time.Second)
				w.WriteHeader(http.StatusAccepted)
			})
			client := newClient(t, n, mesoshttp.Config{MaxConns: conns})
			start := time.Now()
			var calls sync.WaitGroup
			for range 4 {
				calls.Go(func() { require.NoError(t, client.Call(t.Context(), master, streamID, killCall("t"))) })
			}
			calls.Wait()
			require.Equal(t, want, time.Since(start))
			require.EqualValues(t, max(conns, 1), n.dials.Load())
		})
	}
}

// A call on a connection that breaks may have been taken: the caller has to know, nothing may repeat it.
func TestBrokenCallIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests int
		n := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
			requests++
			_, _ = io.WriteString(conn, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
			if readRequest(r) == nil { // and break instead of an answer
				requests++
			}
		})
		client := newClient(t, n, mesoshttp.Config{})
		require.NoError(t, client.Call(t.Context(), master, streamID, killCall("1")))
		require.ErrorIs(t, client.Call(t.Context(), master, streamID, killCall("2")), io.EOF)
		synctest.Wait()
		require.Equal(t, 2, requests)
		require.EqualValues(t, 1, n.dials.Load())
	})
}

// A connection that the master has closed between two calls costs nothing but a new one.
func TestClosedIdleConnectionIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := serveRaw(t, func(conn net.Conn, _ *bufio.Reader) {
			_, _ = io.WriteString(conn, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
		})
		client := newClient(t, n, mesoshttp.Config{})
		for i := range 3 {
			require.NoError(t, client.Call(t.Context(), master, streamID, killCall("t")))
			synctest.Wait()
			require.EqualValues(t, i+1, n.dials.Load())
		}
	})
}

// Whatever the other side does not do, a context ends the wait, at its very instant.
func TestContextEndsTheWait(t *testing.T) {
	for why, newServer := range map[string]func(*testing.T) *network{
		"nobody accepts": func(*testing.T) *network { return newNetwork() },
		"nobody reads": func(t *testing.T) *network {
			n := newNetwork()
			go func() {
				for conn := range n.conns {
					t.Cleanup(func() { conn.Close() })
				}
			}()
			t.Cleanup(func() { close(n.conns) })
			return n
		},
		"nobody answers": func(t *testing.T) *network {
			return serveRaw(t, func(_ net.Conn, r *bufio.Reader) { _, _ = r.ReadByte() })
		},
		"half a head": func(t *testing.T) *network {
			return serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
				_, _ = io.WriteString(conn, head[:40])
				_, _ = r.ReadByte()
			})
		},
	} {
		for name, do := range map[string]func(context.Context, *mesoshttp.Client) error{
			"Subscribe": func(ctx context.Context, c *mesoshttp.Client) error {
				_, err := c.Subscribe(ctx, master, subscribeCall())
				return err
			},
			"Call": func(ctx context.Context, c *mesoshttp.Client) error {
				return c.Call(ctx, master, streamID, killCall("t"))
			},
		} {
			t.Run(why+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client := newClient(t, newServer(t), mesoshttp.Config{})
					for range 2 { // the second finds the only connection free again
						start := time.Now()
						ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
						defer cancel()
						require.ErrorIs(t, do(ctx, client), context.DeadlineExceeded)
						require.Equal(t, 3*time.Second, time.Since(start))
					}
				})
			})
		}
	}
}

// A host that swallows packets must not keep the only place of a lane after its call has given up.
func TestHungDialDoesNotBlockTheLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusAccepted) })
		hang := true
		client, err := mesoshttp.New(mesoshttp.Config{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if hang {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return n.DialContext(ctx, network, address)
		}})
		require.NoError(t, err)
		defer client.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, client.Call(ctx, master, streamID, killCall("t")), context.DeadlineExceeded)
		hang = false
		start := time.Now()
		require.NoError(t, client.Call(t.Context(), master, streamID, killCall("t")))
		require.Equal(t, start, time.Now())
	})
}

// endless writes text until the other side has had enough, and tells when.
func endless(t *testing.T, enough chan<- struct{}, before, text string) *network {
	return serveRaw(t, func(conn net.Conn, _ *bufio.Reader) {
		_, err := io.WriteString(conn, before)
		for err == nil {
			_, err = io.WriteString(conn, text)
		}
		enough <- struct{}{}
	})
}

func TestEndlessBodies(t *testing.T) {
	text := strings.Repeat("x", 1000)
	for _, test := range []struct {
		why, before, text string
		check             func(*testing.T, error)
	}{
		{"of a refusal", "HTTP/1.1 503 \r\n\r\n", text, func(t *testing.T, err error) {
			var status *mesoshttp.StatusError
			require.ErrorAs(t, err, &status)
			require.Equal(t, strings.Repeat("x", 4096), status.Body)
		}},
		{"chunked", "HTTP/1.1 503 \r\nTransfer-Encoding: chunked\r\n\r\n", chunk(text), func(t *testing.T, err error) {
			var status *mesoshttp.StatusError
			require.ErrorAs(t, err, &status)
			require.Equal(t, strings.Repeat("x", 4096), status.Body)
		}},
		{"of a success", "HTTP/1.1 202 \r\n\r\n", text, func(t *testing.T, err error) { require.NoError(t, err) }},
		{"a head", "HTTP/1.1 202 \r\n", "X: " + text + "\r\n", func(t *testing.T, err error) {
			require.ErrorContains(t, err, "exceeded")
		}},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				enough := make(chan struct{}, 1)
				client := newClient(t, endless(t, enough, test.before, test.text), mesoshttp.Config{})
				test.check(t, client.Call(t.Context(), master, streamID, killCall("t")))
				<-enough
			})
		})
	}
}

func TestTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			require.NotNil(t, r.TLS)
			require.Equal(t, "HTTP/1.1", r.Proto)
			w.WriteHeader(http.StatusAccepted)
		}))
		require.NoError(t, server.Listener.Close())
		server.Listener = n
		server.EnableHTTP2 = true
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains about the bad certificate below
		server.StartTLS()
		defer server.Close()
		roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs

		client := newClient(t, n, mesoshttp.Config{TLS: &tls.Config{RootCAs: roots}})
		require.NoError(t, client.Call(t.Context(), "https://example.com", streamID, killCall("t")))
		client.Close()

		stranger := newClient(t, n, mesoshttp.Config{})
		var unknown *tls.CertificateVerificationError
		require.ErrorAs(t, stranger.Call(t.Context(), "https://example.com", streamID, killCall("t")), &unknown)
	})
}
