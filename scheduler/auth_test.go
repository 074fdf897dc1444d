package scheduler_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func TestCredential(t *testing.T) {
	cluster := mesostest.Config{Agents: agents(1), Credentials: map[string]string{"me": "secret"}}
	withHarness(t, cluster, scheduler.Config{Credential: &scheduler.Credential{Principal: "me", Secret: "secret"}}, func(ctx context.Context, h *harness) {
		info, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		require.Equal(h, task.StateRunning, info.State)
	})
	for reason, credential := range map[string]*scheduler.Credential{
		"none": nil, "the wrong secret": {Principal: "me", Secret: "wrong"}, "nobody": {Principal: "you", Secret: "secret"},
	} {
		withHarness(t, cluster, scheduler.Config{Credential: credential}, func(_ context.Context, h *harness) {
			var refused *scheduler.SubscribeError
			require.ErrorAs(h, h.end(), &refused, reason)
			require.Equal(h, http.StatusUnauthorized, refused.Status)
			require.Zero(h, time.Since(h.began), "not tried again")
		})
	}
}

// When a token has expired another one is requested; the subscription goes on.
func TestToken(t *testing.T) {
	asked := 0
	token := func(context.Context) (string, error) {
		asked++
		return []string{"", "first", "second"}[asked], nil
	}
	cluster := mesostest.Config{Agents: agents(1), Tokens: map[string]string{"first": "me"}}
	withHarness(t, cluster, scheduler.Config{Token: token}, func(ctx context.Context, h *harness) {
		_, err := h.sched.Launch(ctx, sleeper("a"))
		require.NoError(h, err)
		require.Equal(h, 1, asked, "kept")
		h.master.SetTokens(map[string]string{"second": "me"})
		_, err = h.sched.Kill(ctx, "a")
		require.NoError(h, err)
		require.Equal(h, 2, asked)
		require.Less(h, time.Since(h.began), time.Second, "nothing had to be repeated later")
		events, _ := h.connections()
		require.Len(h, events, 1)
	})
}

// A Token function that fails or panics is called again.
func TestFailingTokenSource(t *testing.T) {
	asked := 0
	token := func(context.Context) (string, error) {
		switch asked++; asked {
		case 1:
			return "", errors.New("no network")
		case 2:
			panic("no token")
		}
		return "first", nil
	}
	withHarness(t, mesostest.Config{Tokens: map[string]string{"first": "me"}}, scheduler.Config{Token: token}, func(_ context.Context, h *harness) {
		h.at(time.Minute)
		events, _ := h.connections()
		require.Len(h, events, 3)
		require.ErrorContains(h, events[0].Err, "no network")
		var panicked *scheduler.PanicError
		require.ErrorAs(h, events[1].Err, &panicked)
		require.Equal(h, "no token", panicked.Value)
		require.True(h, events[2].Connected)
	})
}

func TestTLS(t *testing.T) {
	certified := httptest.NewTLSServer(nil) // for its certificate
	defer certified.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	master, err := mesostest.New(mesostest.Config{Agents: agents(1)})
	require.NoError(t, err)
	running.Go(func() {
		_ = master.Run(ctx, tls.NewListener(listener, &tls.Config{Certificates: certified.TLS.Certificates}))
	})
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	config := scheduler.Config{
		Master: "https://" + listener.Addr().String(), Framework: scheduler.Framework{Name: "test"},
		TLS: &tls.Config{RootCAs: roots}, Logger: slog.New(slog.DiscardHandler),
	}
	s, err := scheduler.New(config)
	require.NoError(t, err)
	running.Go(func() { _ = s.Run(ctx) })
	_, err = s.Launch(ctx, sleeper("a"))
	require.NoError(t, err)

	// With other roots the master is not trusted, and that is said.
	config.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
	s, err = scheduler.New(config)
	require.NoError(t, err)
	events := s.Watch(ctx)
	running.Go(func() { _ = s.Run(ctx) })
	for e := range events {
		var unknown x509.UnknownAuthorityError
		require.ErrorAs(t, e.(scheduler.ConnectionEvent).Err, &unknown)
		break
	}
}

// A Token function that blocks, although its context has ended, keeps neither an attempt nor the end of Run, and is not called
// a second time, by later runs either. Its token is used when it comes.
func TestTokenThatBlocks(t *testing.T) {
	asked := 0
	var release chan struct{}
	token := func(context.Context) (string, error) {
		asked++
		<-release
		return "late", nil
	}
	cluster := mesostest.Config{Tokens: map[string]string{"late": "me"}}
	withIdleScheduler(t, []string{address}, cluster, scheduler.Config{Token: token}, func(ctx context.Context, h *harness) {
		release = make(chan struct{})
		h.lead(ctx, scheduler.Term{})
		h.at(10 * time.Second)
		events, _ := h.connections()
		require.Len(h, events, 1)
		require.ErrorContains(h, events[0].Err, "no bearer token: its source has not returned within 10 s")
		for range 3 {
			h.at(time.Since(h.began) + 15*time.Second) // another attempt is under way
			ended := time.Now()
			h.stop()
			require.ErrorIs(h, h.end(), context.Canceled)
			require.Zero(h, time.Since(ended))
			h.lead(ctx, scheduler.Term{})
		}
		require.Equal(h, 1, asked)
		close(release)
		h.at(time.Since(h.began) + time.Minute)
		status, err := h.sched.Status(ctx)
		require.NoError(h, err)
		require.True(h, status.Connected)
		require.Equal(h, 1, asked)
	})
}

// A callback of TLS that panics does not end the process: the attempt fails.
func TestTLSCallbackThatPanics(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	s, err := scheduler.New(scheduler.Config{
		Master: server.URL, Framework: scheduler.Framework{Name: "test"}, Logger: slog.New(slog.DiscardHandler),
		TLS: &tls.Config{RootCAs: roots, VerifyConnection: func(tls.ConnectionState) error { panic("oops") }},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	events := s.Watch(ctx)
	go func() { ended <- s.Run(ctx) }()
	for e := range events {
		var oops *scheduler.PanicError
		require.ErrorAs(t, e.(scheduler.ConnectionEvent).Err, &oops)
		require.Equal(t, "oops", oops.Value)
		require.Equal(t, "a callback of the TLS configuration", oops.Who)
		break
	}
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

// DialContext, for masters and for ZooKeeper, may panic, and may block although its context has ended: Run ends.
func TestDialContextThatPanicsOrBlocks(t *testing.T) {
	for _, master := range []string{address, "zk://zk1:2181/mesos"} {
		for what, do := range map[string]func(release chan struct{}){
			"panics": func(chan struct{}) { panic("oops") },
			"blocks": func(release chan struct{}) { <-release },
		} {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				s, err := scheduler.New(scheduler.Config{
					Master: master, Framework: scheduler.Framework{Name: "test"}, Logger: slog.New(slog.DiscardHandler),
					DialContext: func(context.Context, string, string) (net.Conn, error) {
						do(release)
						return nil, errors.New("released")
					},
				})
				require.NoError(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				began := time.Now()
				require.ErrorIs(t, s.Run(ctx), context.DeadlineExceeded, "%s: %s", master, what)
				require.LessOrEqual(t, time.Since(began), 5*time.Minute+2*time.Second, "%s: %s", master, what)
				close(release)
			})
		}
	}
}
