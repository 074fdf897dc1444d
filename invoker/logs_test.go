package invoker

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLogIsCompleteAtOnceWhenTheSentinelsAreThere(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.print("c", "stem\n", "stem\n")
		began := time.Now()
		logs := w.activation("c", "a\n"+mark, "b\n"+mark)
		require.Equal(t, "a\n!b\n", lines(t.Context(), logs))
		require.Zero(t, time.Since(began))
		require.Len(t, w.readsFrom(), 4, "two sizes at the beginning, two reads")
		time.Sleep(time.Hour)
		require.Empty(t, w.readsFrom(), "an idle container is not read")
		require.Equal(t, "c\n", lines(t.Context(), w.activation("c", "c\n"+mark, mark)))
	})
}

func TestReadsAreAtOnceAndThenAfterPausesThatDouble(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.activation("c", mark, mark)
		time.Sleep(minGap)
		w.readsFrom()
		w.activation("c", "a\n"+mark, "")
		time.Sleep(400 * time.Millisecond)
		w.print("c", "", mark)
		time.Sleep(time.Second)
		var at []time.Duration
		for _, d := range w.readsFrom() {
			at = append(at, d/time.Millisecond)
		}
		require.Equal(t, []time.Duration{0, 0, 2, 6, 14, 30, 62, 126, 226, 326, 426}, at, "stdout is not read any more")
	})
}

func TestContainerThatIsUsedAgainAndAgainIsReadEach10ms(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		for range 28 {
			w.activation("c", mark, mark)
			time.Sleep(time.Millisecond)
		}
		require.Equal(t, []time.Duration{
			0, 0, 0, 0, 10 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond,
		}, w.readsFrom(), "the first two ask for the sizes")
	})
}

func TestActivationThatEndsIsReadAtOnceWhileAnotherIsWaitedFor(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		first := w.activation("c", "a\n", "")
		time.Sleep(500 * time.Millisecond)
		began := time.Now()
		second := w.activation("c", mark+"b\n"+mark, mark+mark)
		require.Equal(t, "a\n", lines(t.Context(), first))
		require.Equal(t, "b\n", lines(t.Context(), second))
		require.Zero(t, time.Since(began))
	})
}

func TestLinesArriveWhileTheLogIsNotComplete(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		logs := w.activation("c", "a\n", "")
		for line, err := range logs.Lines(t.Context()) {
			require.NoError(t, err)
			require.Equal(t, LogLine{Time: time.Now(), Stream: Stdout, Log: "a"}, line)
			break
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Equal(t, "error: context deadline exceeded\n", lines(ctx, logs))
		w.print("c", "b\nc\n"+mark, mark)
		for line := range logs.Lines(t.Context()) {
			require.Equal(t, "b", line.Log)
			break
		}
		require.Equal(t, "c\n", lines(t.Context(), logs), "a call goes on where the last one ended")
		require.Empty(t, lines(t.Context(), logs))
	})
}

func TestMissingSentinelEndsTheLogAfterTwoSecondsAndMakesTheContainerSerial(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		began := time.Now()
		require.Equal(t, "a\n"+unmarkedLine, lines(t.Context(), w.activation("c", "a\n", mark)))
		require.InDelta(t, 2*time.Second, time.Since(began), float64(maxPause))
		w.print("c", "of nobody\n", "")
		w.readsFrom()
		first := w.activation("c", "b\n", "")
		second := w.activation("c", "c\n", "")
		require.Equal(t, "b\n"+unmarkedLine, lines(t.Context(), first))
		require.Equal(t, "c\n"+unmarkedLine, lines(t.Context(), second))
	})
}

func TestImageWithoutSentinelsIsSerial(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.print("c", "stem\n", "")
		silent := *printing
		silent.NoSentinels = true
		l := w.begin(t.Context(), instanceOf("c"), &silent, true)
		w.print("c", "a\n", "b\n")
		first, _ := l.end(true)
		l = w.begin(t.Context(), instanceOf("c"), &silent, false)
		require.Equal(t, "a\n!b\n"+unmarkedLine, lines(t.Context(), first), "the next activation ends it")
		w.print("c", "c", "")
		second, _ := l.end(true)
		began := time.Now()
		require.Equal(t, "c\n"+unmarkedLine, lines(t.Context(), second))
		require.InDelta(t, 2*time.Second, time.Since(began), float64(maxPause))
	})
}

func TestContainerThatIsGoneIsReadToTheEndAtOnce(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		l := w.begin(t.Context(), instanceOf("c"), printing, true)
		w.print("c", strings.Repeat("0123456789\n", 800), "Traceback")
		logs, _ := l.end(true)
		time.Sleep(time.Second)
		w.gone("c")
		began := time.Now()
		require.Equal(t, strings.Repeat("0123456789\n", 800)+"!Traceback\n"+unmarkedLine, lines(t.Context(), logs))
		require.LessOrEqual(t, time.Since(began), maxPause)
		synctest.Wait()
		require.Zero(t, w.known())
	})
}

func TestContainerThatIsGoneBeforeItsActivationEnded(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		l := w.begin(t.Context(), instanceOf("c"), printing, true)
		w.print("c", "a\n", "")
		w.gone("c")
		synctest.Wait()
		began := time.Now()
		logs, _ := l.end(true)
		require.Equal(t, "a\n"+unmarkedLine, lines(t.Context(), logs))
		require.Zero(t, time.Since(began))
		synctest.Wait()
		require.Zero(t, w.known())
	})
}

func TestActivationThatWasNotSentLeavesItsOutputToTheNext(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		l := w.begin(t.Context(), instanceOf("c"), printing, true)
		w.print("c", "init\n", "")
		logs, room := l.end(false)
		require.Nil(t, logs)
		require.Nil(t, room)
		require.Equal(t, "init\na\n", lines(t.Context(), w.activation("c", "a\n"+mark, mark)))
	})
}
