//go:build integration

package main

import (
	"fmt"
	"slices"
	"time"
)

// report prints a row of the table of takeovers.
func (f *fleet) report(what string, all []takeover) {
	h := f.harm()
	subscribed, reconciled := make([]time.Duration, 0, len(all)), make([]time.Duration, 0, len(all))
	for _, t := range all {
		subscribed, reconciled = append(subscribed, t.subscribed), append(reconciled, t.reconciled)
	}
	fmt.Printf("| %s | %d | %s | %s | %d | %d | %d |\n", what, len(all), percentiles(subscribed), percentiles(reconciled),
		len(h.lost), len(h.doubled), h.stale)
}

// percentiles returns the median, the 99th percentile and the longest of some times.
func percentiles(all []time.Duration) string {
	if len(all) == 0 {
		return "–"
	}
	slices.Sort(all)
	at := func(percent int) time.Duration { return all[(len(all)-1)*percent/100].Round(time.Millisecond) }
	if len(all) == 1 {
		return at(50).String()
	}
	return fmt.Sprintf("%v / %v / %v", at(50), at(99), at(100))
}
