package mesoshttp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

func TestSecretsBelongIntoConfig(t *testing.T) {
	client := newClient(t, newNetwork(), mesoshttp.Config{})
	for _, master := range []string{"http://principal:secret@master.example:5050", "http://principal:se cret@master.example"} {
		err := client.Call(t.Context(), master, streamID, killCall("t"), nil)
		require.EqualError(t, err, "mesoshttp: credentials in the URL of a master: they belong into Config.Credential")
	}
}

// Logging a Config does not log its secrets.
func TestSecretsAreNotPrinted(t *testing.T) {
	tokens := mesoshttp.NewTokenSource(func(context.Context) (string, error) { return "secret", nil })
	synctest.Test(t, func(t *testing.T) {
		n := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusAccepted) })
		require.NoError(t, newClient(t, n, mesoshttp.Config{Tokens: tokens}).Call(t.Context(), master, streamID, killCall("t"), nil))
	})
	for _, value := range []any{tokens, mesoshttp.Credential{Principal: "p", Secret: "secret"}, &mesoshttp.Credential{Principal: "p", Secret: "secret"}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			require.NotContains(t, fmt.Sprintf(verb, value), "secret")
		}
		text, err := json.Marshal(value)
		require.NoError(t, err)
		require.NotContains(t, string(text), "secret")
	}
}

// tokens issues token-1, token-2 and so on, one second after it was asked.
type tokens struct{ issued int }

func (s *tokens) next(ctx context.Context) (string, error) {
	select {
	case <-time.After(time.Second):
		s.issued++ // no lock: TokenSource promises one call at a time, which the race detector checks
		return "token-" + strconv.Itoa(s.issued), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// guard answers 401 to all tokens but valid, and 202 or a stream.
func guard(t *testing.T, valid *string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var call scheduler.Call
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.NoError(t, call.Unmarshal(body), "a repeated call is complete")
		switch {
		case r.Header.Get("Authorization") != "Bearer "+*valid:
			w.WriteHeader(http.StatusUnauthorized)
		case call.Type == scheduler.Call_SUBSCRIBE:
			openStream(w)
		default:
			require.Equal(t, streamID, r.Header.Get("Mesos-Stream-Id"))
			w.WriteHeader(http.StatusAccepted)
		}
	}
}

// One token serves all requests of all clients until it is refused; then the next one does.
func TestTokenIsKeptUntilRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		valid, source := "token-1", new(tokens)
		n := serve(t, guard(t, &valid))
		config := mesoshttp.Config{Tokens: mesoshttp.NewTokenSource(source.next)}
		ordered, parallel := newClient(t, n, config), newClient(t, n, config)
		for _, token := range []string{"token-1", "token-2", "token-3"} {
			valid = token
			start := time.Now()
			stream, err := ordered.Subscribe(t.Context(), master, subscribeCall(), nil)
			require.NoError(t, err)
			stream.Close()
			require.NoError(t, ordered.Call(t.Context(), master, streamID, killCall("t"), nil))
			require.NoError(t, parallel.Call(t.Context(), master, streamID, killCall("t"), nil))
			require.Equal(t, time.Second, time.Since(start), "asked for a token once")
		}
		require.Equal(t, 3, source.issued)
	})
}

// A token that expires is refused many times, and replaced once.
func TestConcurrentRefusalsAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		valid, source := "token-1", new(tokens)
		n := serve(t, guard(t, &valid))
		config := mesoshttp.Config{Tokens: mesoshttp.NewTokenSource(source.next), MaxConns: 8}
		clients := []*mesoshttp.Client{newClient(t, n, config), newClient(t, n, config)}
		for issued := 1; issued <= 2; issued++ {
			valid = "token-" + strconv.Itoa(issued)
			var calls sync.WaitGroup
			for i := range 16 {
				calls.Go(func() {
					require.NoError(t, clients[i%2].Call(t.Context(), master, streamID, killCall("t"), nil))
				})
			}
			calls.Wait()
			require.Equal(t, issued, source.issued)
		}
	})
}

// A master that refuses every token gets two requests per call, on one connection.
func TestRefusedTwice(t *testing.T) {
	for _, test := range []struct {
		why      string
		fetch    func(context.Context) (string, error)
		requests int
	}{
		{"new tokens", new(tokens).next, 2},
		{"always the same token, which would be refused again", func(context.Context) (string, error) { return "same", nil }, 1},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				requests := 0
				n := serve(t, func(w http.ResponseWriter, r *http.Request) {
					requests++
					w.WriteHeader(http.StatusUnauthorized)
					_, _ = io.WriteString(w, "401 Unauthorized.")
				})
				client := newClient(t, n, mesoshttp.Config{Tokens: mesoshttp.NewTokenSource(test.fetch)})
				err := client.Call(t.Context(), master, streamID, killCall("t"), nil)
				require.ErrorIs(t, err, mesoshttp.ErrUnauthorized)
				var status *mesoshttp.StatusError
				require.ErrorAs(t, err, &status)
				require.Equal(t, "401 Unauthorized.", status.Body)
				require.Equal(t, test.requests, requests)
				require.EqualValues(t, 1, n.dials.Load())
			})
		})
	}
}

// 403 refuses the framework, not the token.
func TestForbiddenAsksForNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := new(tokens)
		n := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) })
		client := newClient(t, n, mesoshttp.Config{Tokens: mesoshttp.NewTokenSource(source.next)})
		for range 2 {
			require.ErrorIs(t, client.Call(t.Context(), master, streamID, killCall("t"), nil), mesoshttp.ErrForbidden)
		}
		require.Equal(t, 1, source.issued)
	})
}

func TestTokenCannotBeHad(t *testing.T) {
	down := errors.New("identity provider is down")
	for _, test := range []struct {
		why, token string
		err        error
		want       string
	}{
		{"an error", "", down, "mesoshttp: KILL to master.example:5050: no bearer token: identity provider is down"},
		{"empty", " \n", nil, "mesoshttp: KILL to master.example:5050: no bearer token: it is empty or has characters that are not for a header"},
		{"two lines", "a\nb", nil, "mesoshttp: KILL to master.example:5050: no bearer token: it is empty or has characters that are not for a header"},
		{"not ASCII", "tökén", nil, "mesoshttp: KILL to master.example:5050: no bearer token: it is empty or has characters that are not for a header"},
	} {
		t.Run(test.why, func(t *testing.T) {
			n := newNetwork()
			client := newClient(t, n, mesoshttp.Config{
				Tokens: mesoshttp.NewTokenSource(func(context.Context) (string, error) { return test.token, test.err }),
			})
			err := client.Call(t.Context(), master, streamID, killCall("t"), nil)
			require.EqualError(t, err, test.want)
			var token *mesoshttp.TokenError
			require.ErrorAs(t, err, &token)
			if test.err != nil {
				require.ErrorIs(t, err, test.err)
			}
			require.Zero(t, n.dials.Load(), "sent without a token")
		})
	}
}

// When no new token can be fetched after a 401, the call was not accepted either, and the next call fetches again.
func TestNoNewToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		valid, answers := "new", []string{"old", "", "new"}
		n := serve(t, guard(t, &valid))
		client := newClient(t, n, mesoshttp.Config{Tokens: mesoshttp.NewTokenSource(func(context.Context) (string, error) {
			answer := answers[0]
			answers = answers[1:]
			return answer + "\n", nil
		})})
		var token *mesoshttp.TokenError
		require.ErrorAs(t, client.Call(t.Context(), master, streamID, killCall("t"), nil), &token)
		require.NoError(t, client.Call(t.Context(), master, streamID, killCall("t"), nil))
		require.Empty(t, answers)
	})
}

// A call that waits for a token, fetched for itself or for another call, stops when its context ends.
func TestContextEndsTheWaitForAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := mesoshttp.Config{Tokens: mesoshttp.NewTokenSource(func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})}
		client := newClient(t, newNetwork(), config)
		start := time.Now()
		var calls sync.WaitGroup
		for i := range 3 {
			calls.Go(func() {
				timeout := time.Duration(3-i) * time.Second
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				require.ErrorIs(t, client.Call(ctx, master, streamID, killCall("t"), nil), context.DeadlineExceeded)
				require.Equal(t, timeout, time.Since(start))
			})
		}
		calls.Wait()
	})
}

// A source that blocks, although its context has ended, is given up after ten seconds each time, and is not called a second
// time. When it returns at last, its token is used.
func TestTokenSourceThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, release := 0, make(chan struct{})
		valid := "late"
		n := serve(t, guard(t, &valid))
		client := newClient(t, n, mesoshttp.Config{Tokens: mesoshttp.NewTokenSource(func(context.Context) (string, error) {
			asked++
			<-release
			return "late", nil
		})})
		pipeline := client.Pipeline()
		defer pipeline.Close()
		for range 2 {
			for what, request := range map[string]func() error{
				"Subscribe": func() error {
					_, err := client.Subscribe(t.Context(), master, subscribeCall(), nil)
					return err
				},
				"Call":     func() error { return client.Call(t.Context(), master, streamID, killCall("t"), nil) },
				"Pipeline": func() error { return pipeline.Call(t.Context(), master, streamID, kills(1))[0] },
				"FindFramework": func() error {
					_, err := client.FindFramework(t.Context(), master, "k", "v")
					return err
				},
			} {
				began := time.Now()
				err := request()
				require.ErrorAs(t, err, new(*mesoshttp.TokenError), what)
				require.ErrorContains(t, err, "no bearer token: its source has not returned within 10 s", what)
				require.Equal(t, 10*time.Second, time.Since(began), what)
			}
		}
		require.Zero(t, n.dials.Load())
		close(release)
		synctest.Wait()
		began := time.Now()
		require.NoError(t, client.Call(t.Context(), master, streamID, killCall("t"), nil))
		require.NoError(t, pipeline.Call(t.Context(), master, streamID, kills(1))[0])
		require.Zero(t, time.Since(began))
		require.Equal(t, 1, asked)
	})
}

// A source that ends its goroutine, or fails late, is called again.
func TestTokenSourceThatEndsItsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, valid := 0, "third"
		n := serve(t, guard(t, &valid))
		client := newClient(t, n, mesoshttp.Config{Tokens: mesoshttp.NewTokenSource(func(context.Context) (string, error) {
			switch asked++; asked {
			case 1:
				runtime.Goexit()
			case 2:
				time.Sleep(time.Minute)
				return "", errors.New("too late")
			}
			return "third", nil
		})})
		call := func() error { return client.Call(t.Context(), master, streamID, killCall("t"), nil) }
		require.ErrorContains(t, call(), "no bearer token: its source has ended its goroutine")
		require.ErrorContains(t, call(), "has not returned within 10 s")
		time.Sleep(49 * time.Second)
		require.NoError(t, call()) // the failure was that of another request
		require.Equal(t, 3, asked)
	})
}

// A request that waits for the token of another one, which is given up, gets one of its own.
func TestTokenFetchedForARequestThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		valid, source := "token-1", new(tokens)
		n := serve(t, guard(t, &valid))
		config := mesoshttp.Config{Tokens: mesoshttp.NewTokenSource(source.next), MaxConns: 2}
		client := newClient(t, n, config)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		var calls sync.WaitGroup
		calls.Go(func() { require.Error(t, client.Call(ctx, master, streamID, killCall("t"), nil)) })
		synctest.Wait()
		require.NoError(t, client.Call(t.Context(), master, streamID, killCall("t"), nil))
		require.Equal(t, 1500*time.Millisecond, time.Since(began))
		calls.Wait()
	})
}
