package logguard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// written returns a logger with a guard, and what it has written, one line for each record.
func written(level slog.Level) (*slog.Logger, func() []string) {
	var b bytes.Buffer
	text := slog.NewTextHandler(&b, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}})
	return Logger(slog.New(text)), func() []string {
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		b.Reset()
		if lines[0] == "" {
			return nil
		}
		return lines
	}
}

func TestRepeatedLinesAreSummedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := written(slog.LevelInfo)
		for range 374_863 {
			log.Warn("event skipped", "error", "no event")
		}
		require.Equal(t, []string{
			`msg="event skipped" error="no event"`, `msg="event skipped" error="no event"`, `msg="event skipped" error="no event"`,
			`msg="event skipped" error="no event"`, `msg="event skipped" error="no event"`,
		}, lines())

		time.Sleep(time.Minute - 1)
		log.Warn("event skipped")
		require.Empty(t, lines())
		time.Sleep(time.Nanosecond)
		log.Warn("event skipped", "error", "another")
		require.Equal(t, []string{`msg="event skipped" error=another left_out=374859`}, lines())

		total := 0
		for range 3600 {
			time.Sleep(time.Second)
			log.Warn("event skipped")
			total += len(lines())
		}
		require.Equal(t, 60, total)

		time.Sleep(5 * time.Minute)
		for range 10 {
			log.Warn("event skipped")
		}
		require.Len(t, lines(), Burst)
	})
}

// What is left out is told when nothing of the kind follows: with any other line a minute later, or at the end.
func TestSumsAreNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := written(slog.LevelDebug)
		log.Debug("began")
		for n := range 10 {
			log.Warn("call failed", "call", "KILL", "n", n)
		}
		require.Len(t, lines(), 1+Burst)
		time.Sleep(time.Minute)
		log.Debug("another")
		require.Equal(t, []string{`msg="call failed" call=KILL n=9 left_out=4`, `msg=another`}, lines())

		log.With("term", 7).Error("call failed", "n", 1)
		for range 6 {
			log.With("term", 7).Error("call failed", "n", 2)
		}
		time.Sleep(time.Second)
		log.Warn("call failed", "call", "KILL", "n", 10)
		lines()
		Flush(t.Context(), log)
		require.Equal(t, []string{`msg="call failed" term=7 n=2 left_out=1`, `msg="call failed" call=KILL n=10`}, lines())
		Flush(t.Context(), log)
		require.Empty(t, lines())
		Flush(t.Context(), slog.New(slog.DiscardHandler))
	})
}

func TestKindsOfLines(t *testing.T) {
	for name, c := range map[string]struct {
		log    func(log *slog.Logger, n int)
		passes int // of a hundred
	}{
		"the same":                  {func(l *slog.Logger, _ int) { l.Error("x") }, Burst},
		"errors that differ":        {func(l *slog.Logger, n int) { l.Error("x", "error", fmt.Errorf("%d", n)) }, Burst},
		"numbers in the text":       {func(l *slog.Logger, n int) { l.Warn(fmt.Sprint("from 10.0.0.1:", n)) }, Burst},
		"two texts":                 {func(l *slog.Logger, n int) { l.Warn([]string{"a", "b"}[n%2]) }, 2 * Burst},
		"two levels":                {func(l *slog.Logger, n int) { l.Log(context.Background(), slog.Level(4*(n%2)+4), "a") }, 2 * Burst},
		"two calls":                 {func(l *slog.Logger, n int) { l.Warn("x", "call", []string{"KILL", "ACCEPT"}[n%2]) }, 2 * Burst},
		"two calls in front":        {func(l *slog.Logger, n int) { l.With("call", []string{"KILL", "ACCEPT"}[n%2]).Warn("x") }, 2 * Burst},
		"derived loggers":           {func(l *slog.Logger, n int) { l.With("n", n).WithGroup("g").Warn("x") }, Burst},
		"information":               {func(l *slog.Logger, _ int) { l.Info("subscribed") }, Burst},
		"changes of tasks":          {func(l *slog.Logger, n int) { l.Info("task", "task_id", n) }, 100},
		"changes of tasks in front": {func(l *slog.Logger, n int) { l.With("task_id", n).Info("task") }, 100},
		"warnings about tasks":      {func(l *slog.Logger, n int) { l.Warn("task", "task_id", n) }, Burst},
		"for debugging":             {func(l *slog.Logger, _ int) { l.Debug("x") }, 100},
		"a guard around a guard":    {func(l *slog.Logger, _ int) { Logger(l).Warn("x") }, Burst},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, lines := written(slog.LevelDebug)
				for n := range 100 {
					c.log(log, n)
				}
				require.Len(t, lines(), c.passes)
			})
		})
	}
}

// However many kinds of lines there are, they take little memory, and are few lines.
func TestTooManyKindsOfLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, lines := written(slog.LevelInfo)
		kind := func(n int) string { return strings.NewReplacer("0", "a", "1", "b").Replace(fmt.Sprintf("%b", n)) }
		for n := range 100_000 {
			log.Warn(kind(n))
		}
		require.Len(t, lines(), maxKinds+Burst)
		counts := log.Handler().(*Handler).counts
		require.LessOrEqual(t, len(counts.kinds), maxKinds+1)

		time.Sleep(Burst * Every)
		log.Info("all is well")
		require.Len(t, lines(), 1+1, "what was left out, which is one kind")
		time.Sleep(Burst * Every)
		log.Info("all is well")
		require.LessOrEqual(t, len(counts.kinds), 2)
	})
}

// A clock that is set back by an hour does not silence the log for an hour.
func TestClockThatIsSetBack(t *testing.T) {
	log, lines := written(slog.LevelInfo)
	now := time.Now()
	say := func(at time.Time) {
		_ = log.Handler().Handle(t.Context(), slog.NewRecord(at, slog.LevelWarn, "x", 0))
	}
	for range 10 {
		say(now)
	}
	require.Len(t, lines(), Burst)
	say(now.Add(-time.Hour))
	require.Equal(t, []string{"msg=x left_out=5"}, lines())
}

// panicking is a handler that panics as often as it is told.
type panicking struct {
	slog.Handler
	handle, enabled, attrs, group *int
}

func strike(left *int) {
	if *left > 0 {
		*left--
		panic(errors.New("from the handler"))
	}
}

func (p panicking) Handle(ctx context.Context, r slog.Record) error {
	strike(p.handle)
	return p.Handler.Handle(ctx, r)
}

func (p panicking) Enabled(ctx context.Context, l slog.Level) bool {
	strike(p.enabled)
	return p.Handler.Enabled(ctx, l)
}

func (p panicking) WithAttrs(a []slog.Attr) slog.Handler {
	strike(p.attrs)
	return p.Handler.WithAttrs(a)
}

func (p panicking) WithGroup(name string) slog.Handler {
	strike(p.group)
	return p.Handler.WithGroup(name)
}

func TestLogHandlerThatPanics(t *testing.T) {
	var b bytes.Buffer
	p := panicking{slog.NewTextHandler(&b, nil), new(int), new(int), new(int), new(int)}
	log := slog.New(New(p))
	*p.handle, *p.enabled = 2, 1
	for range 3 {
		log.Info("lost")
	}
	require.Empty(t, b.String())
	log.Info("x")
	require.Contains(t, b.String(), "msg=x handler_panics=3\n")
	log.Info("y")
	require.Contains(t, b.String(), "msg=y\n")

	*p.attrs, *p.group = 1, 1
	log.With("lost", 1).WithGroup("lost").With("a", 1).Info("z")
	require.Contains(t, b.String(), "msg=z a=1 handler_panics=2\n")
	*p.handle = 1
	require.ErrorContains(t, log.Handler().Handle(t.Context(), slog.Record{}), "from the handler")
}

// value is an attribute whose methods panic.
type value struct{}

func (value) LogValue() slog.Value { panic("LogValue") }
func (value) Error() string        { panic("Error") }

func TestAttributeThatPanics(t *testing.T) {
	for name, h := range map[string]slog.Handler{"text": slog.NewTextHandler(io.Discard, nil), "json": slog.NewJSONHandler(io.Discard, nil)} {
		t.Run(name, func(t *testing.T) {
			log := slog.New(New(h)).With("error", value{}, "call", value{}, "peer", error(value{}))
			require.NotPanics(t, func() { log.Warn("x", "error", value{}, "call", value{}, "peer", error(value{})) })
		})
	}
}

func TestHandlerKeepsTheContract(t *testing.T) {
	var b bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		b.Reset()
		return New(slog.NewTextHandler(&b, nil))
	}, func(t *testing.T) map[string]any {
		return parsed(t, b.String())
	})
}

// parsed returns the attributes of a line, those of groups in maps.
func parsed(t *testing.T, line string) map[string]any {
	all := map[string]any{}
	for _, field := range strings.Fields(line) {
		path, value, found := strings.Cut(field, "=")
		require.True(t, found, line)
		in := all
		for group, rest, nested := strings.Cut(path, "."); nested; group, rest, nested = strings.Cut(path, ".") {
			inner, _ := in[group].(map[string]any)
			if inner == nil {
				inner = map[string]any{}
				in[group] = inner
			}
			in, path = inner, rest
		}
		in[path] = value
	}
	return all
}

func BenchmarkLeftOut(b *testing.B) {
	log := Logger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	err := errors.New("no event")
	b.ReportAllocs()
	for range b.N {
		log.Warn("event skipped", "call", "KILL", "error", err)
	}
}

func BenchmarkDebug(b *testing.B) {
	log := Logger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	b.ReportAllocs()
	for range b.N {
		log.Debug("event skipped", "call", "KILL")
	}
}
