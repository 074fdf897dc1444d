package cluster

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// benchmarkStore writes records of 700 bytes, so many at once, to three members with directories on loopback.
func benchmarkStore(b *testing.B, size int) {
	dir := b.TempDir()
	terms := make(chan scheduler.Term)
	cluster := startReal(b, 3, func(i int, c *Config) { c.Dir = filepath.Join(dir, fmt.Sprint(i)) }, func(ctx context.Context, t scheduler.Term) error {
		select {
		case terms <- t:
		case <-ctx.Done():
		}
		<-ctx.Done()
		return context.Cause(ctx)
	})
	defer cluster.stop()
	store := (<-terms).Store
	value, n := bytes.Repeat([]byte("x"), 700), 0
	for b.Loop() {
		changes := map[string][]byte{}
		for range size {
			changes[fmt.Sprint("record ", n%10_000)] = value
			n++
		}
		require.NoError(b, store.Apply(b.Context(), changes))
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "records/s")
}
