package invoker

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// outputOf reads the output of a container.
func (w *logWorld) outputOf(o OutputOptions) (lines string, next LogCursor, err error) {
	next, err = w.output(w.t.Context(), instanceOf("c"), o, func(l LogLine) error {
		if l.Stream == Stderr {
			lines += "!"
		}
		lines += l.Log + "\n"
		return nil
	})
	return lines, next, err
}

func TestOutputEndsAtTheSentinelsAndGoesOnBehindThem(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.print("c", "a\n"+mark+"b\n", "c\n")
		time.AfterFunc(time.Second, func() { w.print("c", mark, mark+mark) })
		began := time.Now()
		text, next, err := w.outputOf(OutputOptions{WaitForSentinels: true})
		require.NoError(t, err)
		require.Equal(t, "a\n!c\n", text)
		require.InDelta(t, time.Second, time.Since(began), float64(maxPause))
		text, next, err = w.outputOf(OutputOptions{From: next, WaitForSentinels: true})
		require.NoError(t, err)
		require.Equal(t, "b\n", text)
		require.Equal(t, LogCursor{int64(4 + 2*len(mark)), int64(2 + 2*len(mark))}, next)
		synctest.Wait()
		require.Zero(t, w.known())
	})
}

func TestOutputThatIsThereIsReadUpToAnIncompleteLine(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.print("c", "a\n"+mark+"b\nc", "")
		text, next, err := w.outputOf(OutputOptions{})
		require.NoError(t, err)
		require.Equal(t, "a\nb\n", text, "sentinels are no lines")
		require.Equal(t, LogCursor{Stdout: int64(4 + len(mark))}, next)
		w.print("c", "d\n", "")
		text, _, err = w.outputOf(OutputOptions{From: next})
		require.NoError(t, err)
		require.Equal(t, "cd\n", text)
	})
}

func TestOutputIsCutAtALimitAndReadToTheSentinel(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.print("c", strings.Repeat("x", 1<<20)+mark, mark)
		text, next, err := w.outputOf(OutputOptions{Limit: 3, WaitForSentinels: true})
		require.NoError(t, err)
		require.Equal(t, "xxx\n!The log was truncated: it has more than 3 bytes.\n", text)
		require.Equal(t, int64(1<<20+len(mark)), next.Stdout)
	})
}

func TestOutputWithoutSentinelsEndsAfterTwoSeconds(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.print("c", "a", "")
		began := time.Now()
		text, _, err := w.outputOf(OutputOptions{WaitForSentinels: true})
		require.NoError(t, err)
		require.Equal(t, "a\n"+unmarkedLine, text)
		require.InDelta(t, 2*time.Second, time.Since(began), float64(maxPause))
	})
}

func TestOutputEndsWithErrors(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.print("c", "a\nb\n", "")
		next, err := w.output(t.Context(), instanceOf("c"), OutputOptions{}, func(LogLine) error { return context.Canceled })
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, LogCursor{Stdout: 4}, next)

		fault := errors.New("404")
		w.set(func() { w.fails["agent"] = fault })
		_, next, err = w.outputOf(OutputOptions{From: LogCursor{Stdout: 2}})
		require.ErrorIs(t, err, fault)
		require.Equal(t, LogCursor{Stdout: 2}, next)
		synctest.Wait()
		require.Zero(t, w.known())
	})
}

func TestOutputOfAnEngineWithoutAny(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, err := New(Config{Owner: "test", Engine: newFakeEngine(), Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- v.Run(ctx) }()
		_, err = v.Output(ctx, Instance{}, OutputOptions{}, nil)
		require.ErrorIs(t, err, errors.ErrUnsupported)
		var wrong *ConfigError
		_, err = v.Output(ctx, Instance{}, OutputOptions{Limit: -1}, nil)
		require.ErrorAs(t, err, &wrong)
		stop()
		<-done
	})
}
