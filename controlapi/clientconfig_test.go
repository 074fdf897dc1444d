package controlapi_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

func TestNewClientRefuses(t *testing.T) {
	for field, config := range map[string]controlapi.ClientConfig{
		"Addresses":    {},
		"Addresses[0]": {Addresses: []string{"ftp://host"}},
		"Addresses[1]": {Addresses: []string{"host:1", "host"}},
		"Addresses[2]": {Addresses: []string{"host:1", "https://host", "http://me:hush@host:1"}},
		"Token":        {Addresses: []string{"host:1"}, Token: "hush hush"},
		"Patience":     {Addresses: []string{"host:1"}, Patience: -1},
	} {
		_, err := controlapi.NewClient(config)
		of := (*controlapi.ConfigError)(nil)
		require.ErrorAs(t, err, &of, field)
		require.Equal(t, field, of.Field)
		require.NotContains(t, err.Error(), "hush")
	}
}

// However a config and a client are printed, the token is not.
func TestTokenIsNotPrinted(t *testing.T) {
	const token = "hush-hush-hush"
	config := controlapi.ClientConfig{Addresses: []string{"one:1", "two:2"}, Token: token}
	c, err := controlapi.NewClient(config)
	require.NoError(t, err)
	var log bytes.Buffer
	for _, logger := range []*slog.Logger{slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))} {
		logger.Info("made", "config", config, "client", c)
	}
	for _, v := range []any{config, &config, c} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			fmt.Fprintf(&log, verb, v)
		}
	}
	require.NotContains(t, log.String(), token)
	require.Contains(t, log.String(), "one:1,two:2")
}

// withServer runs a test in a bubble with a client of a server that answers as handle does.
func withServer(t *testing.T, config controlapi.ClientConfig, handle http.HandlerFunc, test func(t *testing.T, c *controlapi.Client)) {
	synctest.Test(t, func(t *testing.T) {
		network := &virtualnet.Network{}
		listener, err := network.Listen(address)
		require.NoError(t, err)
		server := &http.Server{Handler: handle}
		go func() { _ = server.Serve(listener) }()
		if config.Addresses == nil {
			config.Addresses = []string{address}
		}
		config.DialContext = network.DialContext
		c, err := controlapi.NewClient(config)
		require.NoError(t, err)
		defer func() {
			c.Close()
			_ = server.Close()
			sleep(time.Second) // handlers notice
		}()
		test(t, c)
	})
}

// A redirect is not followed, wherever it leads: the token would go there.
func TestClientFollowsNoRedirect(t *testing.T) {
	var asked atomic.Int32
	handle := func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, "http://elsewhere:80"+r.URL.Path, http.StatusTemporaryRedirect)
	}
	withServer(t, controlapi.ClientConfig{Token: "hush-hush-hush"}, handle, func(t *testing.T, c *controlapi.Client) {
		_, err := c.Agents(t.Context())
		of := (*controlapi.Error)(nil)
		require.ErrorAs(t, err, &of)
		require.Equal(t, 307, of.Status)
		require.EqualValues(t, 1, asked.Load())
	})
}

// A server that repeats the token does not bring it into an error.
func TestServerThatRepeatsTheToken(t *testing.T) {
	const token = "hush-hush-hush"
	for name, handle := range map[string]http.HandlerFunc{
		"in an error": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusConflict)
			fmt.Fprintf(w, `{"error":{"code":"duplicate_task","message":"you said %s","cause":{"code":"internal","message":"%[1]s"}}}`, r.Header.Get("Authorization"))
		},
		"in what is no error of the API": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, r.Header.Get("Authorization"), http.StatusTeapot)
		},
		"in an answer that is none": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Authorization")) },
		"in the head": func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				fmt.Fprintf(conn, "%s\r\n\r\n", r.Header.Get("Authorization"))
				_ = conn.Close()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			withServer(t, controlapi.ClientConfig{Token: token, Patience: time.Second}, handle, func(t *testing.T, c *controlapi.Client) {
				_, err := c.Agents(t.Context())
				require.Error(t, err)
				require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err)), token)
			})
		})
	}
}

// What a hostile server sends does not fill the memory, and ends.
func TestHostileServer(t *testing.T) {
	endless := func(status int, part string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if status != http.StatusOK {
				w.WriteHeader(status)
			}
			text := []byte(strings.Repeat(part, 1+1<<16/len(part)))
			for {
				if _, err := w.Write(text); err != nil {
					return
				}
				time.Sleep(time.Microsecond) // the network in memory has no limit: the client has to read it
			}
		}
	}
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		says   string
	}{
		"an error without end":  {endless(500, "x"), "not of this API"},
		"an answer without end": {endless(200, " "), "more than 64 MiB"},
		"one byte now and then": {func(w http.ResponseWriter, r *http.Request) { drip(w, r, "x") }, "deadline exceeded"},
		"a head without end":    {func(w http.ResponseWriter, r *http.Request) { endlessHead(w) }, "no member has answered"},
		"nothing":               {func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no answer within 10s"},
		"another type":          {func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"task":7}`) }, "not of this API"},
		"parts of nothing": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"findings":[{}`, strings.Repeat(",{}", 1<<20), "]}")
		}, "more parts"},
		"deep": {func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, strings.Repeat("[", 1<<20)) }, "not of this API"},
		"an answer that is not whole": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "{")
		}, "no member has answered"},
		"a gateway that has no member": {func(w http.ResponseWriter, r *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) }, "status 502"},
	} {
		t.Run(name, func(t *testing.T) {
			withServer(t, controlapi.ClientConfig{Patience: time.Second}, c.handle, func(t *testing.T, client *controlapi.Client) {
				ctx, cancel := within(30 * time.Second)
				defer cancel()
				_, err := client.Explain(ctx, "web")
				require.ErrorContains(t, err, c.says)
				require.Less(t, len(err.Error()), 1000)
			})
		})
	}
	for name, c := range map[string]struct{ begin, task, says string }{
		"tasks of nothing":  {`{"tasks":[{}`, `,{}`, "too large"},
		"a task of nothing": {`{"tasks":[{"spec":{"constraints":[{}`, strings.Repeat(" ", 1<<10), "too large"},
		"no list":           {`{"tasks":7`, `,"x":{}`, "not of this API"},
	} {
		t.Run(name, func(t *testing.T) {
			handle := func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, c.begin); endless(200, c.task)(w, r) }
			withServer(t, controlapi.ClientConfig{Patience: time.Second}, handle, func(t *testing.T, client *controlapi.Client) {
				ctx, cancel := within(30 * time.Second)
				defer cancel()
				_, err := client.Tasks(ctx)
				require.ErrorContains(t, err, c.says)
			})
		})
	}
}

// drip writes something now and then, without end.
func drip(w http.ResponseWriter, r *http.Request, text string) {
	for {
		if _, err := fmt.Fprint(w, text); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
			return
		}
	}
}

func endlessHead(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n")
	for range 1 << 10 {
		if _, err := fmt.Fprintf(conn, "X: %s\r\n", strings.Repeat("x", 1<<10)); err != nil {
			return
		}
	}
}

// A call that nobody answers ends when the client's patience does.
func TestPatienceOfAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := &virtualnet.Network{}
		c, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: []string{"one:1", "two:2"}, DialContext: network.DialContext, Patience: 10 * time.Second})
		require.NoError(t, err)
		began := time.Now()
		err = c.Submit(context.Background(), spec("web"))
		of := (*controlapi.Error)(nil)
		require.ErrorAs(t, err, &of)
		require.Equal(t, controlapi.CodeLeaderUnreachable, of.Code)
		require.ErrorContains(t, err, "connection refused")
		require.InDelta(t, 10, time.Since(began).Seconds(), 1)

		ctx, cancel := within(3 * time.Second)
		defer cancel()
		began = time.Now()
		err = c.Submit(ctx, spec("web"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "connection refused")
		require.InDelta(t, 3, time.Since(began).Seconds(), 1, "it tries to withdraw the task")
	})
}

// A client learns of members that it was not configured with, and goes on with these.
func TestClientLearnsOfMembers(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		ctx, cancel := within(time.Minute)
		defer cancel()
		asked := f.follower()
		c := f.at(asked)
		defer c.Close()
		_, err := c.Tasks(ctx)
		require.NoError(t, err)
		asked.kill()
		began := time.Now()
		require.NoError(t, c.Submit(ctx, spec("web")))
		require.Less(t, time.Since(began), time.Second)
		f.leader().kill()
		_, err = c.Kill(ctx, "web")
		require.NoError(t, err)
	})
}

// What both sides do not like about TLS is no reason to try for long.
func TestClientWithoutTheAuthority(t *testing.T) {
	withServer(t, controlapi.ClientConfig{TLS: &tls.Config{}}, func(http.ResponseWriter, *http.Request) {}, func(t *testing.T, c *controlapi.Client) {
		began := time.Now()
		_, err := c.Tasks(context.Background())
		require.ErrorContains(t, err, "does not look like a TLS handshake")
		require.Less(t, time.Since(began), time.Second)
	})
}

// A call to a member that was paused is made at another one.
func TestClientLeavesAPausedMember(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		paused := f.follower()
		c := f.at(paused)
		defer c.Close()
		_, err := c.Tasks(context.Background())
		require.NoError(t, err)
		paused.host.Pause()
		defer paused.host.Resume()
		ctx, cancel := within(8 * time.Second)
		defer cancel()
		require.NoError(t, c.Submit(ctx, spec("web")))
	})
}
