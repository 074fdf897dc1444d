package mesoshttp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

func newPipeline(t *testing.T, n dialer, config mesoshttp.Config) *mesoshttp.Pipeline {
	p := newClient(t, n, config).Pipeline()
	t.Cleanup(p.Close)
	return p
}

func kills(n int) []*scheduler.Call {
	calls := make([]*scheduler.Call, n)
	for i := range calls {
		calls[i] = killCall(fmt.Sprint(i))
	}
	return calls
}

// Calls arrive in order on one connection, and each has its own result.
func TestPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var taken []string
		n := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			var call scheduler.Call
			require.NoError(t, call.Unmarshal(body))
			taken = append(taken, call.Kill.TaskID.Value)
			if call.Kill.TaskID.Value == "2" {
				http.Error(w, "no", http.StatusForbidden)
				return
			}
			w.WriteHeader(http.StatusAccepted)
		})
		p := newPipeline(t, n, mesoshttp.Config{})
		require.Empty(t, p.Call(t.Context(), master, streamID, nil))
		for range 2 {
			taken = nil
			errs := p.Call(t.Context(), master, streamID, append(kills(5), subscribeCall(), &scheduler.Call{Subscribe: &scheduler.Call_Subscribe{}}))
			for i, err := range errs[:5] {
				if i != 2 {
					require.NoError(t, err)
				}
			}
			var status *mesoshttp.StatusError
			require.ErrorAs(t, errs[2], &status)
			require.Equal(t, mesoshttp.StatusError{Master: master, Call: scheduler.Call_KILL, Status: http.StatusForbidden, Body: "no\n"}, *status)
			require.ErrorContains(t, errs[5], "SUBSCRIBE is not for Call but for Subscribe")
			require.ErrorContains(t, errs[6], "cannot be encoded")
			require.Equal(t, []string{"0", "1", "2", "3", "4"}, taken)
		}
		require.EqualValues(t, 1, n.dials.Load())
		p.Close()
		require.NoError(t, errors.Join(p.Call(t.Context(), master, streamID, kills(1))...))
		require.EqualValues(t, 2, n.dials.Load())
	})
}

// A master cannot tell a pipelined call from another.
func TestPipelineRequests(t *testing.T) {
	for name, config := range map[string]mesoshttp.Config{
		"defaults":   {},
		"JSON":       {Codec: mesoshttp.JSON, UserAgent: "me"},
		"credential": {Credential: &mesoshttp.Credential{Principal: "p", Secret: "s"}},
		"token":      {Tokens: mesoshttp.NewTokenSource(func(context.Context) (string, error) { return "token", nil })},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				n := serve(t, func(w http.ResponseWriter, r *http.Request) {
					body, err := io.ReadAll(r.Body)
					require.NoError(t, err)
					got = append(got, fmt.Sprint(r.Method, r.RequestURI, r.Proto, r.Host, r.ContentLength, r.TransferEncoding, r.Header, string(body)))
					w.WriteHeader(http.StatusAccepted)
				})
				client := newClient(t, n, config)
				p := client.Pipeline()
				defer p.Close()
				require.NoError(t, client.Call(t.Context(), master+"/prefix/", streamID, killCall("t"), nil))
				require.NoError(t, errors.Join(p.Call(t.Context(), master+"/prefix/", streamID, []*scheduler.Call{killCall("t"), killCall("t")})...))
				require.Len(t, got, 3)
				require.Equal(t, got[0], got[1])
				require.Equal(t, got[0], got[2])
			})
		})
	}
}

// A server that closes connections still gets all calls, on as many connections as it takes.
func TestPipelineOfOddAnswers(t *testing.T) {
	const ok = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
	for _, test := range []struct {
		why    string
		answer string
		keeps  bool // the server keeps the connection after an answer
		dials  int32
	}{
		{"as masters do", ok, true, 1},
		{"with a body", "HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nyes\n", true, 1},
		{"with a chunked body", "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("yes") + lastChunk, true, 1},
		{"after early hints", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + ok, true, 1},
		{"one for each connection", "HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false, 5},
		{"says that it ends and does not", "HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", true, 5},
		{"HTTP/1.0", "HTTP/1.0 202 Accepted\r\n\r\n", false, 5},
		{"ends without a word", ok, false, 5},
		{"a body up to the end", "HTTP/1.1 202 Accepted\r\n\r\nyes", false, 5},
		{"a body that breaks off", "HTTP/1.1 202 Accepted\r\nContent-Length: 40\r\n\r\nyes", false, 5},
		{"a body that is too long", "HTTP/1.1 202 Accepted\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100_000), false, 5},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
					for {
						_, err := io.WriteString(conn, test.answer)
						if err != nil || !test.keeps || readRequest(r) != nil {
							return
						}
					}
				})
				p := newPipeline(t, n, mesoshttp.Config{})
				require.NoError(t, errors.Join(p.Call(t.Context(), master, streamID, kills(5))...))
				require.Equal(t, test.dials, n.dials.Load())
			})
		})
	}
}

// Each call has the outcome of its own answer, whatever those before it were, and in whatever pieces they come. An answer of the same bytes as
// the one before is not parsed.
func TestPipelineAnswersInAnyOrder(t *testing.T) {
	const calls = 50
	answers := []struct {
		text   string
		status int
	}{
		{"HTTP/1.1 202 Accepted\r\nDate: Sun, 29 Nov 2026 19:00:00 GMT\r\nContent-Length: 0\r\n\r\n", 202},
		{"HTTP/1.1 202 Accepted\r\nDate: Sun, 29 Nov 2026 19:00:01 GMT\r\nContent-Length: 0\r\n\r\n", 202},
		{"HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nyes", 202},
		{"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n", 202},
		{"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", 202},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200},
		{"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403},
		{"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno", 503},
	}
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		synctest.Test(t, func(t *testing.T) {
			var sent []int
			n := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
				var out []byte
				last := 0
				for taken := 1; ; taken++ { // the first request has been read
					if random.IntN(3) == 0 {
						last = random.IntN(len(answers))
					}
					out, sent = append(out, answers[last].text...), append(sent, answers[last].status)
					for len(out) > 0 && (taken == 1 || taken%calls == 0) { // no other call is written before
						piece := min(len(out), 1+random.IntN(300))
						_, _ = conn.Write(out[:piece])
						time.Sleep(time.Millisecond)
						out = out[piece:]
					}
					if readRequest(r) != nil {
						return
					}
				}
			})
			p := newPipeline(t, n, mesoshttp.Config{})
			for range 3 {
				sent = nil
				errs := p.Call(t.Context(), master, streamID, kills(calls))
				require.Len(t, sent, len(errs))
				for i, err := range errs {
					if sent[i] == 202 {
						require.NoError(t, err, i)
						continue
					}
					var status *mesoshttp.StatusError
					require.ErrorAs(t, err, &status, i)
					require.Equal(t, sent[i], status.Status, i)
				}
			}
			require.EqualValues(t, 1, n.dials.Load())
		})
	}
}

// A call with an answer that is not HTTP has failed; the calls after it are made on another connection.
func TestPipelineOfNonsense(t *testing.T) {
	for _, test := range []struct{ why, answer, want string }{
		{"the end", "", "EOF"},
		{"half a head", "HTTP/1.1 202 Acc", "EOF"},
		{"not HTTP", "* OK IMAP4rev1 ready\r\n\r\n", "malformed"},
		{"a long head", "HTTP/1.1 202 Accepted\r\nX: " + strings.Repeat("x", 70<<10), "longer than 65536 bytes"},
		{"endless hints", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 4000), "longer than 65536 bytes"},
		{"another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "101 Switching Protocols"},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := serveRaw(t, func(conn net.Conn, _ *bufio.Reader) { _, _ = io.WriteString(conn, test.answer) })
				p := newPipeline(t, n, mesoshttp.Config{})
				errs := p.Call(t.Context(), master, streamID, kills(3))
				for _, err := range errs {
					require.ErrorContains(t, err, "mesoshttp: KILL ")
					require.ErrorContains(t, err, test.want)
					require.NotErrorIs(t, err, mesoshttp.ErrNotSent)
				}
				require.EqualValues(t, 3, n.dials.Load())
			})
		})
	}
}

// Bytes that arrive without a call are not the answer to the next call.
func TestPipelineDropsUnaskedAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
			_, _ = io.WriteString(conn, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n")
			_, _ = r.ReadByte()
		})
		p := newPipeline(t, n, mesoshttp.Config{})
		for range 2 {
			require.NoError(t, errors.Join(p.Call(t.Context(), master, streamID, kills(1))...))
		}
		require.EqualValues(t, 2, n.dials.Load())
	})
}

// When the context ends, what was answered stays answered, what was written may have been accepted, and the rest
// certainly was not.
func TestPipelineEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hang atomic.Bool
		n := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			var call scheduler.Call
			require.NoError(t, call.Unmarshal(body))
			if hang.Load() && call.Kill.TaskID.Value == "2" {
				<-r.Context().Done()
				return
			}
			w.WriteHeader(http.StatusAccepted)
		})
		p := newPipeline(t, n, mesoshttp.Config{})
		call := func(calls []*scheduler.Call) []error {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			return p.Call(ctx, master, streamID, calls)
		}
		require.NoError(t, errors.Join(call(kills(4))...))
		time.Sleep(30 * time.Second) // the end of the last context has no effect
		hang.Store(true)
		long := kills(5)
		long[4].Kill.TaskID.Value = strings.Repeat("x", 64<<10) // too long to be written with the others
		start := time.Now()
		errs := call(long)
		require.Equal(t, 3*time.Second, time.Since(start))
		require.NoError(t, errors.Join(errs[:2]...))
		for i, err := range errs[2:] {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, i == 2, errors.Is(err, mesoshttp.ErrNotSent))
		}
		require.EqualValues(t, 1, n.dials.Load())
		hang.Store(false)
		require.NoError(t, errors.Join(call(kills(4))...))
		require.EqualValues(t, 2, n.dials.Load())
	})
}

// Without a connection nothing was sent.
func TestPipelineCannotDial(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: errors.New("refused")}
	for _, test := range []struct{ why, master, want string }{
		{"nobody listens", master, "refused"},
		{"no scheme that it knows", "ftp://master.example", "ftp"},
		{"no host", "http://:5050", "no host"},
		{"no URL", "http://[", "parse"},
		{"a secret", "http://p:secret@master.example", "credentials in the URL"},
	} {
		client, err := mesoshttp.New(mesoshttp.Config{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, refused }})
		require.NoError(t, err)
		for _, err := range client.Pipeline().Call(t.Context(), test.master, streamID, kills(2)) {
			require.ErrorContains(t, err, test.want, test.why)
			require.ErrorIs(t, err, mesoshttp.ErrNotSent, test.why)
			require.NotContains(t, err.Error(), "secret")
		}
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		errs := newPipeline(t, newNetwork(), mesoshttp.Config{}).Call(ctx, master, streamID, kills(2))
		require.Equal(t, time.Second, time.Since(start))
		require.ErrorIs(t, errs[1], context.DeadlineExceeded)
		require.ErrorIs(t, errs[1], mesoshttp.ErrNotSent)
	})
}

// An unused connection is closed after a minute; one with a long call is not.
func TestPipelineIdles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, ended, pause := time.Now(), time.Duration(0), 2*time.Minute
		n := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
			time.Sleep(pause)
			_, _ = io.WriteString(conn, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
			_, _ = r.ReadByte()
			ended = time.Since(start)
		})
		p := newPipeline(t, n, mesoshttp.Config{})
		require.NoError(t, errors.Join(p.Call(t.Context(), master, streamID, kills(1))...))
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, 3*time.Minute, ended)
		pause = 0
		require.NoError(t, errors.Join(p.Call(t.Context(), master, streamID, kills(1))...))
		require.EqualValues(t, 2, n.dials.Load())
	})
}

// Calls go to the master that they are for.
func TestPipelineSwitchesMasters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hosts []string
		n := serve(t, func(w http.ResponseWriter, r *http.Request) {
			hosts = append(hosts, r.Host)
			w.WriteHeader(http.StatusAccepted)
		})
		p := newPipeline(t, n, mesoshttp.Config{})
		for _, host := range []string{"a.example", "b.example", "b.example"} {
			require.NoError(t, errors.Join(p.Call(t.Context(), "http://"+host, streamID, kills(1))...))
		}
		require.Equal(t, []string{"a.example", "b.example", "b.example"}, hosts)
		require.EqualValues(t, 2, n.dials.Load())
	})
}

// Calls refused for their token, and only those, are made once more with another.
func TestPipelineAsksForAnotherToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		valid, source := "token-1", new(tokens)
		n := serve(t, guard(t, &valid))
		p := newPipeline(t, n, mesoshttp.Config{Tokens: mesoshttp.NewTokenSource(source.next)})
		for _, token := range []string{"token-1", "token-2"} {
			valid = token
			require.NoError(t, errors.Join(p.Call(t.Context(), master, streamID, kills(5))...))
		}
		require.Equal(t, 2, source.issued)
		valid = "none"
		for _, err := range p.Call(t.Context(), master, streamID, kills(5)) {
			require.ErrorIs(t, err, mesoshttp.ErrUnauthorized)
		}
		require.Equal(t, 3, source.issued)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		var lacks *mesoshttp.TokenError
		for _, err := range p.Call(ctx, master, streamID, kills(5)) {
			require.ErrorAs(t, err, &lacks)
		}
		require.EqualValues(t, 1, n.dials.Load())
	})
}

// Many calls over TLS, more than are written at once.
func TestPipelineTLS(t *testing.T) {
	taken := 0
	server := serveTLS(t, nil, func(w http.ResponseWriter, r *http.Request) {
		taken++
		w.WriteHeader(http.StatusAccepted)
	})
	p := newPipeline(t, server, mesoshttp.Config{Codec: mesoshttp.JSON, TLS: &tls.Config{RootCAs: server.ca.pool()}})
	require.NoError(t, errors.Join(p.Call(t.Context(), secure, streamID, kills(1000))...))
	require.Equal(t, 1000, taken)
	require.EqualValues(t, 1, server.dials.Load())

	p = newPipeline(t, server, mesoshttp.Config{})
	var unknown *tls.CertificateVerificationError
	for _, err := range p.Call(t.Context(), secure, streamID, kills(3)) {
		require.ErrorAs(t, err, &unknown)
		require.ErrorIs(t, err, mesoshttp.ErrNotSent)
	}
	require.Equal(t, 1000, taken)
}
