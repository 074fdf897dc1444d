package invoker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOutputThatCannotBeReadIsNotTheContainersFault(t *testing.T) {
	for name, test := range map[string]struct {
		fault func(w *logWorld)
		link  string
	}{
		"refused":             {fault: func(w *logWorld) { w.fails["agent"] = errors.New("404 Not Found: 10.0.0.1") }},
		"no answer":           {fault: func(w *logWorld) { w.latency["agent"] = time.Hour }},
		"and there is a link": {fault: func(w *logWorld) { w.fails["agent"] = errors.New("503") }, link: "http://master:5050/#/tasks/c"},
	} {
		t.Run(name, func(t *testing.T) {
			inLogWorld(t, func(t *testing.T, w *logWorld) {
				w.link["c"] = test.link
				require.Empty(t, lines(t.Context(), w.activation("c", mark, mark)))
				w.set(func() { test.fault(w) })
				began := time.Now()
				text := "!The output of the container could not be read."
				if test.link != "" {
					text += " See " + test.link
				}
				require.Equal(t, text+"\n", lines(t.Context(), w.activation("c", "a\n"+mark, mark)))
				require.InDelta(t, readPatience, time.Since(began), float64(readTimeout))
				require.Contains(t, w.log.String(), "the output of a container cannot be read")

				w.set(func() { clear(w.fails); clear(w.latency) })
				require.Equal(t, "b\n", lines(t.Context(), w.activation("c", "b\n"+mark, mark)), "the next one has its own output only")
			})
		})
	}
}

func TestReaderThatFailsForAMomentLosesNothing(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.activation("c", mark, mark)
		synctest.Wait()
		w.set(func() { w.fails["agent"] = errors.New("503") })
		first := w.activation("c", "a\n"+mark, mark)
		time.Sleep(9 * time.Second)
		w.set(func() { clear(w.fails) })
		second := w.activation("c", "b\n"+mark, mark)
		require.Equal(t, "a\n", lines(t.Context(), first))
		require.Equal(t, "b\n", lines(t.Context(), second))
		require.Empty(t, w.log.String())
	})
}

func TestAgentThatFailsIsNotAskedByEachActivation(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.activation("c", mark, mark)
		synctest.Wait()
		w.set(func() { w.fails["agent"] = errors.New("503") })
		w.readsFrom()
		for range 1000 {
			w.activation("c", mark, mark)
			time.Sleep(10 * time.Millisecond)
		}
		require.Less(t, len(w.readsFrom()), 100)
	})
}

func TestSlowAgentDoesNotSlowOthersAndHasTwoReadsAtOnce(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		slow := func(id string) Instance { return Instance{ID: id, Agent: "slow"} }
		for i := range 20 {
			w.bound(slow(fmt.Sprint(i)))
		}
		time.Sleep(time.Second)
		w.set(func() { w.latency["slow"] = 200 * time.Millisecond })
		var logs []*Logs
		for i := range 20 {
			l := w.begin(t.Context(), slow(fmt.Sprint(i)), printing, true)
			w.print(fmt.Sprint(i), "a\n"+mark, mark)
			log, room := l.end(true)
			require.Nil(t, room)
			logs = append(logs, log)
		}
		began := time.Now()
		require.Equal(t, "b\n", lines(t.Context(), w.activation("c", "b\n"+mark, mark)))
		require.Zero(t, time.Since(began), "another agent")
		for _, log := range logs {
			require.Equal(t, "a\n", lines(t.Context(), log))
		}
		require.Equal(t, 20*2*200*time.Millisecond/2, time.Since(began))
		require.Equal(t, 2, w.most)
	})
}

func TestWarmActivationDoesNotWaitForASlowAgent(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.set(func() { w.latency["agent"] = 200 * time.Millisecond })
		began := time.Now()
		w.bound(instanceOf("c"))
		time.Sleep(100 * time.Millisecond)
		w.activation("c", mark, mark)
		require.Equal(t, 200*time.Millisecond, time.Since(began), "the first one waits for the sizes, which are found out from the binding on")
		began = time.Now()
		var logs []*Logs
		for i := range 100 {
			logs = append(logs, w.activation("c", fmt.Sprintf("%d\n%s", i, mark), mark))
		}
		require.Zero(t, time.Since(began))
		for i, log := range logs {
			require.Equal(t, fmt.Sprintf("%d\n", i), lines(t.Context(), log))
		}
		require.LessOrEqual(t, len(w.readsFrom()), 8, "one read has many activations")
	})
}

func TestActivationWaitsAtMostASecondForTheSizes(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.set(func() { w.fails["agent"] = errors.New("503") })
		w.set(func() { w.latency["agent"] = time.Hour })
		w.print("fresh", "stem\n", "")
		w.print("adopted", "of others\n"+mark, mark)
		began := time.Now()
		fresh := w.begin(t.Context(), instanceOf("fresh"), printing, true)
		adopted := w.begin(t.Context(), instanceOf("adopted"), printing, false)
		require.Equal(t, 2*time.Second, time.Since(began))
		w.set(func() { clear(w.fails); clear(w.latency) })
		w.print("fresh", "a\n"+mark, mark)
		w.print("adopted", "a\n"+mark, mark)
		logs, _ := fresh.end(true)
		require.Equal(t, "stem\na\n", lines(t.Context(), logs))
		logs, _ = adopted.end(true)
		require.Equal(t, "!The output of the container could not be read.\n", lines(t.Context(), logs), "nothing of others")

		l := w.begin(t.Context(), instanceOf("adopted"), printing, false)
		w.print("adopted", "b\n"+mark, mark)
		logs, _ = l.end(true)
		require.Equal(t, "b\n", lines(t.Context(), logs))
	})
}

// lateReader tells sizes late, whether anybody still waits or not.
type lateReader struct {
	*printer
	late time.Duration
}

func (r *lateReader) ReadOutput(ctx context.Context, in Instance, stream Stream, offset int64, buf []byte) (int, int64, error) {
	if len(buf) == 0 {
		time.Sleep(r.late)
	}
	return r.printer.ReadOutput(context.WithoutCancel(ctx), in, stream, offset, buf)
}

func TestSizesThatComeTooLateDoNotGiveTheNextActivationWhatTheLastOnePrinted(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		reader := &lateReader{w.printer, 1500 * time.Millisecond}
		w.reader = reader
		first := w.begin(t.Context(), instanceOf("adopted"), printing, false)
		w.print("adopted", "first begins\n", "")
		time.Sleep(time.Second) // the sizes are told
		w.print("adopted", "first ends\n"+mark, mark)
		logs, _ := first.end(true)
		require.Equal(t, "!The output of the container could not be read.\n", lines(t.Context(), logs))
		reader.late = 0
		require.Equal(t, "second\n", lines(t.Context(), w.activation("adopted", "second\n"+mark, mark)))
	})
}

func TestCallerWhoLeavesDoesNotGiveTheNextOneWhatAStemCellPrinted(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.set(func() { w.latency["agent"] = 200 * time.Millisecond })
		w.print("c", "stem\n", "")
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		logs, _ := w.begin(ctx, instanceOf("c"), printing, true).end(false)
		require.Nil(t, logs)
		require.Equal(t, "a\n", lines(t.Context(), w.activation("c", "a\n"+mark, mark)))
	})
}
