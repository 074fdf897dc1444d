package invoker

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// printingEngine starts containers on loopback, each of whose activations prints 1 KiB to stdout, and sentinels.
type printingEngine struct {
	*instantEngine
	b        *testing.B
	duration time.Duration // of activations
	latency  time.Duration // of reads
	reads    atomic.Int64
	runs     sync.Map // container → *atomic.Int64
}

var printedByActivation = map[Stream]string{ // sentinels included
	Stdout: strings.Repeat(strings.Repeat("x", 63)+"\n", 16) + mark,
	Stderr: mark,
}

func (e *printingEngine) Create(ctx context.Context, id string, spec Spec) (Instance, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return Instance{}, err
	}
	runs := new(atomic.Int64)
	e.runs.Store(id, runs)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/run" {
			time.Sleep(e.duration)
			runs.Add(1)
		}
		_, _ = w.Write([]byte(`{"ok":true}`))
	})}
	go func() { _ = server.Serve(listener) }()
	e.b.Cleanup(func() { _ = server.Close() })
	in, err := e.instantEngine.Create(ctx, id, spec)
	in.Address, in.Agent = listener.Addr().String(), fmt.Sprint("agent-", e.started.Load()%3)
	return in, err
}

func (e *printingEngine) ReadOutput(_ context.Context, in Instance, stream Stream, offset int64, buf []byte) (int, int64, error) {
	e.reads.Add(1)
	time.Sleep(e.latency)
	runs, _ := e.runs.Load(in.ID)
	text := printedByActivation[stream]
	size := runs.(*atomic.Int64).Load() * int64(len(text))
	n := 0
	for n < len(buf) && offset < size {
		c := copy(buf[n:], text[offset%int64(len(text)):])
		n, offset = n+c, offset+int64(c)
	}
	return n, size, nil
}

// BenchmarkLogs runs activations in 50 containers of three agents on loopback, without and with logs, and with reads that take 200 ms.
// All lines are read, by others. Everything shares the processors with the containers.
func BenchmarkLogs(b *testing.B) {
	for _, duration := range []time.Duration{0, 10 * time.Millisecond} { // of an activation
		for _, c := range []struct {
			name    string
			limit   int64
			latency time.Duration
		}{{"off", -1, 0}, {"on", 0, 0}, {"reads of 200ms", 0, 200 * time.Millisecond}} {
			b.Run(fmt.Sprintf("%v/%s", duration, c.name), func(b *testing.B) {
				e := &printingEngine{instantEngine: newInstantEngine(b), b: b, duration: duration}
				v := running(b, Config{Engine: e})
				a := sample("prints")
				a.LogLimit = c.limit
				warmUp(b, v, []*Action{a}, 50)
				e.latency = c.latency
				benchmarkRuns(b, e, v, a)
			})
		}
	}
}

func benchmarkRuns(b *testing.B, e *printingEngine, v *Invoker, a *Action) {
	type open struct {
		logs *Logs
		at   time.Time
	}
	var readers, callers sync.WaitGroup
	var took []time.Duration
	var mu sync.Mutex
	logs := make(chan open, b.N)
	for range 50 {
		readers.Go(func() {
			for o := range logs {
				n := 0
				for line, err := range o.logs.Lines(context.Background()) {
					if err != nil || len(line.Log) != 63 {
						b.Error(err, line)
					}
					n++
				}
				if n != 16 {
					b.Error(n, "lines")
				}
				mu.Lock()
				took = append(took, time.Since(o.at))
				mu.Unlock()
			}
		})
	}
	e.reads.Store(0)
	before := cpuTime(b)
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	for range 50 {
		callers.Go(func() {
			for left.Add(-1) >= 0 {
				result, err := v.Invoke(context.Background(), a, Activation{})
				if err != nil {
					b.Error(err)
					return
				}
				if result.Logs != nil {
					logs <- open{result.Logs, time.Now()}
				}
			}
		})
	}
	callers.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
	close(logs)
	readers.Wait()
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/1000/float64(b.N), "µs-cpu/run")
	if a.LogLimit >= 0 {
		require.Len(b, took, b.N)
		slices.Sort(took)
		b.ReportMetric(float64(e.reads.Load())/float64(b.N), "reads/run")
		b.ReportMetric(float64(took[b.N/2].Microseconds())/1000, "ms-complete-p50")
		b.ReportMetric(float64(took[b.N*99/100].Microseconds())/1000, "ms-complete-p99")
	}
}

// cpuTime returns the time that the process has computed.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkActivationLog is what the log of an activation costs the one who runs it.
func BenchmarkActivationLog(b *testing.B) {
	e := &printingEngine{instantEngine: newInstantEngine(b), b: b}
	in := Instance{ID: "c", Agent: "agent"}
	runs := new(atomic.Int64)
	e.runs.Store(in.ID, runs)
	c := newLogCollector(e, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.run(ctx)
	}()
	defer func() {
		cancel()
		<-done
	}()
	a := sample("prints")
	b.ReportAllocs()
	for b.Loop() {
		l := c.begin(ctx, in, a, true)
		runs.Add(1)
		l.end(true)
	}
	c.handOver(ctx, in.ID)
}
