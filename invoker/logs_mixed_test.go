package invoker

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The tests of this file are about activations of one container that are told apart with difficulty: by sizes that cannot be read, and
// with other settings than those before them.

const unreadableLine = "!The output of the container could not be read.\n"

// printingWith returns the action of the tests with a change.
func printingWith(change func(a *Action)) *Action {
	a := *printing
	change(&a)
	return &a
}

// said runs an activation of an action that prints something, and returns its log.
func (w *logWorld) said(a *Action, stdout, stderr string) *Logs {
	l := w.begin(w.t.Context(), instanceOf("c"), a, false)
	w.print("c", stdout, stderr)
	logs, _ := l.end(true)
	return logs
}

func TestSerialActivationWhoseBeginningIsNotKnownHasOnlyANotice(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		serial := printingWith(func(a *Action) { a.NoSentinels = true })
		first := w.said(serial, "first\n", "")
		time.Sleep(time.Second) // it is read
		w.set(func() { w.fails["agent"] = errors.New("503") })
		w.print("c", "first goes on\n", "")
		second := w.said(serial, "second\n", "")
		w.set(func() { clear(w.fails) })
		time.Sleep(10 * time.Millisecond)
		third := w.said(serial, "third\n", "")
		require.Equal(t, "first\n"+unreadableLine, lines(t.Context(), first))
		require.Equal(t, unreadableLine, lines(t.Context(), second))
		require.Equal(t, "third\n"+unmarkedLine, lines(t.Context(), third))
	})
}

func TestSerialActivationWhoseSizesComeTooLateHasOnlyANotice(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		serial := printingWith(func(a *Action) { a.NoSentinels = true })
		require.Equal(t, "first\n"+unmarkedLine, lines(t.Context(), w.said(serial, "first\n", "")))
		w.print("c", "first goes on\n", "")
		w.set(func() { w.latency["agent"] = 2 * time.Second })
		began := time.Now()
		second := w.said(serial, "second\n", "")
		require.Equal(t, time.Second, time.Since(began))
		require.Equal(t, unreadableLine, lines(t.Context(), second))
	})
}

func TestActivationsWhoseOutputIsNotWantedAreLeftOutOfTheLogsOfOthers(t *testing.T) {
	unwanted := printingWith(func(a *Action) { a.LogLimit = -1 })
	for name, a := range map[string]*Action{"counted": printing, "serial": printingWith(func(a *Action) { a.NoSentinels = true })} {
		t.Run(name, func(t *testing.T) {
			inLogWorld(t, func(t *testing.T, w *logWorld) {
				first := w.said(a, "first\n"+mark, mark)
				require.Nil(t, w.said(unwanted, "unwanted\n"+mark, mark))
				second := w.said(a, "second\n"+mark, mark)
				require.Nil(t, w.said(unwanted, "unwanted\n"+mark, mark))
				require.Equal(t, "first\n", lines(t.Context(), first))
				require.Equal(t, "second\n", lines(t.Context(), second))
			})
		})
	}
}

func TestActivationAfterOneWhoseOutputIsNotWantedIsNotEndedByItsSentinels(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		w.bound(instanceOf("c"))
		require.Nil(t, w.said(printingWith(func(a *Action) { a.LogLimit = -1 }), "unwanted\n", ""))
		first := w.begin(t.Context(), instanceOf("c"), printing, false)
		w.print("c", mark, mark) // of the one that is not wanted
		w.print("c", "first\n"+mark, mark)
		logs, _ := first.end(true)
		time.Sleep(time.Second)
		second := w.said(printing, "second\n"+mark, mark)
		require.Equal(t, "first\n", lines(t.Context(), logs))
		require.Equal(t, "second\n", lines(t.Context(), second))
	})
}

func TestEachActivationHasItsOwnLogLimit(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		short := printingWith(func(a *Action) { a.LogLimit = 4 })
		for range 2 {
			require.Equal(t, "line\n!The log was truncated: it has more than 4 bytes.\n", lines(t.Context(), w.said(short, "line and more\n"+mark, mark)))
			require.Equal(t, "line and more\n", lines(t.Context(), w.said(printing, "line and more\n"+mark, mark)))
		}
	})
}

func TestFirstActivationDecidesWhetherSentinelsCount(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		serial := printingWith(func(a *Action) { a.NoSentinels = true })
		require.Equal(t, "first\n", lines(t.Context(), w.said(printing, "first\n"+mark, mark)))
		require.Equal(t, "second\n"+unmarkedLine, lines(t.Context(), w.said(serial, "second\n", "")))
		require.Equal(t, "third\n", lines(t.Context(), w.said(printing, "third\n"+mark, mark)))
	})
}
