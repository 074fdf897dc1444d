package logguard

import (
	"hash/maphash"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/logkey"
	"github.com/mesos-actor/mesos-actor-go/internal/tokenbucket"
)

// What passes of each kind of lines.
const (
	Burst = 5           // lines at once
	Every = time.Minute // and then one in this time
)

// maxKinds bounds the memory. Lines of further kinds count as one for each level. The library has some 60 texts.
const maxKinds = 256

// counts has the kinds of lines of the last minutes.
type counts struct {
	seed maphash.Seed

	mu    sync.Mutex
	kinds map[uint64]*kind
	swept time.Time
}

// kind is what is known of lines that are alike.
type kind struct {
	passing tokenbucket.Bucket
	leftOut int  // since the last one that passed
	last    line // of those
}

// line is a record for a handler.
type line struct {
	handler *Handler
	record  slog.Record
	leftOut int // of its kind before it
}

func newCounts() *counts { return &counts{seed: maphash.MakeSeed(), kinds: map[uint64]*kind{}} }

// take reports whether a record passes, and how many of its kind were left out before it. It also returns lines that
// are due by now, since nothing of their kind has followed.
func (c *counts) take(h *Handler, r slog.Record) (due []line, passes bool, leftOut int) {
	limited := h.limited(&r)
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if limited {
		k := c.kind(h, &r)
		if !k.passing.Take(r.Time) {
			k.leftOut++
			k.last = line{handler: h, record: r.Clone()}
		} else {
			passes, leftOut = true, k.leftOut
			k.leftOut, k.last = 0, line{}
		}
	}
	if since := r.Time.Sub(c.swept); since >= Every || since < 0 {
		due = c.sweep(r.Time)
		c.swept = r.Time
	}
	return due, passes || !limited, leftOut
}

// limited reports whether lines like a record are counted.
func (h *Handler) limited(r *slog.Record) bool {
	if r.Level < slog.LevelInfo || r.Level < slog.LevelWarn && h.task {
		return false
	}
	limited := true
	if r.Level < slog.LevelWarn {
		r.Attrs(func(a slog.Attr) bool {
			limited = a.Key != logkey.TaskID
			return limited
		})
	}
	return limited
}

// kind returns the kind of a record. A new one is noted.
func (c *counts) kind(h *Handler, r *slog.Record) *kind {
	key := c.hash(uint64(r.Level), r.Message) ^ h.about
	r.Attrs(func(a slog.Attr) bool {
		key = c.add(key, a)
		return true
	})
	if k := c.kinds[key]; k != nil {
		return k
	}
	if len(c.kinds) >= maxKinds {
		key = uint64(r.Level)
	}
	if c.kinds[key] == nil {
		c.kinds[key] = &kind{passing: tokenbucket.Bucket{Burst: Burst, Interval: Every}}
	}
	return c.kinds[key]
}

// add returns a hash with an attribute, if it is one of those that say what a line is about: the type of a call, or, as
// Raft calls it, another member.
func (c *counts) add(hash uint64, a slog.Attr) uint64 {
	switch a.Key {
	case "call", "peer", "server-id", "target":
		return c.hash(hash, a.Value.String())
	}
	return hash
}

// hash returns the hash of a text without its digits, together with another one. Lines of memberlist have addresses and
// ports in their texts.
func (c *counts) hash(with uint64, text string) uint64 {
	var h maphash.Hash
	h.SetSeed(c.seed)
	for range 8 {
		_ = h.WriteByte(byte(with)) // never fails
		with >>= 8
	}
	for i := range len(text) {
		if b := text[i]; b < '0' || b > '9' {
			_ = h.WriteByte(b)
		}
	}
	return h.Sum64()
}

// sweep returns the last lines of kinds that may pass again, and forgets kinds of which a whole burst may.
func (c *counts) sweep(now time.Time) (due []line) {
	for key, k := range c.kinds {
		switch {
		case k.leftOut > 0 && k.passing.Take(now):
			due = append(due, k.takeLast())
		case k.leftOut == 0 && k.passing.Full(now):
			delete(c.kinds, key)
		}
	}
	return inOrder(due)
}

// flush returns the last line of each kind of which some were left out.
func (c *counts) flush() (all []line) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.kinds {
		if k.leftOut > 0 {
			all = append(all, k.takeLast())
		}
	}
	return inOrder(all)
}

func inOrder(lines []line) []line {
	slices.SortStableFunc(lines, func(a, b line) int { return a.record.Time.Compare(b.record.Time) })
	return lines
}

// takeLast returns the last line that was left out, with the number of those before it.
func (k *kind) takeLast() line {
	last := k.last
	last.leftOut = k.leftOut - 1
	k.leftOut, k.last = 0, line{}
	return last
}
