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
	inWorld(t, cluster, scheduler.Config{Credential: &scheduler.Credential{Principal: "me", Secret: "secret"}}, func(ctx context.Context, w *world) {
		info, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		require.Equal(w, task.Running, info.State)
	})
	for reason, credential := range map[string]*scheduler.Credential{
		"none": nil, "the wrong secret": {Principal: "me", Secret: "wrong"}, "nobody": {Principal: "you", Secret: "secret"},
	} {
		inWorld(t, cluster, scheduler.Config{Credential: credential}, func(_ context.Context, w *world) {
			var refused *scheduler.SubscribeError
			require.ErrorAs(w, w.end(), &refused, reason)
			require.Equal(w, http.StatusUnauthorized, refused.Status)
			require.Zero(w, time.Since(w.began), "not tried again")
		})
	}
}

// A token that has expired is followed by another one; the subscription is as it was.
func TestToken(t *testing.T) {
	asked := 0
	token := func(context.Context) (string, error) {
		asked++
		return []string{"", "first", "second"}[asked], nil
	}
	cluster := mesostest.Config{Agents: agents(1), Tokens: map[string]string{"first": "me"}}
	inWorld(t, cluster, scheduler.Config{Token: token}, func(ctx context.Context, w *world) {
		_, err := w.sched.Launch(ctx, sleeper("a"))
		require.NoError(w, err)
		require.Equal(w, 1, asked, "kept")
		w.master.SetTokens(map[string]string{"second": "me"})
		_, err = w.sched.Kill(ctx, "a")
		require.NoError(w, err)
		require.Equal(w, 2, asked)
		require.Less(w, time.Since(w.began), time.Second, "nothing had to be repeated later")
		events, _ := w.connections()
		require.Len(w, events, 1)
	})
}

// A source of tokens that fails, or panics, is asked again.
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
	inWorld(t, mesostest.Config{Tokens: map[string]string{"first": "me"}}, scheduler.Config{Token: token}, func(_ context.Context, w *world) {
		w.at(time.Minute)
		events, _ := w.connections()
		require.Len(w, events, 3)
		require.ErrorContains(w, events[0].Err, "no network")
		var panicked *scheduler.PanicError
		require.ErrorAs(w, events[1].Err, &panicked)
		require.Equal(w, "no token", panicked.Value)
		require.True(w, events[2].Connected)
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
