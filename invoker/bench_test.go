package invoker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
)

// instantEngine starts containers at once: they are one server on loopback, with a port for each.
type instantEngine struct {
	server  *http.Server
	started atomic.Int64
	ports   sync.Map // container → net.Listener
}

func newInstantEngine(b *testing.B) *instantEngine {
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write([]byte(`{"ok":true}`))
	})}
	b.Cleanup(func() { _ = server.Close() })
	return &instantEngine{server: server}
}

func (e *instantEngine) Create(_ context.Context, id string, spec Spec) (Instance, error) {
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return Instance{}, err
	}
	e.ports.Store(id, port)
	go func() { _ = e.server.Serve(port) }() // until the port is closed
	n := e.started.Add(1)
	return Instance{
		ID: id, Incarnation: id, Agent: fmt.Sprintf("agent-%d", n%100), Address: port.Addr().String(), Labels: spec.Labels, Started: time.Now(),
	}, nil
}

func (e *instantEngine) Destroy(_ context.Context, id string) error {
	if port, ok := e.ports.LoadAndDelete(id); ok {
		return port.(net.Listener).Close()
	}
	return nil
}

func (e *instantEngine) Instances(context.Context) ([]Instance, error) { return nil, nil }
func (e *instantEngine) Watch(ctx context.Context) iter.Seq[Change] {
	return func(func(Change) bool) { <-ctx.Done() }
}

// running returns an invoker that runs until the end of the benchmark.
func running(b *testing.B, c Config) *Invoker {
	c.Owner, c.Logger = "bench", slog.New(slog.DiscardHandler)
	v, err := New(c)
	require.NoError(b, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- v.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		<-done
	})
	return v
}

// warmUp has each action n warm containers.
func warmUp(b *testing.B, v *Invoker, actions []*Action, n int) {
	var all sync.WaitGroup
	leases := make(chan *Lease, n*len(actions))
	slots := make(chan struct{}, 200)
	for _, a := range actions {
		for range n {
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				l, err := v.Acquire(context.Background(), a)
				if err != nil {
					b.Error(err)
					return
				}
				if _, err := l.Run(context.Background(), Activation{}); err != nil {
					b.Error(err)
				}
				leases <- l
			})
		}
	}
	all.Wait()
	close(leases)
	for l := range leases {
		l.Release()
	}
}

func sampleActions(n int) (all []*Action) {
	for i := range n {
		all = append(all, sample(fmt.Sprintf("action-%d", i)))
	}
	return all
}

// BenchmarkAcquireRelease has 10,000 warm containers of 1,000 actions, from which containers are taken and given back on all cores.
func BenchmarkAcquireRelease(b *testing.B) {
	e := newInstantEngine(b)
	e.server.SetKeepAlivesEnabled(false) // or there would be 10,000 connections
	v := running(b, Config{Engine: e})
	actions := sampleActions(1000)
	warmUp(b, v, actions, 10)
	b.Run("10000 containers", func(b *testing.B) { benchmarkPairs(b, v, actions) })
}

func benchmarkPairs(b *testing.B, v *Invoker, actions []*Action) {
	var (
		next atomic.Uint64
		mu   sync.Mutex
		took []time.Duration
	)
	ctx := context.Background()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		own := make([]time.Duration, 0, 1<<16)
		for i := next.Add(7919); pb.Next(); i += 31 {
			began := time.Now()
			l, err := v.Acquire(ctx, actions[i%1000])
			if err != nil {
				b.Error(err)
				return
			}
			l.Release()
			if len(own) < cap(own) {
				own = append(own, time.Since(began))
			}
		}
		mu.Lock()
		defer mu.Unlock()
		took = append(took, own...)
	})
	reportQuantiles(b, "pair", took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
}

// BenchmarkWarmRun compares a warm Invoke with a bare POST of net/http to the same server, one after the other. Its own share is
// what Invoke takes beyond the call of /run.
func BenchmarkWarmRun(b *testing.B) {
	e := newInstantEngine(b)
	v := running(b, Config{Engine: e})
	a := sample("a")
	warmUp(b, v, []*Action{a}, 1)
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	raw, err := e.Create(b.Context(), "raw", Spec{})
	require.NoError(b, err)
	body := []byte(`{"value":{},"namespace":"guest","action_name":"/guest/a","action_version":"0.0.1","activation_id":"8f0ea1b8ac1f4a3b8ea1b8ac1f4a3b1c","transaction_id":"","deadline":"1790000000000"}`)
	var all, share, post []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		r, err := v.Invoke(b.Context(), a, Activation{})
		took := time.Since(began)
		if err != nil || r.Status != Success || r.Start != Warm {
			b.Fatal(r, err)
		}
		all, share = append(all, took), append(share, took-r.Duration)
		began = time.Now()
		request, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+raw.Address+"/run", bytes.NewReader(body))
		response, err := transport.RoundTrip(request)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.ReadAll(response.Body)
		_ = response.Body.Close()
		post = append(post, time.Since(began))
	}
	reportQuantiles(b, "invoke", all)
	reportQuantiles(b, "share", share)
	reportQuantiles(b, "post", post)
}

// BenchmarkStem runs each action for the first time, in a stem cell: it is bound, initialised and run.
func BenchmarkStem(b *testing.B) {
	for _, store := range []string{"memory", "file"} {
		b.Run(store, func(b *testing.B) {
			c := Config{Engine: newInstantEngine(b), Pool: PoolConfig{Stems: []StemCells{{Kind: "test:1", Initial: 20, Max: 20}}}}
			if store == "file" {
				file, err := ha.OpenFile(filepath.Join(b.TempDir(), "store"))
				require.NoError(b, err)
				b.Cleanup(func() { _ = file.Close() })
				c.Store = file
			}
			v := running(b, c)
			var took []time.Duration
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				for ready := false; !ready; runtime.Gosched() {
					stats, err := v.Stats(b.Context())
					ready = err == nil && stats.Containers[StateStem] > 0
				}
				b.StartTimer()
				began := time.Now()
				l, err := v.Acquire(b.Context(), sample(fmt.Sprint(i)))
				if err != nil {
					b.Fatal(err)
				}
				r, err := l.Run(b.Context(), Activation{})
				took = append(took, time.Since(began))
				if err != nil || r.Status != Success || r.Start != Prewarmed {
					b.Fatal(r, err)
				}
				b.StopTimer()
				l.outcome = discard // its container is removed, so that not more and more are there
				l.Release()
				b.StartTimer()
			}
			reportQuantiles(b, "stem", took)
		})
	}
}

func reportQuantiles(b *testing.B, name string, took []time.Duration) {
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	for _, q := range []int{50, 99} {
		b.ReportMetric(float64(took[len(took)*q/100].Nanoseconds())/1000, fmt.Sprintf("%s-p%d-µs", name, q))
	}
}
