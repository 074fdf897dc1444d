//go:build linux

package procengine

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// Many containers that are created and destroyed at once do not get into each other's way.
func TestManyAtOnce(t *testing.T) {
	cfg := config(t)
	cfg.Kinds["sleep"] = []string{"sleep", "1000"}
	cfg.MinPort, cfg.MaxPort = 31200, 31239
	e := open(t, cfg)
	const count = 40
	addresses := make([]string, count)
	all := func(do func(id string, i int)) {
		var wait sync.WaitGroup
		for i := range count {
			wait.Go(func() { do(fmt.Sprintf("c%d", i), i) })
		}
		wait.Wait()
	}
	all(func(id string, i int) {
		in, err := e.Create(t.Context(), id, invoker.Spec{Shape: invoker.Shape{Kind: "sleep"}})
		if err == nil {
			addresses[i] = in.Address
		}
	})
	seen := map[string]bool{}
	for _, address := range addresses {
		require.False(t, address == "" || seen[address], addresses)
		seen[address] = true
	}
	_, err := e.Create(t.Context(), "one-more", invoker.Spec{Shape: invoker.Shape{Kind: "sleep"}})
	require.ErrorIs(t, err, invoker.ErrNoCapacity, "there are no more ports")
	list, err := e.Instances(t.Context())
	require.NoError(t, err)
	require.Len(t, list, count)
	errs := make([]error, count)
	all(func(id string, i int) { errs[i] = e.Destroy(t.Context(), id) })
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Zero(t, running(t, cfg.Dir))
	_, err = e.Create(t.Context(), "again", invoker.Spec{Shape: invoker.Shape{Kind: "sleep"}})
	require.NoError(t, err)
}
