//go:build integration && failover

package main

import "time"

// The scale of make failover, whose figures are in docs/failover.md.
func scaleByDefault() scale { return scale{preset: "lan", tasks: 1000, kills: 100} }

func pauses() []time.Duration {
	return []time.Duration{100 * time.Millisecond, time.Second, 2 * time.Second, time.Minute}
}
