package invoker

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker/internal/logslice"
)

const (
	// placePatience is how long an activation waits for the sizes of the streams of a container.
	placePatience = time.Second
	// placePause is the pause after which they are asked for again.
	placePause = 20 * time.Millisecond
	// spareBuffers is how many buffers are kept.
	spareBuffers = 8
	// containerMemory is after how long without an activation a container is forgotten. The next one finds out its sizes again.
	containerMemory = 10 * time.Minute
)

// logCollector reads what containers print, and cuts it into the logs of activations. A nil one, of an engine that is no
// [OutputReader], collects nothing. All methods may be called from any goroutine.
//
// It reads only while the log of an activation is not complete: at once when its answer is there, and then after 2, 4, 8 … 100 ms.
// Its goroutines are that of run and, of each container that is being read, one, which run waits for.
type logCollector struct {
	reader  OutputReader
	linker  OutputLinker // may be nil
	log     *slog.Logger
	store   *lineStore
	open    atomic.Int64 // slices, of all containers
	buffers chan []byte  // of readSize, to be used again

	wake chan struct{} // there is something to start
	done chan struct{} // closed when run has ended

	mu         sync.Mutex
	containers map[string]*containerLog
	agents     map[string]*logAgent
	starting   []func(context.Context) // what run is to start
}

// newLogCollector returns nil if the engine gives no access to the output of its containers.
func newLogCollector(engine any, log *slog.Logger) *logCollector {
	reader, ok := engine.(OutputReader)
	if !ok {
		return nil
	}
	linker, _ := engine.(OutputLinker)
	return &logCollector{
		reader: carefulReader{reader}, linker: linker, log: log, store: newLineStore(maxUnread),
		wake: make(chan struct{}, 1), done: make(chan struct{}), buffers: make(chan []byte, spareBuffers),
		containers: map[string]*containerLog{}, agents: map[string]*logAgent{},
	}
}

// run reads until ctx ends. Logs that are not complete then end with ErrNotRunning. It can be called once.
func (c *logCollector) run(ctx context.Context) error {
	if c == nil {
		<-ctx.Done()
		return nil
	}
	var reading sync.WaitGroup
	sweep := time.NewTicker(containerMemory)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			reading.Wait()
			c.stop()
			return nil
		case <-c.wake:
			for _, f := range c.toStart() {
				reading.Go(func() { f(ctx) })
			}
		case <-sweep.C:
			for _, t := range c.all() {
				t.forgetIdle(containerMemory)
			}
		}
	}
}

// start has run start a goroutine.
func (c *logCollector) start(f func(context.Context)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.starting = append(c.starting, f)
	signal(c.wake)
}

func (c *logCollector) toStart() []func(context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.starting
	c.starting = nil
	return all
}

func (c *logCollector) all() []*containerLog {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*containerLog
	for _, t := range c.containers {
		all = append(all, t)
	}
	return all
}

func (c *logCollector) stop() {
	c.mu.Lock()
	close(c.done) // no container is added any more
	c.mu.Unlock()
	for _, t := range c.all() {
		t.stop()
	}
}

// ended reports whether run has.
func (c *logCollector) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// buffer returns a buffer to read into.
func (c *logCollector) buffer(size int) []byte {
	if size == readSize {
		select {
		case buf := <-c.buffers:
			return buf
		default:
		}
	}
	return make([]byte, size)
}

func (c *logCollector) giveBack(buf []byte) {
	if len(buf) == readSize {
		select {
		case c.buffers <- buf:
		default: // enough are kept
		}
	}
}

// container returns what is known of a container, or nil after the end of run. Of a new one it begins to find out the sizes of its
// streams, if they are wanted.
func (c *logCollector) container(in Instance, sizes bool) *containerLog {
	c.mu.Lock()
	t := c.containers[in.ID]
	if c.ended() {
		c.mu.Unlock()
		return nil
	}
	if t != nil {
		t.used = time.Now()
		c.mu.Unlock()
		return t
	}
	t = newContainerLog(c, in, c.enter(in.Agent))
	c.containers[in.ID] = t
	if !sizes {
		t.unknown = true
		close(t.placed)
	}
	c.mu.Unlock()
	if sizes {
		c.start(t.place)
	}
	return t
}

// bound tells that a container is being bound to an action: what it has printed before belongs to nobody. It does not block.
func (c *logCollector) bound(in Instance) {
	if c != nil {
		c.container(in, true)
	}
}

// begin tells that an activation is about to be sent to a container, and with init that /init precedes it. It waits for up to a
// second to learn how much the container has printed before, if that is not known and matters: of a container that is new, and of
// one that does not mark the end of its activations.
func (c *logCollector) begin(ctx context.Context, in Instance, a *Action, init bool) *activationLog {
	if c == nil {
		return nil
	}
	mode := logslice.Counted
	switch {
	case a.Concurrency > 1:
		mode = logslice.Shared
	case a.NoSentinels:
		mode = logslice.Serial
	}
	t := c.container(in, a.LogLimit >= 0)
	if t == nil {
		return nil
	}
	return t.begin(ctx, mode, cmp.Or(a.LogLimit, DefaultLogLimit), init)
}

// gone tells that a container does not run any more: its output is read to the end.
func (c *logCollector) gone(container string) {
	if t := c.find(container); t != nil {
		t.gone()
	}
}

// handOver ends the reading of a container that another process will hold: from now on what it prints belongs to that one. It waits
// until all logs are complete, or ctx ends; what is missing then is left out.
func (c *logCollector) handOver(ctx context.Context, container string) {
	if t := c.find(container); t != nil {
		t.handOver(ctx)
	}
}

func (c *logCollector) find(container string) *containerLog {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.containers[container]
}

// remove forgets a container that was not used since, and its agent if that has no other.
func (c *logCollector) remove(t *containerLog, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.containers[t.in.ID] != t || t.used.After(since) {
		return
	}
	delete(c.containers, t.in.ID)
	c.leave(t.in.Agent)
}

// enter has the reads of an agent take turns with all others. The mutex is held.
func (c *logCollector) enter(agent string) *logAgent {
	a := c.agents[agent]
	if a == nil {
		a = newLogAgent()
		c.agents[agent] = a
	}
	a.users++
	return a
}

// leave ends what enter has begun. The mutex is held.
func (c *logCollector) leave(agent string) {
	if a := c.agents[agent]; a.users == 1 {
		delete(c.agents, agent)
	} else {
		a.users--
	}
}

// activationLog is the log of one activation while it is being run and read. A nil one is of an activation without logs.
type activationLog struct {
	container *containerLog
	number    int // of its slice; -1: there is none, since nothing can be read
	logs      *Logs
	unwanted  bool // nobody gets it
}

// end tells that the answer to an activation is there, or will not come, and returns its log. If nothing was sent that makes the
// runtime mark the end of an activation, neither /run nor an /init that failed, the log is nil. The container may be
// used again when room is closed; at once if that is nil. It does not block.
func (l *activationLog) end(sent bool) (logs *Logs, room <-chan struct{}) {
	if l == nil {
		return nil, nil
	}
	if l.number >= 0 {
		room = l.container.end(l.number, sent)
	}
	switch {
	case !sent:
		l.logs.buffer.discard()
		return nil, nil
	case l.unwanted:
		return nil, room
	}
	return l.logs, room
}
