//go:build integration && linux

package killtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// book has what the callers saw.
type book struct {
	mu          sync.Mutex
	activations int
	lost        int             // whose member ended first
	failures    []string        // at members that live
	cooled      []string        // that were not warm at a member that lives, and had to be
	longest     time.Duration   // that a warm one waited for its container
	cold        []time.Duration // how long calls took that needed a new container just after a fault
	orphans     []string
	faults      faults // that witnesses have found
}

// enter notes how a call ended, and reports whether it succeeded. Warm says that it had to find a warm container.
func (b *book) enter(r request, a answer, alive, warm bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.activations++
	if !alive {
		b.lost++
		return false
	}
	var body struct{ ID string }
	_ = json.Unmarshal(a.Body, &body)
	switch {
	case a.Error != "" || a.Status != invoker.Success:
		b.failures = append(b.failures, fmt.Sprintf("%v %s of %s: %s %v %s", time.Now().Format("05.000"), r.ID, r.Action, a.Error, a.Status, a.Body))
		return false
	case body.ID != r.ID:
		b.failures = append(b.failures, fmt.Sprintf("%s of %s got the answer of %s", r.ID, r.Action, body.ID))
	case warm && a.Start != invoker.Warm:
		b.cooled = append(b.cooled, fmt.Sprintf("%v %s of %s: %v after %v", time.Now().Format("05.000"), r.ID, r.Action, a.Start, a.Wait))
	case warm:
		b.longest = max(b.longest, a.Wait)
	}
	return true
}

// judge takes what a witness has found.
func (b *book) judge(w *witness) {
	found, _ := w.faults()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults.mixUps = append(b.faults.mixUps, found.mixUps...)
	b.faults.doubled = append(b.faults.doubled, found.doubled...)
	b.faults.overlapping = append(b.faults.overlapping, found.overlapping...)
}

// columns are those of the table that report prints.
const columns = "| what | times | activations | lost with their member | failed | cooled | a warm one waited for at most | " +
	"until a new container served: p50 / p99 / max | orphans | mix-ups | doubled | overlapping |"

// report prints a row, and fails the test if anything has happened that must not.
func (b *book) report(t *testing.T, what string, times int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Printf("%s\n| %s | %d | %d | %d | %d | %d | %v | %s | %d | %d | %d | %d |\n", columns, what, times, b.activations, b.lost, len(b.failures),
		len(b.cooled), b.longest.Round(time.Millisecond), percentiles(b.cold), len(b.orphans), len(b.faults.mixUps), len(b.faults.doubled),
		len(b.faults.overlapping))
	require.Empty(t, b.orphans, "nobody knows them")
	require.Equal(t, faults{}, b.faults)
	require.Empty(t, b.failures, "at members that live")
	require.Empty(t, b.cooled, "at members that live")
}

// percentiles returns the median, the 99th percentile and the longest of some times.
func percentiles(all []time.Duration) string {
	if len(all) == 0 {
		return "–"
	}
	slices.Sort(all)
	at := func(percent int) time.Duration { return all[(len(all)-1)*percent/100].Round(time.Millisecond) }
	return fmt.Sprintf("%v / %v / %v", at(50), at(99), at(100))
}
