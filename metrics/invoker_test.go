package metrics_test

import (
	"context"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/metrics"
)

// slow is an engine whose starts do not end.
type slow struct{}

func (slow) Create(ctx context.Context, _ string, _ invoker.Spec) (invoker.Instance, error) {
	<-ctx.Done()
	return invoker.Instance{}, context.Cause(ctx)
}
func (slow) Destroy(context.Context, string) error                 { return nil }
func (slow) Instances(context.Context) ([]invoker.Instance, error) { return nil, nil }
func (slow) Watch(ctx context.Context) iter.Seq[invoker.Change] {
	return func(func(invoker.Change) bool) { <-ctx.Done() }
}

// An invoker is scraped before, during and after its run.
func TestInvoker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, err := invoker.New(invoker.Config{Owner: "test", Engine: slow{}, Logger: slog.New(slog.DiscardHandler), Pool: invoker.PoolConfig{
			Memory: 512, Stems: []invoker.StemCells{{Kind: "nodejs:20", Image: "node", Memory: 128, Initial: 1}},
		}})
		require.NoError(t, err)
		registry := prometheus.NewPedanticRegistry()
		require.NoError(t, metrics.Register(registry, metrics.Sources{Invoker: v, Framework: "one"}))
		problems, err := testutil.GatherAndLint(registry)
		require.NoError(t, err)
		require.Empty(t, problems)
		value := func(name, labels, want string) {
			t.Helper()
			var out strings.Builder
			families, err := registry.Gather()
			require.NoError(t, err)
			for _, f := range families {
				for _, m := range f.GetMetric() {
					out.WriteString(f.GetName())
					for _, l := range m.GetLabel() {
						out.WriteString(" " + l.GetValue())
					}
					if m.GetGauge() != nil {
						out.WriteString(" " + m.GetGauge().String() + "\n")
					}
				}
			}
			require.Contains(t, out.String(), "mesos_actor_invoker_"+name+" one"+labels+" value:"+want+"\n")
		}
		value("running", "", "0")
		value("containers", " busy", "0")

		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- v.Run(ctx) }()
		refused := make(chan error, 1)
		go func() {
			_, err := v.Acquire(ctx, &invoker.Action{Namespace: "guest", Name: "a", Kind: "nodejs:20", Image: "node", Memory: 256})
			refused <- err
		}()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		value("running", "", "1")
		value("containers", " creating", "2")
		value("waiting", "", "1")
		value("oldest_wait_seconds", "", "2")
		value("memory_used_bytes", "", "4.02653184e+08")
		value("memory_limit_bytes", "", "5.36870912e+08")
		value("stem_cells_wanted", " node nodejs:20 128", "1")
		value("stem_cells_ready", " node nodejs:20 128", "0")
		value("stem_cells_starting", " node nodejs:20 128", "1")
		cancel()
		require.Error(t, <-ended)
		require.Error(t, <-refused)
		value("running", "", "0")
		value("containers", " creating", "0")
		require.NoError(t, v.Close(t.Context()))
	})
}
