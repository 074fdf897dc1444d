package detector

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// newDetector returns a Detector that logs nothing.
func newDetector(t *testing.T, config Config) *Detector {
	config.Logger = slog.New(slog.DiscardHandler)
	d, err := New(config)
	require.NoError(t, err)
	return d
}

func TestList(t *testing.T) {
	d := newDetector(t, Config{Master: "h1:1, h2:1, https://h3"})
	leads := func(want string) {
		lead, err := d.Leader(t.Context())
		require.NoError(t, err)
		require.Equal(t, Lead{URL: want}, lead)
	}
	leads("http://h1:1")
	leads("http://h1:1") // as long as it is not told otherwise
	d.Failed("http://h1:1")
	leads("http://h2:1")
	d.Failed("http://h1:1") // an old failure
	d.Failed("http://elsewhere:1")
	leads("http://h2:1")
	d.Failed("http://h2:1")
	leads("https://h3")
	d.Failed("https://h3")
	leads("http://h1:1") // and around

	one := newDetector(t, Config{Master: "h1:1"})
	one.Failed("http://h1:1")
	lead, err := one.Leader(t.Context())
	require.NoError(t, err)
	require.Equal(t, "http://h1:1", lead.URL)
}

// A failure that many goroutines report at once moves the list on by one.
func TestListConcurrently(t *testing.T) {
	d := newDetector(t, Config{Master: "h1:1,h2:1,h3:1"})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { d.Failed("http://h1:1") })
	}
	all.Wait()
	lead, err := d.Leader(t.Context())
	require.NoError(t, err)
	require.Equal(t, "http://h2:1", lead.URL)
}

func TestRunOfAListWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Hour, func() { cancel(stop) })
		start := time.Now()
		require.Equal(t, stop, newDetector(t, Config{Master: "h"}).Run(ctx, nil))
		require.Equal(t, time.Hour, time.Since(start))
	})
}

// What may answer instead of a working ZooKeeper server. Leader's error says what is wrong, and Run ends within a
// second of its context.
func TestNoZooKeeper(t *testing.T) {
	serve := func(talk func(net.Conn)) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				if _, err := theirs.Read(make([]byte, 1000)); err == nil {
					talk(theirs)
				}
			}()
			return ours, nil
		}
	}
	for _, test := range []struct {
		why  string
		dial func(context.Context, string, string) (net.Conn, error)
		want string
	}{
		{"another protocol, whose first bytes mean a size of 1.2 GB", serve(func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
		}), `h:2181 is not a ZooKeeper server: it says "HTTP"`},
		{"packets too short to be any", serve(func(conn net.Conn) { _, _ = io.WriteString(conn, "\x00\x00\x00\x0fxxxxxxxxxxxxxxx") }),
			`h:2181 is not a ZooKeeper server: it says "\x00\x00\x00\x0f"`},
		{"silence", serve(func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)) }), "zk: could not connect to a server"},
		{"silence after a size", serve(func(conn net.Conn) {
			_, _ = io.WriteString(conn, "\x00\x00\x00\x25")
			_, _ = conn.Read(make([]byte, 1))
		}), "zk: could not connect to a server"},
		{"it hangs up", serve(func(net.Conn) {}), "zk: could not connect to a server"},
		{"packets get lost", func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, "zk: could not connect to a server: context deadline exceeded"},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDetector(t, Config{Master: "zk://h/mesos", DialContext: test.dial})
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- d.Run(ctx, nil) }()

				timeout, cancelTimeout := context.WithTimeout(t.Context(), time.Minute)
				defer cancelTimeout()
				lead, err := d.Leader(timeout)
				require.Zero(t, lead)
				require.ErrorContains(t, err, "no leading master is known yet: ")
				require.ErrorContains(t, err, test.want)
				require.NoError(t, timeout.Err(), "it is told as soon as it is known")
				require.ErrorContains(t, d.Problem(), test.want)

				start := time.Now()
				cancel()
				require.ErrorIs(t, <-done, context.Canceled)
				require.LessOrEqual(t, time.Since(start), time.Second)
			})
		})
	}
}

// Names are resolved at each dial, and all servers are tried in turn.
func TestServersTakeTurns(t *testing.T) {
	s := new(servers)
	require.NoError(t, s.Init([]string{"a:1", "b:1"}))
	require.Equal(t, 2, s.Len())
	for i, want := range []struct {
		server string
		pause  bool
	}{{"a:1", false}, {"b:1", false}, {"a:1", true}, {"b:1", false}, {"a:1", true}} {
		server, pause := s.Next()
		require.Equal(t, want.server, server, i)
		require.Equal(t, want.pause, pause, i)
		s.Connected()
	}
}
