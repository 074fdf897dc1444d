package scheduler

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"time"
)

// The bounds of what a scheduler does, whatever the master says. Those of calls are for each process, and any minute of it.
const (
	mostSubscribes = 250      // where nobody leads each of three masters is asked each second or two, and redirects
	mostCalls      = 600      // of one type
	mostAcks       = 30_000   // one for each update that comes, and each that has no answer again
	mostLines      = 3600     // of the log in an hour, from INFO on
	longestLine    = 16 << 10 // of the log, in bytes
	mostKept       = 32 << 20 // in the machine, in bytes
)

// meter counts what a process does in a minute or an hour, and reports what is too much, once for each kind.
type meter struct {
	violate func(kind, id, format string, args ...any)

	mu    sync.Mutex
	told  map[string]bool
	times map[string][]time.Time // of the last minute, by type of call
	lines []time.Time            // of the last hour
}

func newMeter(violate func(kind, id, format string, args ...any)) *meter {
	return &meter{violate: violate, told: map[string]bool{}, times: map[string][]time.Time{}}
}

// reset begins a process.
func (m *meter) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.times, m.lines = map[string][]time.Time{}, nil
}

func (m *meter) failed(kind, format string, args ...any) {
	if !m.told[kind] {
		m.told[kind] = true
		m.violate(kind, "", format, args...)
	}
}

// count counts a call.
func (m *meter) count(call string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	most := mostCalls
	switch call {
	case "SUBSCRIBE":
		most = mostSubscribes
	case "ACKNOWLEDGE":
		most = mostAcks
	}
	if m.times[call] = within(m.times[call], time.Minute); len(m.times[call]) > most {
		m.failed("too many calls", "%d %ss within a minute", len(m.times[call]), call)
	}
}

// within adds the present time to a list, and removes those that are older than that.
func within(times []time.Time, age time.Duration) []time.Time {
	now := time.Now()
	for len(times) > 0 && now.Sub(times[0]) > age {
		times = times[1:]
	}
	return append(times, now)
}

// Write takes a line of the log.
func (m *meter) Write(line []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lines = within(m.lines, time.Hour); len(m.lines) > mostLines {
		m.failed("too many lines", "%d lines of the log within an hour, the last one is: %s", len(m.lines), line)
	}
	if len(line) > longestLine {
		m.failed("line too long", "a line of the log has %d bytes: %.500s", len(line), line)
	}
	if bytes.Count(line, []byte("\n")) > 1 || bytes.ContainsRune(line, '\x1b') {
		m.failed("line not printable", "%q", line)
	}
	return len(line), nil
}

// checkKept checks how much the present process keeps.
func (c *chaos) checkKept(ctx context.Context) {
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, _ = c.current().ask(short, &request{read: func(m *machine) {
		if n, largest := keptBy(m); n > mostKept {
			c.history.violate("too much kept", "", "the machine keeps %d bytes, most of it in %s", n, largest)
		}
	}})
}

// keptBy returns about how many bytes a value keeps with all that it points to, and which part of it keeps most.
func keptBy(v any) (bytes int, largest string) {
	k := keeper{seen: map[uintptr]bool{}}
	k.again(reflect.ValueOf(v))
	whole, most := reflect.ValueOf(v).Elem(), 0
	for i := range whole.NumField() {
		n := k.bytes(whole.Field(i))
		if bytes += n; n > most {
			most, largest = n, fmt.Sprintf("%s (%d bytes)", whole.Type().Field(i).Name, n)
		}
	}
	return bytes, largest
}

// keeper adds up the sizes of values, and takes none twice. Loggers are left out: what they write to is the test's own, and other
// goroutines use it.
type keeper struct{ seen map[uintptr]bool }

func (k keeper) again(v reflect.Value) bool {
	p := v.Pointer()
	again := p == 0 || k.seen[p]
	k.seen[p] = true
	return again
}

// bytes returns the size of a value.
func (k keeper) bytes(v reflect.Value) int {
	n := int(v.Type().Size())
	switch v.Kind() {
	case reflect.String:
		n += v.Len()
	case reflect.Pointer:
		if v.Type() != reflect.TypeFor[*slog.Logger]() && !k.again(v) {
			n += k.bytes(v.Elem())
		}
	case reflect.Interface:
		if !v.IsNil() {
			n += k.bytes(v.Elem())
		}
	case reflect.Slice:
		if k.again(v) {
			break
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return n + v.Cap()
		}
		n += v.Cap() * int(v.Type().Elem().Size())
		for i := range v.Len() {
			n += k.beyond(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			n += k.beyond(v.Index(i))
		}
	case reflect.Map:
		if k.again(v) {
			break
		}
		for entries := v.MapRange(); entries.Next(); {
			n += k.bytes(entries.Key()) + k.bytes(entries.Value())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += k.beyond(v.Field(i))
		}
	}
	return n
}

// beyond returns the size of what a value points to, without its own.
func (k keeper) beyond(v reflect.Value) int { return k.bytes(v) - int(v.Type().Size()) }
