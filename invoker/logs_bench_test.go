package invoker

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// printingEngine starts containers on loopback, each of whose activations prints 1 KiB to stdout, and sentinels, whether somebody reads
// that or not.
type printingEngine struct {
	*instantEngine
	b        *testing.B
	dir      string
	duration time.Duration // of activations
	latency  time.Duration // of reads
	reads    atomic.Int64
	outputs  sync.Map // container → *output
}

// output is what a container has printed, in a file for each stream.
type output struct {
	files map[Stream]*os.File
	runs  atomic.Int64
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
	o, err := e.newOutput(id)
	if err != nil {
		return Instance{}, err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/run" {
			time.Sleep(e.duration)
			o.print()
		}
		_, _ = w.Write([]byte(`{"ok":true}`))
	})}
	go func() { _ = server.Serve(listener) }()
	e.b.Cleanup(func() { _ = server.Close() })
	in, err := e.instantEngine.Create(ctx, id, spec)
	in.Address, in.Agent = listener.Addr().String(), fmt.Sprint("agent-", e.started.Load()%3)
	return in, err
}

func (e *printingEngine) newOutput(id string) (*output, error) {
	o := &output{files: map[Stream]*os.File{}}
	for _, s := range streams {
		f, err := os.Create(filepath.Join(e.dir, fmt.Sprintf("%s.%s", id, s)))
		if err != nil {
			return nil, err
		}
		e.b.Cleanup(func() { _ = f.Close() })
		o.files[s] = f
	}
	e.outputs.Store(id, o)
	return o, nil
}

// print prints what an activation does.
func (o *output) print() {
	for s, text := range printedByActivation {
		_, _ = o.files[s].WriteString(text)
	}
	o.runs.Add(1)
}

func (e *printingEngine) ReadOutput(_ context.Context, in Instance, stream Stream, offset int64, buf []byte) (int, int64, error) {
	time.Sleep(e.latency)
	o, _ := e.outputs.Load(in.ID)
	return e.read(o.(*output), stream, offset, buf)
}

func (e *printingEngine) read(o *output, s Stream, offset int64, buf []byte) (int, int64, error) {
	e.reads.Add(1)
	size := o.runs.Load() * int64(len(printedByActivation[s]))
	n, err := o.files[s].ReadAt(buf[:max(0, min(int64(len(buf)), size-offset))], offset)
	return n, size, err
}

// BenchmarkLogs runs activations in 50 containers of three agents on loopback: without logs; without, but the output is read and thrown
// away, and 16 lines are given to somebody who reads them, which is what logs cannot do without; with logs; and with reads that take
// 200 ms. All lines are read, by others. Everything shares the processors with the containers.
func BenchmarkLogs(b *testing.B) {
	for _, duration := range []time.Duration{0, 10 * time.Millisecond} { // of an activation
		for _, c := range []struct {
			name    string
			limit   int64
			latency time.Duration
			discard bool
		}{
			{name: "off", limit: -1}, {name: "output thrown away", limit: -1, discard: true},
			{name: "on"}, {name: "reads of 200ms", latency: 200 * time.Millisecond},
		} {
			b.Run(fmt.Sprintf("%v/%s", duration, c.name), func(b *testing.B) {
				e := &printingEngine{instantEngine: newInstantEngine(b), b: b, dir: b.TempDir(), duration: duration}
				v := running(b, Config{Engine: e})
				a := sample("prints")
				a.LogLimit = c.limit
				warmUp(b, v, []*Action{a}, 50)
				e.latency = c.latency
				run := logsRun{b: b, v: v, action: a, logs: make(chan openLogs, b.N)}
				if c.discard {
					run.instead = printedLines
					e.discardOutput()
				}
				run.measure(e)
			})
		}
	}
}

// discardOutput reads the output of each container each 10 ms if it has printed something, to the end of the benchmark.
func (e *printingEngine) discardOutput() {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	e.outputs.Range(func(_, o any) bool {
		all.Go(func() { e.discard(ctx, o.(*output)) })
		return true
	})
	e.b.Cleanup(func() {
		cancel()
		all.Wait()
	})
}

func (e *printingEngine) discard(ctx context.Context, o *output) {
	buf := make([]byte, readSize)
	offsets := map[Stream]int64{}
	last := int64(0)
	ticker := time.NewTicker(minGap)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		runs := o.runs.Load()
		if runs == last {
			continue
		}
		last = runs
		for s := range printedByActivation {
			n, _, err := e.read(o, s, offsets[s], buf)
			if err != nil {
				e.b.Error(err)
				return
			}
			offsets[s] += int64(n)
		}
	}
}

// printedLines yields what each activation prints.
func printedLines(yield func(LogLine, error) bool) {
	text := printedByActivation[Stdout]
	lineBlock{text: text[:len(text)-len(mark)]}.lines(yield)
}

// logsRun is b.N activations.
type logsRun struct {
	b       *testing.B
	v       *Invoker
	action  *Action
	instead iter.Seq2[LogLine, error] // lines for each activation, in place of logs
	logs    chan openLogs

	mu   sync.Mutex
	took []time.Duration // from the answer to the end of the log
}

type openLogs struct {
	lines iter.Seq2[LogLine, error]
	at    time.Time
}

func (r *logsRun) measure(e *printingEngine) {
	b := r.b
	var readers, callers sync.WaitGroup
	for range 50 {
		readers.Go(r.read)
	}
	e.reads.Store(0)
	before := cpuTime(b)
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	for range 50 {
		callers.Go(func() {
			for left.Add(-1) >= 0 {
				r.invoke()
			}
		})
	}
	callers.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
	close(r.logs)
	readers.Wait()
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/1000/float64(b.N), "µs-cpu/run")
	b.ReportMetric(float64(e.reads.Load())/float64(b.N), "reads/run")
	if r.action.LogLimit >= 0 {
		require.Len(b, r.took, b.N)
		slices.Sort(r.took)
		b.ReportMetric(float64(r.took[b.N/2].Microseconds())/1000, "ms-complete-p50")
		b.ReportMetric(float64(r.took[b.N*99/100].Microseconds())/1000, "ms-complete-p99")
	}
}

func (r *logsRun) invoke() {
	result, err := r.v.Invoke(context.Background(), r.action, Activation{})
	switch {
	case err != nil:
		r.b.Error(err)
	case result.Logs != nil:
		r.logs <- openLogs{result.Logs.Lines(context.Background()), time.Now()}
	case r.instead != nil:
		r.logs <- openLogs{r.instead, time.Now()}
	}
}

// read reads logs to their ends.
func (r *logsRun) read() {
	for l := range r.logs {
		n := 0
		for line, err := range l.lines {
			if err != nil || len(line.Log) != 63 {
				r.b.Error(err, line)
			}
			n++
		}
		if n != 16 {
			r.b.Error(n, "lines")
		}
		r.mu.Lock()
		r.took = append(r.took, time.Since(l.at))
		r.mu.Unlock()
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
	e := &printingEngine{instantEngine: newInstantEngine(b), b: b, dir: b.TempDir()}
	in := Instance{ID: "c", Agent: "agent"}
	o, err := e.newOutput(in.ID)
	require.NoError(b, err)
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
		o.print()
		l.end(true)
	}
	c.handOver(ctx, in.ID)
}
