package actionclient

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// ledger counts how often each activation arrived, as a whole or in part. One activation is under way at a time.
type ledger struct {
	mu      sync.Mutex
	current string
	arrived map[string]int
	wrong   error
}

func (l *ledger) begin(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = id
}

// saw is called when the beginning of a request arrives.
func (l *ledger) saw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrived[l.current]++
}

// end notes what is wrong: that it arrived twice, or though it is said not to have left, or that the answer is that of another one.
func (l *ledger) end(id string, sent bool, body []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.wrong != nil:
	case l.arrived[id] > 1:
		l.wrong = fmt.Errorf("%s arrived %d times", id, l.arrived[id])
	case !sent && l.arrived[id] > 0:
		l.wrong = fmt.Errorf("%s arrived, and is said not to have left", id)
	case body != nil && string(body) != fmt.Sprintf(`{"id":%q}`, id):
		l.wrong = fmt.Errorf("%s was answered with %s", id, body)
	}
}

// forged is an answer to a request that nobody has sent.
const forged = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"forged\":true}"

// fickle serves a connection as a runtime that closes it at some moment, with a warning or without: before a request, when it
// has read a part of it, before, in, or after the answer; or that sends more behind the answer.
func fickle(conn net.Conn, random *rand.Rand, l *ledger, more string) {
	defer conn.Close()
	request := make([]byte, 4096)
	for random.IntN(6) > 0 {
		if random.IntN(8) == 0 {
			if n, _ := conn.Read(request[:1+random.IntN(300)]); n > 0 {
				l.saw()
			}
			return
		}
		n, _ := conn.Read(request)
		if n == 0 {
			return
		}
		l.saw()
		_, rest, _ := bytes.Cut(request[:n], []byte(`"activation_id":"`))
		id, _, _ := strings.Cut(string(rest), `"`)
		body := fmt.Sprintf(`{"id":%q}`, id)
		answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		switch random.IntN(12) {
		case 0:
			return
		case 1:
			_, _ = io.WriteString(conn, answer[:random.IntN(len(answer))])
			return
		case 2:
			answer = strings.Replace(answer, "\r\n", "\r\nConnection: close\r\n", 1)
		case 3:
			answer += more
		case 4:
			answer = "HTTP/1.1 100 Continue\r\n\r\n" + answer
		}
		if _, err := io.WriteString(conn, answer); err != nil {
			return
		}
	}
}

// fickleRuntime accepts connections until the listener is closed, and returns a function that waits for all of them.
func fickleRuntime(listener net.Listener, seed uint64, l *ledger, more string) (wait func()) {
	var serving sync.WaitGroup
	serving.Go(func() {
		for n := uint64(0); ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { fickle(conn, rand.New(rand.NewPCG(seed, n)), l, more) })
		}
	})
	return serving.Wait
}

// runAll runs activations one after the other, with pauses in which the runtime may close the connection.
func runAll(container *Container, l *ledger, n int, pause func(i int)) (succeeded int) {
	for i := range n {
		r := &RunRequest{Call: call()}
		r.ActivationID = fmt.Sprint("a", i)
		l.begin(r.ActivationID)
		a := container.Run(context.Background(), r)
		if a.Outcome != Success {
			a.Body = nil
		} else {
			succeeded++
		}
		l.end(r.ActivationID, a.Sent, a.Body)
		pause(i)
	}
	return succeeded
}

// At most once, whenever the runtime closes the connection: with virtual connections, which tell at once what was not written.
func TestRunIsSentAtMostOnce(t *testing.T) {
	seeds := uint64(200)
	if testing.Short() {
		seeds = 20
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			var network virtualnet.Network
			listener, err := network.Listen(address)
			require.NoError(t, err)
			l := &ledger{arrived: make(map[string]int)}
			wait := fickleRuntime(listener, seed, l, forged)
			container := New(network.DialContext).Container(address, 1)
			succeeded := runAll(container, l, 50, func(i int) {
				if i%3 == 0 {
					time.Sleep(time.Millisecond)
				}
				container.mu.Lock()
				container.slots = 1 // also with a runtime that is known to close connections
				container.mu.Unlock()
			})
			container.Close()
			require.NoError(t, listener.Close())
			wait()
			require.NoError(t, l.wrong, "seed %d", seed)
			require.Greater(t, succeeded, 10)
		})
	}
}

// The same with sockets, which accept what they are given after the other side has closed them.
func TestRunIsSentAtMostOnceOnSockets(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &ledger{arrived: make(map[string]int)}
	wait := fickleRuntime(listener, 1, l, forged)
	container := New(nil).Container(listener.Addr().String(), 1)
	succeeded := runAll(container, l, 1000, func(int) {
		container.mu.Lock()
		container.slots = 1
		container.mu.Unlock()
	})
	container.Close()
	require.NoError(t, listener.Close())
	wait()
	require.NoError(t, l.wrong)
	require.Greater(t, succeeded, 200)
}

// TestRunIsSentAtMostOnceControl is the negative test: net/http sends a request with an Idempotency-Key again when the
// connection, which was used before, is closed before the answer.
func TestRunIsSentAtMostOnceControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network virtualnet.Network
		listener, err := network.Listen(address)
		require.NoError(t, err)
		l := &ledger{arrived: make(map[string]int)}
		wait := fickleRuntime(listener, 1, l, "")
		transport := &http.Transport{DialContext: network.DialContext}
		for i := range 100 {
			id := fmt.Sprint("a", i)
			l.begin(id)
			body, err := (&RunRequest{Call: Call{ActivationID: id}}).appendTo(nil)
			require.NoError(t, err)
			request, err := http.NewRequest(http.MethodPost, "http://"+address+"/run", bytes.NewReader(body))
			require.NoError(t, err)
			request.Header.Set("Idempotency-Key", id)
			if response, err := transport.RoundTrip(request); err == nil {
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
			l.end(id, true, nil)
		}
		transport.CloseIdleConnections()
		require.NoError(t, listener.Close())
		wait()
		require.ErrorContains(t, l.wrong, "arrived 2 times")
	})
}

// A socket on which something has arrived, or which the other side has closed, is not used.
func TestAStaleSocketIsNotUsed(t *testing.T) {
	for name, stale := range map[string]func(server *net.TCPConn) error{
		"closed":      func(server *net.TCPConn) error { return server.Close() },
		"half closed": func(server *net.TCPConn) error { return server.CloseWrite() },
		"reset": func(server *net.TCPConn) error {
			_ = server.SetLinger(0)
			return server.Close()
		},
		"spoke": func(server *net.TCPConn) error {
			_, err := server.Write([]byte("HTTP/1.1 200 OK\r\n"))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
			require.NoError(t, err)
			defer listener.Close()
			client, err := net.Dial("tcp", listener.Addr().String())
			require.NoError(t, err)
			defer client.Close()
			server, err := listener.AcceptTCP()
			require.NoError(t, err)
			defer server.Close()
			probe := proberOf(client)
			require.False(t, probe.Readable(), "as it should be")
			require.False(t, probe.Readable(), "nothing was consumed")
			require.NoError(t, stale(server))
			for !probe.Readable() { // until it arrives: nearly at once on loopback
				time.Sleep(time.Millisecond)
			}
		})
	}
}

func TestAConnectionThatTheRuntimeClosedIsReplaced(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			answer(conn)
			_ = conn.Close()
		}
	})
	container := New(nil).Container(listener.Addr().String(), 1)
	for range 100 {
		require.Equal(t, Success, container.Run(t.Context(), &RunRequest{Call: call()}).Outcome)
		for _, idle := range container.idle {
			for !idle.probe.Readable() {
				time.Sleep(time.Millisecond)
			}
		}
	}
	container.Close()
	require.NoError(t, listener.Close())
	serving.Wait()
}

// What a runtime sends before it is asked is not the answer to what it is asked next.
func TestAnAnswerBeforeTheQuestionIsNotTaken(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.accept(func(conn *virtualnet.Conn, n int, _ *http.Request) bool {
			time.AfterFunc(10*time.Millisecond, func() { _, _ = io.WriteString(conn, forged) })
			return answer(conn)
		})
		require.Equal(t, "{}", string(w.run("{}").Body))
		time.Sleep(20 * time.Millisecond)
		require.Equal(t, "{}", string(w.run("{}").Body))
		require.EqualValues(t, 2, w.dials.Load())
	})
}

func TestConnectionsThatCannotBeProbedAreNotKept(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.accept(func(conn *virtualnet.Conn, _ int, _ *http.Request) bool { return answer(conn) })
		hidden := New(func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := w.dial(ctx, network, address)
			return struct{ net.Conn }{conn}, err
		}).Container(address, 1)
		for range 3 {
			require.Equal(t, Success, hidden.Run(t.Context(), &RunRequest{Call: call()}).Outcome)
			require.Zero(t, w.open.Load())
		}
	})
}

// A runtime that closes connections soon is a runtime that may close one when a request is under way.
func TestARuntimeThatClosesConnectionsGetsANewOneEachTime(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.accept(func(conn *virtualnet.Conn, n int, _ *http.Request) bool { return answer(conn) && n > 0 })
		for range 5 {
			require.Equal(t, Success, w.run("{}").Outcome)
			synctest.Wait()
		}
		require.EqualValues(t, 5, w.dials.Load())
		require.Zero(t, w.open.Load())
	})
}

// TestARequestThatWasBrokenOffIsNotTheDevelopersFault, however long the process was stopped in the midst of it.
func TestARequestThatWasBrokenOffIsNotTheDevelopersFault(t *testing.T) {
	for _, took := range []time.Duration{time.Second, time.Minute} {
		for _, sent := range []bool{true, false} {
			a := (&exchanged{timeout: 10 * time.Second, took: took, sent: sent, err: ErrTooLate}).answer()
			require.Equal(t, InternalError, a.Outcome)
			require.False(t, a.TimedOut)
			require.Equal(t, sent, a.Sent)
			require.False(t, a.Reusable)
		}
	}
}
