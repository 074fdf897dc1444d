//go:build integration && !failover

package main

import "time"

// The scale of make integration, which has to end soon.
func scaleByDefault() scale { return scale{preset: "local", tasks: 20, kills: 5} }

func pauses() []time.Duration { return []time.Duration{100 * time.Millisecond, time.Second, 2 * time.Second} }
