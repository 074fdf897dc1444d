package invoker

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// slowEngine takes 50 ms to start a container.
type slowEngine struct{ *instantEngine }

func (e slowEngine) Create(ctx context.Context, id string, spec Spec) (Instance, error) {
	time.Sleep(50 * time.Millisecond)
	return e.instantEngine.Create(ctx, id, spec)
}

const burst = 200

// BenchmarkBurst has 200 actions be called at once for the first time, and then another action 200 times at once. The baseline
// starts 200 containers on the same engine, as many at once, and sends /init and /run to each by net/http.
func BenchmarkBurst(b *testing.B) {
	e := slowEngine{newInstantEngine(b)}
	e.server.SetKeepAlivesEnabled(false) // or there would be as many connections as containers
	v := running(b, Config{Engine: e})
	warmUp(b, v, sampleActions(1), 1)
	raw, keys, one := 0.0, 0.0, 0.0 // seconds until the last has its result
	var startsForKeys, startsForOne int64
	for i := 0; b.Loop(); i++ {
		raw += rawBurst(b, e)
		began := e.started.Load()
		keys += callAtOnce(b, v, func(call int) string { return "key-" + strconv.Itoa(i) + "-" + strconv.Itoa(call) })
		startsForKeys = e.started.Load() - began
		one += callAtOnce(b, v, func(int) string { return "one-" + strconv.Itoa(i) })
		startsForOne = e.started.Load() - began - startsForKeys
		require.LessOrEqual(b, startsForKeys, int64(burst))
		require.LessOrEqual(b, startsForOne, int64(burst))
	}
	b.ReportMetric(raw/float64(b.N)*1000, "raw-ms")
	b.ReportMetric(keys/raw, "keys/raw")
	b.ReportMetric(one/raw, "one-key/raw")
	b.ReportMetric(float64(startsForKeys), "keys-starts")
	b.ReportMetric(float64(startsForOne), "one-key-starts")
}

// callAtOnce invokes actions, and returns how many seconds passed until the last has succeeded.
func callAtOnce(b *testing.B, v *Invoker, name func(call int) string) float64 {
	var all sync.WaitGroup
	began := time.Now()
	for call := range burst {
		all.Go(func() {
			r, err := v.Invoke(b.Context(), sample(name(call)), Activation{})
			if err != nil || r.Status != Success {
				b.Error(r, err)
			}
		})
	}
	all.Wait()
	return time.Since(began).Seconds()
}

func rawBurst(b *testing.B, e slowEngine) float64 {
	var all sync.WaitGroup
	slots := make(chan struct{}, 20) // as many as the pool starts at once
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	began := time.Now()
	for i := range burst {
		all.Go(func() {
			slots <- struct{}{}
			id := "raw-" + strconv.Itoa(i)
			in, err := e.Create(b.Context(), id, Spec{})
			defer func() { _ = e.Destroy(b.Context(), id) }()
			<-slots
			if err != nil {
				b.Error(err)
				return
			}
			for _, path := range []string{"/init", "/run"} {
				request, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+in.Address+path, bytes.NewReader([]byte("{}")))
				response, err := transport.RoundTrip(request)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
	all.Wait()
	return time.Since(began).Seconds()
}
