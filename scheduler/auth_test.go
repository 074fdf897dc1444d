package scheduler_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
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
