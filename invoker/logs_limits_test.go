package invoker

import (
	"context"
	"iter"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/logslice"
)

func TestReleaseWaitsWhileTooMuchIsNotReadYet(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.activation("c", mark, mark)
		synctest.Wait()
		w.set(func() { w.latency["agent"] = 100 * time.Millisecond })
		l := w.begin(t.Context(), instanceOf("c"), printing, false)
		w.print("c", strings.Repeat("x", 17<<20)+"\n"+mark, mark)
		_, room := l.end(true)
		require.Nil(t, room, "nobody knows yet how much there is")
		time.Sleep(150 * time.Millisecond)
		l = w.begin(t.Context(), instanceOf("c"), printing, false)
		w.print("c", "b\n"+mark, mark)
		logs, room := l.end(true)
		require.NotNil(t, room)
		began := time.Now()
		<-room
		require.Less(t, time.Since(began), time.Second)
		require.Equal(t, "b\n", lines(t.Context(), logs))
	})
}

func TestOutputWithoutEndIsLeftOutAfterHalfAMinute(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.activation("c", mark, mark)
		synctest.Wait()
		w.set(func() { w.latency["agent"] = 10 * time.Millisecond })
		flood := make(chan struct{})
		go func() { // without a sentinel, and never silent
			for range 6200 {
				time.Sleep(5 * time.Millisecond)
				w.set(func() { w.printed["c"][0] += strings.Repeat("x", 10) })
			}
			close(flood)
		}()
		logs := w.activation("c", "a\n", mark)
		began := time.Now()
		require.Contains(t, lines(t.Context(), logs), "!The output did not end within 30s after the activation: the rest is left out.\n")
		require.InDelta(t, 30*time.Second, time.Since(began), float64(time.Second))
		require.NoError(t, w.find("c").settled(t.Context()))
		<-flood
	})
}

func TestLostOutputIsSaid(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.print("c", "12345", "")
		l := w.begin(t.Context(), instanceOf("c"), printing, true)
		w.print("c", "a\nb\n", "c\n")
		w.set(func() { w.lost[Stdout] = 7 })
		logs, _ := l.end(true)
		require.Equal(t, "!2 bytes of stdout or more are lost here.\n", lines(t.Context(), logs)[:len("!2 bytes of stdout or more are lost here.\n")])
	})
}

func TestConcurrentActivationsShareOneStreamAndAreTold(t *testing.T) {
	const notice = "!The container runs several activations at once: this is the output of all of them.\n"
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		several := *printing
		several.Concurrency = 2
		a := w.begin(t.Context(), instanceOf("c"), &several, true)
		b := w.begin(t.Context(), instanceOf("c"), &several, false)
		w.print("c", "1\n", "")
		first, _ := a.end(true)
		require.Equal(t, notice+"1\n", lines(t.Context(), first))
		w.print("c", "2\n", "")
		second, _ := b.end(true)
		require.Equal(t, notice+"1\n2\n", lines(t.Context(), second))
	})
}

func TestRunEndsWithTheLogsThatAreOpen(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		open := w.activation("c", "a\n", "")
		running := w.begin(t.Context(), instanceOf("c"), printing, false)
		synctest.Wait()
		w.stop()
		require.Equal(t, "a\nerror: invoker: not running\n", lines(t.Context(), open))
		logs, room := running.end(true)
		require.Nil(t, room)
		require.Equal(t, "error: invoker: not running\n", lines(t.Context(), logs))
		require.Nil(t, w.begin(t.Context(), instanceOf("d"), printing, true))
	})
}

func TestActivationThatBeginsWhileTheRunEndsHasALogThatEnds(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		serial := &Action{NoSentinels: true}
		w.begin(t.Context(), instanceOf("c"), serial, true).end(false)
		w.set(func() { w.latency["agent"] = 500 * time.Millisecond })
		begun := make(chan *activationLog)
		go func() { begun <- w.begin(t.Context(), instanceOf("c"), serial, false) }()
		synctest.Wait()
		w.stop()
		logs, room := (<-begun).end(true)
		require.Nil(t, room)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.Equal(t, "error: invoker: not running\n", lines(ctx, logs))
	})
}

func TestUnreadLinesAreDroppedWithTheOldestFirst(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.store.limit = 3 * (1001 + blockSize)
		line := strings.Repeat("x", 1000) + "\n"
		var logs []*Logs
		for range 4 {
			logs = append(logs, w.activation("c", line+mark, mark))
			time.Sleep(minGap)
			synctest.Wait()
		}
		require.Equal(t, "!1001 bytes of the log were dropped, since nobody had read them.\n", lines(t.Context(), logs[0]))
		for _, log := range logs[1:] {
			require.Equal(t, line, lines(t.Context(), log))
		}
		require.Zero(t, w.store.size)
		require.Zero(t, w.store.unread.Len())
	})
}

func TestSlowReadersOfManyLogsDoNotTakeAllMemory(t *testing.T) {
	line := strings.Repeat("x", 999) + "\n"
	s := newLineStore(16 * (len(line) + blockSize))
	var next []func() (LogLine, error, bool)
	for range 64 {
		b := &s.newLogs().buffer
		b.add(time.Now(), logslice.Stdout, line)
		read, stop := iter.Pull2(b.all(t.Context()))
		defer stop()
		_, _, ok := read() // and it takes its time
		require.True(t, ok)
		b.add(time.Now(), logslice.Stdout, line)
		b.add(time.Now(), logslice.Stdout, line)
		b.end(nil)
		next = append(next, read)
		require.LessOrEqual(t, s.size, maxReading*s.limit)
	}
	require.Equal(t, maxReading*s.limit, s.size, "more is kept than if nobody read")
	for i, read := range next {
		l, _, ok := read()
		require.True(t, ok)
		if i < 32 {
			require.Equal(t, "2000 bytes of the log were dropped, since nobody had read them.", l.Log, i)
		} else {
			require.Equal(t, line, l.Log+"\n", i)
		}
	}
}

func TestContainerIsForgottenWhenItIsIdleForLong(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		require.Empty(t, lines(t.Context(), w.activation("c", mark, mark)))
		w.print("c", "of nobody\n", "")
		time.Sleep(2 * containerMemory)
		synctest.Wait()
		require.Zero(t, w.known())
		require.Equal(t, "a\n", lines(t.Context(), w.activation("c", "a\n"+mark, mark)))
	})
}

func TestContainerIsHandedOverWhenItsLogsAreComplete(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		logs := w.activation("c", "a\n", mark)
		time.AfterFunc(500*time.Millisecond, func() { w.print("c", mark, "") })
		began := time.Now()
		w.handOver(t.Context(), "c")
		require.InDelta(t, 500*time.Millisecond, time.Since(began), float64(maxPause))
		require.Equal(t, "a\n", lines(t.Context(), logs))
		require.Zero(t, w.known())
		w.print("c", "of another process\n"+mark, mark)
		require.Equal(t, "b\n", lines(t.Context(), w.activation("c", "b\n"+mark, mark)))
	})
}

func TestContainerThatIsHandedOverBeforeIsNotReadAnyMore(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		logs := w.activation("c", "a\n", mark)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w.handOver(ctx, "c")
		w.print("c", "of another process\n"+mark, mark)
		require.Equal(t, "a\n"+unmarkedLine, lines(t.Context(), logs))
		synctest.Wait()
		w.readsFrom()
		time.Sleep(time.Minute)
		require.Empty(t, w.readsFrom())
		w.handOver(ctx, "unknown")
	})
}

func TestLogsAreNotCollected(t *testing.T) {
	var none *logCollector
	require.Nil(t, newLogCollector(struct{ Engine }{}, slog.Default()))
	none.bound(instanceOf("c"))
	none.gone("c")
	none.handOver(t.Context(), "c")
	l := none.begin(t.Context(), instanceOf("c"), printing, true)
	logs, room := l.end(true)
	require.Nil(t, logs)
	require.Nil(t, room)
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		unwanted := *printing
		unwanted.LogLimit = -1
		require.Nil(t, w.begin(t.Context(), instanceOf("c"), &unwanted, true))
		require.Empty(t, w.reads)
	})
}
