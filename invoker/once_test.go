package invoker

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// breaking breaks the connection with the first /run: after so many bytes of the request, or of the answer.
type breaking struct {
	mu       sync.Mutex
	written  int // bytes of the request that pass; negative: all
	read     int // bytes of the answer that pass
	breaks   int // how many connections are to be broken
	length   int // of the longest request that was seen
	answered int // bytes of the longest answer
}

var errBroken = errors.New("broken")

func (b *breaking) dial(network *virtualnet.Network) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, n, address string) (net.Conn, error) {
		c, err := network.DialContext(ctx, n, address)
		if err != nil {
			return nil, err
		}
		return &breakingConn{Conn: c, rule: b}, nil
	}
}

// breakingConn carries one request, since it is not kept.
type breakingConn struct {
	net.Conn
	rule  *breaking
	began bool // with /run
	out   int
	in    int
}

func (c *breakingConn) Write(p []byte) (int, error) {
	c.rule.mu.Lock()
	defer c.rule.mu.Unlock()
	if !c.began && bytes.HasPrefix(p, []byte("POST /run")) && c.rule.breaks > 0 {
		c.began = true
		c.rule.breaks--
	}
	if !c.began {
		return c.Conn.Write(p)
	}
	if room := c.rule.written - c.out; c.rule.written >= 0 && room < len(p) {
		n := 0
		if room > 0 {
			n, _ = c.Conn.Write(p[:room])
		}
		c.Conn.(*virtualnet.Conn).Reset()
		return n, errBroken
	}
	n, err := c.Conn.Write(p)
	c.out += n
	c.rule.length = max(c.rule.length, c.out)
	return n, err
}

func (c *breakingConn) Read(p []byte) (int, error) {
	if !c.began {
		return c.Conn.Read(p)
	}
	room := c.rule.read - c.in
	if room <= 0 {
		c.Conn.(*virtualnet.Conn).Reset()
		return 0, errBroken
	}
	n, err := c.Conn.Read(p[:min(room, len(p))])
	c.in += n
	c.rule.mu.Lock()
	defer c.rule.mu.Unlock()
	c.rule.answered = max(c.rule.answered, c.in)
	return n, err
}

// breakAt runs an activation whose connection breaks, in a warm container, and returns what came of it.
func breakAt(t *testing.T, b *breaking, check func(t *testing.T, w *world, first string, r *Result, err error)) {
	inWorld(t, func(w *world) { w.config.DialContext = b.dial(&w.engine.network) }, func(t *testing.T, w *world) {
		first, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{ID: "first"})
		require.NoError(t, err)
		b.mu.Lock()
		b.breaks = 1
		b.mu.Unlock()
		r, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{ID: "second"})
		synctest.Wait()
		check(t, w, first.Container, r, err)
		require.NotContains(t, w.engine.ids(), first.Container, "a container whose connection broke is not used again")
	})
}

// TestAtMostOnce breaks the connection before each byte of a request, and of its answer. The activation never runs twice; if nothing was
// sent it runs in another container.
func TestAtMostOnce(t *testing.T) {
	whole := &breaking{written: -1, read: 1 << 20}
	inWorld(t, func(w *world) { w.config.DialContext = whole.dial(&w.engine.network) }, func(t *testing.T, w *world) {
		whole.breaks = 1
		_, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{ID: "second"})
		require.NoError(t, err)
	})
	require.Greater(t, whole.length, 100)
	require.Greater(t, whole.answered, 50)
	step := 1
	if testing.Short() {
		step = 17
	}
	for n := 0; n < whole.length; n += step {
		breakAt(t, &breaking{written: n}, func(t *testing.T, w *world, first string, r *Result, err error) {
			require.NoError(t, err)
			if n == 0 {
				require.Equal(t, Success, r.Status)
				require.NotEqual(t, first, r.Container)
				return
			}
			require.Equal(t, DeveloperError, r.Status)
			require.Equal(t, first, r.Container)
			require.Equal(t, 1, w.engine.count("run"), "a request that is cut does not run")
		})
	}
	for n := 0; n < whole.answered; n += step {
		breakAt(t, &breaking{written: -1, read: n}, func(t *testing.T, w *world, first string, r *Result, err error) {
			require.NoError(t, err)
			require.Equal(t, DeveloperError, r.Status)
			require.Equal(t, first, r.Container)
			if n > 0 { // else it may not have been read
				require.Equal(t, 2, w.engine.count("run"))
			}
		})
	}
}

// TestEverythingIsRefused has no container reachable once it is warm, as behind a network that fails: the caller is told so in the end.
func TestEverythingIsRefused(t *testing.T) {
	b := &breaking{written: 0, breaks: 1 << 30}
	inWorld(t, func(w *world) { w.config.DialContext = b.dial(&w.engine.network) }, func(t *testing.T, w *world) {
		_, err := w.within(time.Hour, sample("a"), Activation{ID: "second"})
		var lost *LostError
		require.ErrorAs(t, err, &lost)
		require.False(t, lost.Sent)
		require.ErrorIs(t, err, errBroken)
		require.Zero(t, w.engine.count("run"))
	})
}
