package invoker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/logslice"
)

// From this backlog on a container is not used again before some of it was read.
const (
	maxBacklog   = 16 << 20 // bytes that are known to be there and not read
	maxOpen      = 64       // slices of a container that are not complete,
	maxOpenOfAll = 1 << 16  // if those of all containers are as many as this
)

// containerLog is what is known of the output of a container.
type containerLog struct {
	collector *logCollector
	in        Instance
	agent     *logAgent
	used      time.Time // guarded by the collector

	mu       sync.Mutex
	placed   chan struct{} // closed when it was tried to find out the sizes at the beginning, or nobody wants them
	unknown  bool          // they are not known
	sizes    [2]int64      // of the streams, when they were last read
	cutter   *logslice.Cutter
	lines    map[int]*lineBuffer // of the open slices
	unlogged bool                // an activation was sent whose output is not wanted
	over     bool                // it does not run any more
	timer    *time.Timer         // of the goroutine that reads; nil: there is none
	next     time.Time           // what it is set to
	polled   time.Time           // when it last began to read
	pause    time.Duration       // how long it waits for a sentinel before it reads again
	hurried  bool                // an activation has ended since it last began to read
	retrying bool                // the last read has failed
	fresh    []*lineBuffer       // that have something of which those who wait for it have not been told
	failing  time.Time           // since when nothing could be read; zero: it can
	warned   bool                // the operator was told
	room     chan struct{}       // closed when the backlog is small enough; nil if it is
	settle   chan struct{}       // closed when no slice is open; nil if nobody waits
}

// newContainerLog returns a container whose sizes at the beginning have to be found out.
func newContainerLog(c *logCollector, in Instance, agent *logAgent) *containerLog {
	return &containerLog{
		collector: c, in: in, agent: agent, used: time.Now(),
		placed: make(chan struct{}), lines: map[int]*lineBuffer{},
	}
}

// place finds out the sizes of the streams at the beginning. Files of a new container may not be there at once.
func (t *containerLog) place(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, placePatience)
	defer cancel()
	sizes, err := t.readSizes(ctx)
	pause := time.NewTicker(placePause)
	defer pause.Stop()
	for err != nil && ctx.Err() == nil {
		select {
		case <-pause.C:
			sizes, err = t.readSizes(ctx)
		case <-ctx.Done():
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sizes, t.unknown = sizes, err != nil
	close(t.placed)
}

// readSizes asks for the sizes of the streams.
func (t *containerLog) readSizes(ctx context.Context) (sizes [2]int64, err error) {
	var (
		both sync.WaitGroup
		errs [2]error
	)
	for s, stream := range streams {
		both.Go(func() {
			errs[s] = t.agent.read(ctx, func(ctx context.Context) (err error) {
				_, sizes[s], err = t.collector.reader.ReadOutput(ctx, t.in, stream, 0, nil)
				return err
			})
		})
	}
	both.Wait()
	return sizes, errors.Join(errs[:]...)
}

// begin opens a slice for an activation that is about to be sent. One whose output is not wanted, with a negative limit, has none unless
// others of the container have: so that they do not get what it prints, and its sentinels end nothing of theirs.
func (t *containerLog) begin(ctx context.Context, mode logslice.Mode, limit int64, fresh bool) *activationLog {
	l := &activationLog{container: t, number: -1, logs: t.collector.store.newLogs(), unwanted: limit < 0}
	if l.unwanted {
		if t.leaveOut() {
			return nil
		}
		l.logs.buffer.discard()
	}
	t.waitPlaced(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cutter == nil && (ctx.Err() != nil || !t.makeCutter(mode, fresh)) {
		t.giveUp(l)
		if ctx.Err() == nil {
			t.collector.remove(t, time.Now()) // sizes that come now would be those in the middle of the activation
		}
		return l
	}
	sizes, err := t.boundary(ctx)
	switch {
	case t.collector.ended():
		l.logs.buffer.end(ErrNotRunning)
	case err != nil:
		if ctx.Err() == nil { // it would have what those before it have printed, or they what it prints
			t.deliver(t.cutter.Fail(t.unreadable()))
			t.checkBacklog()
		}
		t.giveUp(l)
	default:
		number, pieces := t.cutter.Begin(max(0, limit), sizes)
		t.collector.open.Add(1)
		l.number, t.lines[number] = number, &l.logs.buffer
		t.deliver(pieces)
	}
	return l
}

// leaveOut notes that an activation is sent whose output is not wanted, and reports whether it needs no slice.
func (t *containerLog) leaveOut() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cutter == nil {
		t.unlogged = true
		return true
	}
	return t.cutter.Mode() == logslice.Shared
}

// giveUp ends the log of an activation whose output could not be told from that of others.
func (t *containerLog) giveUp(l *activationLog) {
	l.logs.buffer.add(time.Now(), logslice.Stderr, t.unreadable()+"\n")
	l.logs.buffer.end(nil)
}

// boundary returns the sizes of the streams if that is where the log of the next activation begins. The mutex is held, but while they are
// being found out.
func (t *containerLog) boundary(ctx context.Context) (sizes [2]int64, err error) {
	if t.cutter.Mode() != logslice.Serial {
		return sizes, nil
	}
	t.mu.Unlock()
	defer t.mu.Lock()
	ctx, cancel := context.WithTimeout(ctx, placePatience)
	defer cancel()
	return t.readSizes(ctx)
}

// waitPlaced waits until the sizes are known at the beginning.
func (t *containerLog) waitPlaced(ctx context.Context) {
	var patience <-chan time.Time
	for {
		t.mu.Lock()
		if t.cutter != nil || t.isPlaced() && !t.unknown {
			t.mu.Unlock()
			return
		}
		if t.isPlaced() { // in vain
			t.placed = make(chan struct{})
			t.collector.start(t.place)
		}
		placed := t.placed
		t.mu.Unlock()
		if patience == nil {
			patience = time.After(placePatience)
		}
		select {
		case <-placed:
		case <-patience:
			return
		case <-ctx.Done():
			return
		case <-t.collector.done:
			return
		}
	}
}

// isPlaced reports whether it was tried to find out the sizes at the beginning, or nobody wants them yet.
func (t *containerLog) isPlaced() bool {
	select {
	case <-t.placed:
		return true
	default:
		return false
	}
}

// makeCutter begins to cut, if it is known where: a fresh container has nothing of other activations, so that all is better than
// nothing. Sentinels of activations whose output was not wanted may still come: they do not count then.
func (t *containerLog) makeCutter(mode logslice.Mode, fresh bool) bool {
	if t.unlogged && mode == logslice.Counted {
		mode = logslice.Serial
	}
	switch {
	case t.isPlaced() && !t.unknown:
		t.cutter = logslice.New(mode, t.sizes)
	case fresh:
		t.cutter = logslice.New(mode, [2]int64{})
	default:
		return false
	}
	return true
}

// end tells that an activation is over, and returns a channel if the container must not be used again before that is closed.
func (t *containerLog) end(number int, sent bool) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if sent {
		t.deliver(t.cutter.Ended(number, time.Now()))
	} else {
		t.deliver(t.cutter.Withdraw(number, time.Now()))
	}
	t.read()
	t.checkBacklog()
	return t.room
}

// gone tells that the container does not run any more.
func (t *containerLog) gone() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	t.read()
}

// handOver closes all slices, the latest when ctx ends, and forgets the container.
func (t *containerLog) handOver(ctx context.Context) {
	_ = t.settled(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cutter != nil {
		t.deliver(t.cutter.Silent(time.Now(), true))
		t.checkBacklog()
	}
	t.collector.remove(t, time.Now())
}

// settled waits until no slice is open.
func (t *containerLog) settled(ctx context.Context) error {
	t.mu.Lock()
	if t.cutter == nil || t.cutter.Open() == 0 {
		t.mu.Unlock()
		return nil
	}
	if t.settle == nil {
		t.settle = make(chan struct{})
	}
	settle := t.settle
	t.mu.Unlock()
	select {
	case <-settle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.collector.done:
		return ErrNotRunning
	}
}

// stop ends all logs, since nobody reads any more.
func (t *containerLog) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for number, lines := range t.lines {
		lines.end(ErrNotRunning)
		delete(t.lines, number)
		t.collector.open.Add(-1)
	}
	if t.room != nil {
		close(t.room)
		t.room = nil
	}
}

// forgetIdle forgets the container if it was not used for some time.
func (t *containerLog) forgetIdle(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer == nil && (t.cutter == nil || t.cutter.Open() == 0) {
		t.collector.remove(t, time.Now().Add(-d))
	}
}

// deliver gives the pieces of slices to their logs, and tells those who wait.
func (t *containerLog) deliver(pieces []logslice.Piece) {
	if len(pieces) > 0 {
		t.hand(pieces, time.Now())
		t.tell()
	}
}

// tell tells those who wait for lines that there are some.
func (t *containerLog) tell() {
	if len(t.fresh) > 0 {
		t.collector.store.tell(t.fresh)
		clear(t.fresh)
		t.fresh = t.fresh[:0]
	}
}

// hand gives the pieces of slices to their logs. Those who wait for lines are not told before the next call of tell, or the end of
// their log, so that they need not be woken for each piece.
func (t *containerLog) hand(pieces []logslice.Piece, now time.Time) {
	for _, p := range pieces {
		switch lines := t.lines[p.Slice]; {
		case lines == nil: // the collector was stopped
		case p.End:
			lines.end(nil)
			delete(t.lines, p.Slice)
			t.collector.open.Add(-1)
		default:
			lines.add(now, p.Stream, p.Text)
			t.fresh = append(t.fresh, lines)
		}
	}
	if t.settle != nil && t.cutter.Open() == 0 {
		close(t.settle)
		t.settle = nil
	}
}

// checkBacklog closes room, or makes it.
func (t *containerLog) checkBacklog() {
	var backlog int64
	for s := range streams {
		if stream := logslice.Stream(s); t.cutter.Needs(stream) {
			backlog += max(0, t.sizes[s]-t.cutter.Offset(stream))
		}
	}
	full := backlog >= maxBacklog || t.cutter.Open() >= maxOpen && t.collector.open.Load() >= maxOpenOfAll
	switch {
	case t.collector.ended():
	case full && t.room == nil:
		t.room = make(chan struct{})
	case !full && t.room != nil:
		close(t.room)
		t.room = nil
	}
}

// unreadable is the line in a log that could not be read. The cause is for operators only.
func (t *containerLog) unreadable() string {
	text := "The output of the container could not be read."
	if linker := t.collector.linker; linker != nil {
		if link := linkTo(linker, t.in); link != "" {
			text += " See " + link
		}
	}
	return text
}
