package conformance

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// testingT has the methods of *testing.T that behaviours use. Controls implement it in another way.
type testingT interface {
	require.TestingT
	Helper()
	Skipf(format string, args ...any)
}

// place is where a behaviour runs.
type place struct {
	url      string            // of the master
	dial     dialer            // to the master
	fake     *mesostest.Master // nil for a real one
	sabotage saboteur          // nil: none
	late     time.Duration     // how long after Apply has returned the records of a store change
	patience time.Duration     // how long to wait for anything to happen
	quiet    time.Duration     // how long to wait for what must not happen
}

// world is a scheduler, whose Run has begun, and a cluster, with the wire between them.
type world struct {
	testingT
	place
	*journal
	wire    *wire
	store   *memory // in use when the behaviour is about a durable one
	config  scheduler.Config
	name    string // of the framework, unique
	ctx     context.Context
	sched   *scheduler.Scheduler
	ended   chan error // what Run returned
	stop    context.CancelFunc
	running sync.WaitGroup
}

// perform runs a behaviour at a place, and leaves nothing behind.
func perform(t testingT, p place, b behaviour) {
	t.Helper()
	w := &world{testingT: t, place: p, journal: newJournal(), name: "conformance " + rand.Text()}
	ctx, cancel := context.WithTimeout(context.Background(), 3*p.patience+3*p.quiet)
	w.ctx = ctx
	var err error
	w.wire, err = newWire(w.journal, p.url, p.dial, p.sabotage)
	require.NoError(t, err)
	defer w.leave(cancel)

	w.config = b.config
	w.config.Master = cmp.Or(b.config.Master, "http://"+wireAddress)
	w.config.Framework.Name = w.name
	w.config.DialContext = w.dialAnybody
	w.config.Logger = slog.New(slog.DiscardHandler)
	w.store = newMemory()
	w.store.slow, w.store.late = b.slowStore, p.late
	if b.durable {
		w.config.Store = w.store
	}
	w.sched, err = scheduler.New(w.config)
	require.NoError(t, err)
	if !b.unstarted {
		w.start()
	}
	b.run(w)
	w.checkCalls()
}

// start starts Run and a watcher.
func (w *world) start() {
	events := w.sched.Watch(w.ctx)
	w.running.Go(func() {
		for e := range events {
			w.journal.add(entry{told: e})
		}
	})
	ctx, stop := context.WithCancel(w.ctx)
	w.ended, w.stop = make(chan error, 1), stop
	ended := w.ended
	w.running.Go(func() { ended <- w.sched.Run(ctx) })
}

// successor replaces the scheduler, whose Run must have ended, by that of another process, with these records in its
// store.
func (w *world) successor(records map[string][]byte) {
	w.Helper()
	w.store = newMemory()
	w.store.records = records
	w.config.Store = w.store
	var err error
	w.sched, err = scheduler.New(w.config)
	require.NoError(w, err)
}

// startInVain starts a Run that cannot connect until the wire is restored.
func (w *world) startInVain() {
	w.Helper()
	w.wire.fail()
	w.start()
	w.until("the first attempt failed", func() bool { told, _ := w.connections(); return len(told) > 0 })
}

// end waits for the end of Run.
func (w *world) end() error {
	w.Helper()
	select {
	case err := <-w.ended:
		return err
	case <-time.After(w.patience):
		w.fail("Run did not end")
		return nil
	}
}

// leave ends everything and removes the frameworks, also after a failure.
func (w *world) leave(cancel context.CancelFunc) {
	cancel()
	w.running.Wait()
	w.wire.close()
	client := &http.Client{Transport: &http.Transport{DialContext: w.dial, DisableCompression: true}}
	defer client.CloseIdleConnections()
	for _, f := range w.frameworks(client).Frameworks {
		if f.Name == w.name {
			answer, err := client.PostForm(w.url+"/master/teardown", url.Values{"frameworkId": {f.ID}})
			if err != nil {
				w.Errorf("the framework could not be removed: %v", err)
				return
			}
			_ = answer.Body.Close()
		}
	}
	for _, f := range w.frameworks(client).Frameworks {
		if f.Name == w.name {
			w.Errorf("the framework %s was left behind", f.ID)
		}
	}
}

// fail fails the test with what has happened so far.
func (w *world) fail(what string) {
	w.Helper()
	w.Errorf("%s. What happened:\n%s", what, w.journal)
	w.FailNow()
}

// until waits for so to return true. It is called after each new entry of the journal.
func (w *world) until(what string, so func() bool) {
	w.Helper()
	deadline := time.NewTimer(w.patience)
	defer deadline.Stop()
	for {
		_, news := w.read()
		if so() {
			return
		}
		select {
		case <-news:
		case <-deadline.C:
			w.fail("waited in vain: " + what)
		}
	}
}

// poll waits for so to return true, for what is not in the journal, such as the master's state.
func (w *world) poll(what string, so func() bool) {
	w.Helper()
	for deadline := time.Now().Add(w.patience); !so(); w.wait(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.fail("waited in vain: " + what)
		}
	}
}

func (w *world) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-w.ctx.Done():
	}
}

// calm waits until what must not happen would have happened.
func (w *world) calm() { w.wait(w.quiet) }

// calmInOffers is calm for a behaviour that refuses offers for a second only. A minute of that is enough, while 20
// minutes would take 1,200 rounds of offers and calls, most of the time of all tests of this package.
func (w *world) calmInOffers() { w.wait(min(w.quiet, time.Minute)) }

// background calls f, which may take long, and returns a channel for its error.
func (w *world) background(f func() error) <-chan error {
	done := make(chan error, 1)
	w.running.Go(func() { done <- f() })
	return done
}

// result waits for the error of background.
func (w *world) result(done <-chan error) error {
	w.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(w.patience):
		w.fail("a method did not return")
		return nil
	}
}

// submit submits a task.
func (w *world) submit(spec task.Spec) {
	w.Helper()
	require.NoError(w, w.sched.Submit(w.ctx, spec))
}

// launch waits for a task to run, and for the watcher to see it.
func (w *world) launch(spec task.Spec) task.Info {
	w.Helper()
	info, err := w.sched.Launch(w.ctx, spec)
	require.NoError(w, err, w.journal)
	w.untilState(spec.ID, task.StateRunning)
	return info
}

// kill waits for a task to end, and for the watcher to see it.
func (w *world) kill(id string) task.Info {
	w.Helper()
	info, err := w.sched.Kill(w.ctx, id)
	require.NoError(w, err, w.journal)
	w.untilState(id, info.State)
	return info
}

func (w *world) task(id string) task.Info {
	w.Helper()
	info, err := w.sched.Task(w.ctx, id)
	require.NoError(w, err, w.journal)
	return info
}

// command is a small task.
func command(id, shell string) task.Spec {
	return task.Spec{ID: id, CPUs: 0.1, Mem: 32, Command: task.Command{Shell: shell}}
}

func sleeper(id string) task.Spec { return command(id, "sleep 1000000") }

// oversized is a task that fits on no agent.
func oversized(id string) task.Spec {
	spec := sleeper(id)
	spec.CPUs = 1e9
	return spec
}
