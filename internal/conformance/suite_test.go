package conformance

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	calls "github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// behaviour is one thing that a good scheduler does.
type behaviour struct {
	name    string   // a sentence
	sources []source // the documents and recordings that demand it
	needs   need     // what a plain cluster does not have
	config  scheduler.Config
	cluster mesostest.Config // of the fake; without agents it gets three
	masters int              // of the fake beside the first, at the addresses that masterAt returns
	// unstarted leaves the start of Run to the behaviour.
	unstarted bool
	// durable: the scheduler has a store, which takes slowStore for each Apply.
	durable   bool
	slowStore time.Duration
	run       func(*world)
}

// need is why a behaviour cannot be shown on a plain cluster. If it is empty, it can.
type need string

const (
	twoAgents  need = "has two agents at least"
	lostAgents need = "takes agents away and brings them back"
	hours      need = "takes hours"
	onDemand   need = "needs a task's process or health check to fail on demand"
	roleList   need = "needs a master that takes certain roles only"
)

// source is a document of Mesos or a recording.
type source struct{ document, section, recording string }

// document is a page of mesos.apache.org/documentation; section is a heading on it.
func document(name, section string) source { return source{document: name, section: section} }

// recording is one of a real master, in internal/mesostest.
func recording(name string) source { return source{recording: name} }

// chapter is a section of the list.
type chapter struct {
	title      string
	behaviours []behaviour
}

func suite() []chapter {
	return []chapter{
		{"Subscribing", subscribing()},
		{"Staying subscribed", stayingSubscribed()},
		{"The end of a framework", ending()},
		{"Offers", offers()},
		{"Asking for offers and keeping them", demanding()},
		{"Offer filters for pending tasks", filteringOffers()},
		{"Where tasks run", placing()},
		{"Launching", launching()},
		{"Pods", launchingPods()},
		{"States of tasks", living()},
		{"Status updates", updating()},
		{"Killing", killing()},
		{"Agents", losingAgents()},
		{"Operators", meetingOperators()},
		{"Masters", survivingMasters()},
		{"Reconciliation", reconciling()},
		{"Lost launches", relaunching()},
		{"Tasks that are not on record", meetingUnknownTasks()},
		{"Another process with the same store", restarting()},
		{"Explaining", explaining()},
		{"Output of tasks", readingOutput()},
		{"Everything else", rest()},
	}
}

// inBubble calls f with a fake cluster in a synctest bubble.
func inBubble(t *testing.T, b behaviour, f func(t *testing.T, p place)) {
	synctest.Test(t, func(t *testing.T) {
		config := b.cluster
		if len(config.Agents) == 0 {
			config.Agents = []mesostest.Agent{{Attributes: "rack:r1"}, {Attributes: "rack:r2"}, {Attributes: "rack:r3"}}
		}
		var network virtualnet.Network
		config.ListenAgents = func(a mesostest.Agent) (net.Listener, error) {
			return network.Listen(net.JoinHostPort(a.Hostname, strconv.Itoa(a.Port)))
		}
		master, err := mesostest.New(config)
		require.NoError(t, err)
		var listeners []net.Listener
		for n := range b.masters + 1 {
			listener, err := network.Listen(masterAt(n))
			require.NoError(t, err)
			listeners = append(listeners, listener)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- master.Run(ctx, listeners[0], listeners[1:]...) }()
		defer func() {
			cancel()
			require.NoError(t, <-done)
		}()
		f(t, place{
			url: "http://" + masterAt(0), dial: network.DialContext, fake: master,
			patience: time.Hour, quiet: 20 * time.Minute,
		})
	})
}

// masterAt returns the address of the nth master of the fake, from 0.
func masterAt(n int) string { return fmt.Sprintf("master%d.example:5050", n) }

// TestFake shows every behaviour on the fake master.
func TestFake(t *testing.T) {
	for _, c := range suite() {
		for _, b := range c.behaviours {
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				inBubble(t, b, func(t *testing.T, p place) { perform(t, p, b) })
			})
		}
	}
}

// TestOtherwise shows the behaviours that a plain cluster can show on faster, slower and smaller clusters, and with a
// scheduler that uses JSON. With -short each behaviour is shown in one of these ways only, in turn.
func TestOtherwise(t *testing.T) {
	ways := []struct {
		name  string
		alter func(*behaviour)
	}{
		{"quick", func(b *behaviour) {
			b.cluster = mesostest.Config{Launch: -1, Reap: -1, AllocationInterval: 50 * time.Millisecond, Seed: 1}
		}},
		{"slow", func(b *behaviour) {
			b.cluster = mesostest.Config{Launch: 7 * time.Second, Reap: 2 * time.Second, AllocationInterval: 5 * time.Second, Seed: 2}
		}},
		{"small", func(b *behaviour) {
			b.cluster = mesostest.Config{Agents: []mesostest.Agent{{Attributes: "rack:r1", Isolation: "posix/cpu,posix/mem"}}}
		}},
		{"JSON", func(b *behaviour) { b.config.JSON = true }},
	}
	shown := 0
	for _, c := range suite() {
		for _, b := range c.behaviours {
			if b.needs != "" {
				continue // it has a cluster of its own
			}
			for i, way := range ways {
				if testing.Short() && i != shown%len(ways) {
					continue
				}
				b := b
				way.alter(&b)
				t.Run(way.name+"/"+b.name, func(t *testing.T) {
					t.Parallel()
					inBubble(t, b, func(t *testing.T, p place) { perform(t, p, b) })
				})
			}
			shown++
		}
	}
}

// TestUnaltered: a call that the wire decodes and does not alter reaches the master with the fields that mesos-go does
// not know.
func TestUnaltered(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		b := find(t, "agents that no pending task may run on are no longer offered")
		b.config.JSON = asJSON
		run := b.run
		b.run = func(w *world) {
			w.wire.calls(func(*calls.Call) verdict { return pass })
			run(w)
		}
		inBubble(t, b, func(t *testing.T, p place) {
			p.sabotage = func(*calls.Call) int { return 1 }
			perform(t, p, b)
		})
	}
}

// TestReal shows on the cluster of MESOS_MASTER, when it is set, what a plain one can show.
func TestReal(t *testing.T) {
	master := os.Getenv("MESOS_MASTER")
	if master == "" {
		return
	}
	cluster := place{
		url: strings.TrimRight(master, "/"), dial: new(net.Dialer).DialContext,
		patience: 2 * time.Minute, quiet: 3 * time.Second,
	}
	for _, c := range suite() {
		for _, b := range c.behaviours {
			t.Run(b.name, func(t *testing.T) {
				if b.needs != "" {
					t.Skipf("left out: it %s", b.needs)
				}
				perform(t, cluster, b)
			})
		}
	}
}

// Names are sentences, each once, and everything has a source.
func TestTable(t *testing.T) {
	var names []string
	for _, c := range suite() {
		for _, b := range c.behaviours {
			require.NotContains(t, names, b.name)
			require.NotEmpty(t, b.sources, b.name)
			require.NotNil(t, b.run, b.name)
			names = append(names, b.name)
			for _, s := range b.sources {
				if s.recording != "" {
					require.FileExists(t, recordingsFolder+s.recording+".jsonl", b.name)
				}
			}
		}
	}
	require.GreaterOrEqual(t, len(names), 50)
	require.False(t, slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ".") }))
}

const recordingsFolder = "../mesostest/testdata/recordings/"
