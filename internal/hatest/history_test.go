package hatest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// history is what happened, and the promises that were broken.
type history struct {
	began time.Time

	mu     sync.Mutex
	lines  []string
	broken []violation
}

// violation is a broken promise.
type violation struct{ kind, text string }

func (h *history) note(format string, args ...any) {
	line := fmt.Sprintf("%12v ", time.Since(h.began).Round(time.Microsecond)) + fmt.Sprintf(format, args...)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, line)
}

func (h *history) violate(kind, format string, args ...any) {
	v := violation{kind, fmt.Sprintf(format, args...)}
	h.note("! %s: %s", v.kind, v.text)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken = append(h.broken, v)
}

// kinds returns what kinds of promises were broken.
func (h *history) kinds() (kinds []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.broken {
		if !slices.Contains(kinds, v.kind) {
			kinds = append(kinds, v.kind)
		}
	}
	return kinds
}

// reported is how much of the history a report has, up to the first violation, and after it.
const reported = 120

func (h *history) report() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := slices.IndexFunc(h.lines, func(l string) bool { return strings.Contains(l, " ! ") })
	if first < 0 {
		first = len(h.lines)
	}
	var b strings.Builder
	for _, v := range h.broken[:min(8, len(h.broken))] {
		fmt.Fprintf(&b, "%s: %s\n", v.kind, v.text)
	}
	b.WriteString(strings.Join(h.lines[max(0, first-reported):min(len(h.lines), first+20)], "\n"))
	return b.String()
}
