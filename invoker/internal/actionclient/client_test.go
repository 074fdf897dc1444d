package actionclient

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/actionruntime"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// answer answers with a JSON object and status 200.
func answer(conn io.Writer) bool {
	_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
	return err == nil
}

// What is written, to the byte.
func TestRequests(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		listener := w.listen()
		got := make(chan string, 1)
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				b := make([]byte, 4096)
				n, _ := conn.Read(b)
				got <- string(b[:n])
				_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\n{}")
				_ = conn.Close()
			}
		}()
		c := call()
		w.container.Init(t.Context(), &InitRequest{Call: c, Main: "start", Code: "a\n\"<ü", Binary: true, Env: map[string]string{
			"Z": "1", "__OW_API_KEY": "forged", "__OW_NAMESPACE": "forged", `A"`: "2",
		}})
		require.Equal(t, "POST /init HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: 284\r\n\r\n"+
			`{"value":{"name":"hello","main":"start","code":"a\n\"\u003cü","binary":true,"env":{"A\"":"2","Z":"1","__OW_ACTION_NAME":"/guest/utils/hello",`+
			`"__OW_ACTION_VERSION":"0.0.2","__OW_ACTIVATION_ID":"a1","__OW_DEADLINE":"1700000060000","__OW_NAMESPACE":"guest","__OW_TRANSACTION_ID":"t1"}}}`, <-got)
		w.container.Run(t.Context(), &RunRequest{Call: c})
		require.Equal(t, "POST /run HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nAccept: application/json\r\nContent-Type: application/json\r\nContent-Length: 162\r\n\r\n"+
			`{"value":{},"namespace":"guest","action_name":"/guest/utils/hello","action_version":"0.0.2","activation_id":"a1","transaction_id":"t1",`+
			`"deadline":"1700000060000"}`, <-got)
		c.APIKey = "k"
		w.container.Run(t.Context(), &RunRequest{Call: c, Params: []byte(`[1]`)})
		require.Contains(t, <-got, `{"value":[1],"namespace":"guest","action_name":"/guest/utils/hello","action_version":"0.0.2","activation_id":"a1",`+
			`"transaction_id":"t1","deadline":"1700000060000","api_key":"k"}`)
		require.NoError(t, w.container.Ping(t.Context()))
		require.Equal(t, "GET / HTTP/1.1\r\nHost: 10.0.0.1:8080\r\n\r\n", <-got)
	})
}

func TestReadyAsksAgainAfterOneMillisecondAndThenLessOften(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		start := time.Now()
		go func() {
			time.Sleep(100 * time.Millisecond)
			w.serve(actionruntime.Config{})
		}()
		require.NoError(t, w.container.Ready(t.Context()))
		// After 0, 1, 3, 7, 15, 31 ms, and then each 20 ms.
		require.Equal(t, 111*time.Millisecond, time.Since(start))
		require.EqualValues(t, 10, w.dials.Load())
	})
}

func TestReadyIsNotSatisfiedByAProxyThatAccepts(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		start := time.Now()
		w.accept(func(conn *virtualnet.Conn, _ int, _ *http.Request) bool {
			return time.Since(start) >= time.Second && answer(conn)
		})
		require.NoError(t, w.container.Ready(t.Context()))
		require.Equal(t, 1011*time.Millisecond, time.Since(start))
	})
}

func TestReadyEndsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		err := w.container.Ready(ctx)
		require.Equal(t, 10*time.Second, time.Since(start))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.Regexp(t, `^context deadline exceeded \(last attempt at .*: .*connection refused\)$`, err.Error())
	})
}

func TestARuntimeThatHangsAtFirstIsAskedAgainAfterASecond(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.accept(func(conn *virtualnet.Conn, n int, _ *http.Request) bool {
			if n == 0 {
				<-t.Context().Done()
			}
			return answer(conn)
		})
		start := time.Now()
		require.NoError(t, w.container.Ready(t.Context()))
		require.Equal(t, 1001*time.Millisecond, time.Since(start))
	})
}

func TestPing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		require.ErrorIs(t, w.container.Ping(t.Context()), syscall.ECONNREFUSED)
		kill := w.serve(actionruntime.Config{})
		require.NoError(t, w.container.Ping(t.Context()), "status 404 is an answer")
		kill()
		require.Error(t, w.container.Ping(t.Context()))
	})
}

func TestInitIsRepeatedWhileTheConnectionIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		time.AfterFunc(120*time.Millisecond, func() { w.serve(actionruntime.Config{}) })
		a := w.init("echo")
		require.Equal(t, Success, a.Outcome)
		require.Equal(t, 150*time.Millisecond, a.Duration)
		require.EqualValues(t, 4, w.dials.Load())
	})
}

func TestInitIsRefusedUntilTheTimeLimit(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a := w.init("echo")
		require.Equal(t, DeveloperError, a.Outcome)
		require.True(t, a.TimedOut && a.Refused)
		require.False(t, a.Sent || a.Reusable || a.Broken)
		require.ErrorIs(t, a.Err, syscall.ECONNREFUSED)
		require.Equal(t, time.Minute, a.Duration)
		require.EqualValues(t, 1200, w.dials.Load())
	})
}

func TestInitEndsAtATimeLimitThatIsNoMultipleOfItsPauses(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		c := call()
		c.Timeout = 120 * time.Millisecond
		a := w.container.Init(t.Context(), &InitRequest{Call: c, Code: "echo"})
		require.True(t, a.TimedOut && a.Refused)
		require.Equal(t, 120*time.Millisecond, a.Duration)
		require.EqualValues(t, 3, w.dials.Load())
	})
}

func TestInitIsNotRepeatedOnceItWasSent(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var inits atomic.Int64
		w.accept(func(*virtualnet.Conn, int, *http.Request) bool { inits.Add(1); return false })
		a := w.init("echo")
		require.True(t, a.Sent && a.Broken)
		require.Zero(t, a.Duration)
		synctest.Wait()
		require.EqualValues(t, 1, inits.Load())
	})
}

func TestRunIsNotRepeatedWhenTheConnectionIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		kill := w.serve(actionruntime.Config{})
		w.init("echo")
		kill()
		a := w.run("{}")
		require.True(t, a.Refused)
		require.False(t, a.Sent || a.Reusable || a.TimedOut || a.Broken)
		require.ErrorIs(t, a.Err, syscall.ECONNREFUSED)
		require.Equal(t, InternalError, a.Outcome)
		require.Zero(t, a.Duration)
		require.EqualValues(t, 2, w.dials.Load(), "the one for /init, and one")
	})
}

// An agent that does not answer at all refuses nothing.
func TestWhatCannotBeConnectedForFiveSecondsIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.listen().Hold(make(chan struct{}))
		a := w.run("{}")
		require.True(t, a.Refused)
		require.False(t, a.Sent || a.TimedOut)
		require.Equal(t, 5*time.Second, a.Duration)

		// It is not the action that took too long.
		c := call()
		c.Timeout = 2 * time.Second
		a = w.container.Run(t.Context(), &RunRequest{Call: c})
		require.True(t, a.Refused)
		require.False(t, a.Sent || a.TimedOut)
		require.Equal(t, InternalError, a.Outcome)
		require.Equal(t, 2*time.Second, a.Duration)
	})
}

func TestProvisionalAnswersAreSkipped(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.accept(func(conn *virtualnet.Conn, _ int, _ *http.Request) bool {
			_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
			return answer(conn)
		})
		for range 3 {
			require.Equal(t, Success, w.run("{}").Outcome)
		}
		require.EqualValues(t, 1, w.dials.Load())
	})
}

func TestOneConnectionServesManyRuns(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.serve(actionruntime.Config{})
		require.NoError(t, w.container.Ready(t.Context()))
		w.init("echo")
		for range 100 {
			require.Equal(t, Success, w.run("{}").Outcome)
			time.Sleep(keepIdle - time.Nanosecond)
		}
		require.EqualValues(t, 1, w.dials.Load())
		require.EqualValues(t, 1, w.open.Load())
	})
}

func TestAConnectionThatIsNotUsedForASecondIsClosed(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.serve(actionruntime.Config{})
		w.init("echo")
		time.Sleep(keepIdle / 2)
		w.run("{}")
		time.Sleep(keepIdle - time.Nanosecond)
		synctest.Wait()
		require.EqualValues(t, 1, w.open.Load())
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.Zero(t, w.open.Load())
		require.Equal(t, Success, w.run("{}").Outcome)
		require.EqualValues(t, 2, w.dials.Load())
	})
}

func TestSuspendClosesTheConnections(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.serve(actionruntime.Config{})
		w.init("echo")
		w.container.Suspend()
		require.Zero(t, w.open.Load())
		require.Equal(t, Success, w.run("{}").Outcome)
		require.EqualValues(t, 2, w.dials.Load())
	})
}

func TestNothingIsSentAfterClose(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.serve(actionruntime.Config{})
		w.init("sleep 10s")
		var during Answer
		time.AfterFunc(time.Second, w.container.Close)
		during = w.run("{}")
		require.Equal(t, Success, during.Outcome, "what is under way goes on")
		require.Zero(t, w.open.Load())
		a := w.run("{}")
		require.Equal(t, InternalError, a.Outcome)
		require.False(t, a.Sent || a.Refused)
		require.ErrorIs(t, a.Err, errClosed)
		require.ErrorIs(t, w.container.Ready(t.Context()), errClosed)
		require.ErrorIs(t, w.container.Ping(t.Context()), errClosed)
		require.Zero(t, w.init("echo").Duration)
	})
}

func TestConcurrentRunsHaveAConnectionEach(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.container.slots = 3
		w.serve(actionruntime.Config{Concurrent: true})
		w.init("sleep 1s")
		for range 2 {
			answers := make(chan Answer)
			for range 5 {
				go func() { answers <- w.run("{}") }()
			}
			for range 5 {
				require.Equal(t, Success, (<-answers).Outcome)
			}
			synctest.Wait()
			require.EqualValues(t, 3, w.open.Load(), "as many are kept as there are slots")
		}
		require.EqualValues(t, 7, w.dials.Load(), "five, and two that were not kept")
	})
}
