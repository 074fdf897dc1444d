package invoker

import (
	"context"
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
