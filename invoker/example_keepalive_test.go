package invoker_test

import (
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// A policy that keeps containers for shorter times than the default.
func ExampleKeepAlive() {
	pool := invoker.PoolConfig{
		KeepAlive: func(t invoker.IdleTimes) time.Duration {
			if t.Count() < 100 {
				return 2 * time.Minute
			}
			return min(t.Quantile(0.9), time.Hour)
		},
	}
	fmt.Println(pool.KeepAlive(invoker.IdleTimes{}))
	// Output: 2m0s
}
