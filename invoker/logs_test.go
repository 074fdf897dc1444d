package invoker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/logslice"
)

const mark = logslice.Sentinel + "\n"

// printer is an engine whose containers only print.
type printer struct {
	Engine

	mu      sync.Mutex
	printed map[string]*[2]string // by container
	latency map[string]time.Duration
	fails   map[string]error  // by agent
	lost    map[Stream]int64  // output before this offset
	reads   []time.Duration   // when, since the beginning
	under   map[string]int    // reads that are under way, by agent
	most    int               // of under, at any time
	link    map[string]string // by container
	began   time.Time
}

func newPrinter() *printer {
	return &printer{
		printed: map[string]*[2]string{}, latency: map[string]time.Duration{}, fails: map[string]error{},
		lost: map[Stream]int64{}, under: map[string]int{}, link: map[string]string{}, began: time.Now(),
	}
}

func (p *printer) print(id string, stdout, stderr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.printed[id] == nil {
		p.printed[id] = new([2]string)
	}
	p.printed[id][0] += stdout
	p.printed[id][1] += stderr
}

func (p *printer) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *printer) ReadOutput(ctx context.Context, in Instance, stream Stream, offset int64, buf []byte) (int, int64, error) {
	p.mu.Lock()
	p.reads = append(p.reads, time.Since(p.began))
	p.under[in.Agent]++
	p.most = max(p.most, p.under[in.Agent])
	latency := p.latency[in.Agent]
	p.mu.Unlock()
	var err error
	if latency > 0 {
		timer := time.NewTimer(latency)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.under[in.Agent]--
	if err == nil {
		err = p.fails[in.Agent]
	}
	if from := p.lost[stream]; err == nil && offset < from && len(buf) > 0 {
		err = &OutputGoneError{From: from}
	}
	if err != nil {
		return 0, 0, err
	}
	text := ""
	if both := p.printed[in.ID]; both != nil {
		text = both[map[Stream]int{Stdout: 0, Stderr: 1}[stream]]
	}
	n := 0
	if offset < int64(len(text)) {
		n = copy(buf, text[offset:])
	}
	return n, int64(len(text)), nil
}

func (p *printer) OutputLink(in Instance) string { return p.link[in.ID] }

// readsFrom returns when reads were made, and forgets them.
func (p *printer) readsFrom() []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	reads := p.reads
	p.reads, p.began = nil, time.Now()
	return reads
}

// logWorld is a collector and what it reads, in a bubble.
type logWorld struct {
	*logCollector
	*printer
	t    *testing.T
	stop func()
	log  strings.Builder
}

func inLogWorld(t *testing.T, f func(t *testing.T, w *logWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPrinter()
		w := &logWorld{printer: p, t: t}
		w.logCollector = newLogCollector(p, slog.New(slog.NewTextHandler(&w.log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			require.NoError(t, w.run(ctx))
		}()
		w.stop = func() {
			cancel()
			<-done
		}
		defer w.stop()
		f(t, w)
	})
}

func instanceOf(id string) Instance { return Instance{ID: id, Agent: "agent"} }

var printing = &Action{Namespace: "guest", Name: "/guest/a", LogLimit: 10_000}

// known returns how many containers and agents are known.
func (w *logWorld) known() int {
	w.logCollector.mu.Lock()
	defer w.logCollector.mu.Unlock()
	return len(w.containers) + len(w.agents)
}

// activation runs an activation that prints something, and returns its log.
func (w *logWorld) activation(id, stdout, stderr string) *Logs {
	l := w.begin(w.t.Context(), instanceOf(id), printing, true)
	w.print(id, stdout, stderr)
	logs, room := l.end(true)
	require.Nil(w.t, room)
	return logs
}

// lines returns a whole log: lines of stderr have "!" before them, and an error is "error: …".
func lines(ctx context.Context, logs *Logs) string {
	var b strings.Builder
	var last time.Time
	for line, err := range logs.Lines(ctx) {
		switch {
		case err != nil:
			fmt.Fprintf(&b, "error: %v\n", err)
			continue
		case line.Time.Before(last):
			b.WriteString("time goes backwards\n")
		case line.Stream == Stderr:
			b.WriteString("!")
		}
		last = line.Time
		b.WriteString(line.Log + "\n")
	}
	return b.String()
}

const unmarkedLine = "!The end of the activation is not marked in the output: the log may be incomplete.\n"

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

func TestContainerThatIsUsedAgainAndAgainIsReadEach5ms(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		for range 18 {
			w.activation("c", mark, mark)
			time.Sleep(time.Millisecond)
		}
		require.Equal(t, []time.Duration{
			0, 0, 0, 0, 5 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 10 * time.Millisecond, 15 * time.Millisecond, 15 * time.Millisecond,
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
		require.Equal(t, "!2 bytes of stdout are lost here.\n", lines(t.Context(), logs)[:len("!2 bytes of stdout are lost here.\n")])
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

func TestContainerIsForgottenWhenItIsIdleForLong(t *testing.T) {
	inLogWorld(t, func(t *testing.T, w *logWorld) {
		require.Empty(t, lines(t.Context(), w.activation("c", mark, mark)))
		w.print("c", "of nobody\n", "")
		time.Sleep(2 * containerMemory)
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
