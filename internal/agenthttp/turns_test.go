package agenthttp_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/agenthttp"
	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// Two calls to an agent are under way at once, the others wait in order, and one that gives up leaves its place.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		network := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Second)
			now.Add(-1)
			_, _ = io.WriteString(w, fileRead(0, nil))
		})
		client := newClient(t, network, mesoshttp.Config{})
		ended := make(chan string, 10)
		began := time.Now()
		for i := range 7 {
			go func() {
				ctx, cancel := t.Context(), func() {}
				if i == 3 || i == 6 {
					ctx, cancel = context.WithTimeout(ctx, 500*time.Millisecond)
				}
				defer cancel()
				_, err := client.Read(ctx, agenthttp.Read{Agent: agent, Path: "/x", Length: 1})
				ended <- fmt.Sprint(i, " ", time.Since(began), " ", err)
			}()
			synctest.Wait()
		}
		var all []string
		for range 7 {
			all = append(all, <-ended)
		}
		require.ElementsMatch(t, []string{"3 500ms context deadline exceeded", "6 500ms context deadline exceeded"}, all[:2])
		require.ElementsMatch(t, []string{"0 1s <nil>", "1 1s <nil>"}, all[2:4])
		require.ElementsMatch(t, []string{"2 2s <nil>", "4 2s <nil>"}, all[4:6])
		require.Equal(t, "5 3s <nil>", all[6])
		require.EqualValues(t, 2, most.Load())
	})
}

// As many connections are made at once as there may be agents that do not answer, so that they do not keep others from being
// asked, and no more.
func TestConnectionsThatAreBeingMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, nil, mesoshttp.Config{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		ended := make(chan string, 300)
		for i := range 256 {
			go func() {
				_, err := client.Read(t.Context(), agenthttp.Read{Agent: fmt.Sprintf("agent%d.example:5051", i), Path: "/x"})
				ended <- kind(err) + err.Error()
			}()
		}
		synctest.Wait()
		_, err := client.Read(t.Context(), agenthttp.Read{Agent: agent, Path: "/x"})
		require.Equal(t, "away: ", kind(err))
		require.ErrorContains(t, err, "256 earlier calls of the dialer or of TLS callbacks have not returned")
		began := time.Now()
		for range 256 {
			require.Equal(t, "away: no whole answer within 10s", <-ended)
		}
		require.Equal(t, 10*time.Second, time.Since(began))
	})
}

// A call on a connection that the agent has closed meanwhile is repeated on another one, and nothing is left open when nobody uses
// the client any more.
func TestConnectionsThatAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dialled int
		network := &virtualnet.Network{}
		client := newClient(t, nil, mesoshttp.Config{DialContext: func(ctx context.Context, kind, address string) (net.Conn, error) {
			dialled++
			return network.DialContext(ctx, kind, address)
		}})
		l, err := network.Listen(agent)
		require.NoError(t, err)
		conns := make(chan net.Conn, 10)
		server := &http.Server{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, fileRead(0, nil)) }),
			ConnState: func(c net.Conn, s http.ConnState) {
				if s == http.StateNew {
					conns <- c
				}
			},
		}
		go func() { _ = server.Serve(l) }()
		defer server.Close()
		read := func() {
			_, err := client.Read(t.Context(), agenthttp.Read{Agent: agent, Path: "/x", Length: 1})
			require.NoError(t, err)
			synctest.Wait()
		}
		read()
		read()
		require.Equal(t, 1, dialled)
		_ = (<-conns).Close()
		read()
		require.Equal(t, 2, dialled)
		client.Use()
		client.Release()
		read()
		require.Equal(t, 2, dialled, "it is still used")
	})
}
