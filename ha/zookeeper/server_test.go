package zookeeper

import (
	"flag"
	"fmt"
	"path"
	"testing"
	"time"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/electiontest"
	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/stretchr/testify/require"
)

// TestMain has more tests run beside each other than there are cores: most of the time they wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	m.Run()
}

// TestServers has all tests with real servers. They share one: to start it takes a second of both cores. Waits are for
// sessions that expire.
func TestServers(t *testing.T) {
	s := zktest.Ensemble(t, 1, tick)[0]
	// These two look at all goroutines of the process.
	t.Run("suite", func(t *testing.T) { suite(t, s) })
	t.Run("no goroutine is left", func(t *testing.T) { noGoroutineIsLeft(t, s) })
	t.Run("beside each other", func(t *testing.T) {
		for _, test := range []struct {
			name string
			run  func(t *testing.T, s *zktest.Server, path string)
		}{
			{"slow server", slowServer}, // it takes longest
			{"one member", oneMember},
			{"two members", twoMembers},
			{"expiry", expiry},
			{"reconnect", reconnect},
			{"write fails", writeFails},
			{"lost creation", lostCreation},
			{"orphan", orphan},
			{"deleted by hand", deletedByHand},
			{"node changed by hand", nodeChangedByHand},
			{"storm", storm},
			{"lead returns", leadReturns},
			{"wrong password", wrongPassword},
			{"access lost", accessLost},
			{"same ID", sameID},
			{"two frameworks", twoFrameworks},
			{"nobody answers", nobodyAnswers},
			{"deep path", deepPath},
			{"ends while nothing answers", endsInBlackHole},
			{"lost write", lostWrite},
			{"lost watches", lostWatches},
			{"nodes made by hand", nodesByHand},
			{"election deleted", electionDeleted},
			{"another format", anotherFormat},
			{"another program's node", anotherProgram},
			{"slow lead", slowLead},
			{"slow lead of another log", slowLeadOfAnotherLog},
			{"faults", faults},
			{"store suite", storeSuite},
			{"store fence", storeFence},
			{"many records", manyRecords},
			{"warm takeover", warmTakeover},
			{"refused", refused},
			{"log changed by hand", logByHand},
			{"log replaced by hand", logReplaced},
		} {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				test.run(t, s, "/"+path.Base(t.Name()))
			})
		}
		t.Run("three servers", func(t *testing.T) {
			t.Parallel()
			threeServers(t)
		})
	})
	t.Run("loses its data", func(t *testing.T) { losesItsData(t, s) })
}

// cluster is three members, each with a relay of its own to the same server.
type cluster struct {
	relays []*relay
	list   []ha.Elector
}

func (c *cluster) Members() []ha.Elector { return c.list }
func (c *cluster) Cut(i int)             { c.relays[i].close() }
func (c *cluster) Heal(i int)            { c.relays[i].open() }

// Patience has four seconds for a busy machine.
func (c *cluster) Patience() time.Duration { return short + 4*time.Second }

func (c *cluster) Stop() {
	for _, r := range c.relays {
		r.end()
	}
}

func suite(t *testing.T, s *zktest.Server) {
	n := 0
	electiontest.Run(t, func(t *testing.T, check func(t *testing.T, c electiontest.Cluster)) {
		c := new(cluster)
		n++
		for i := range 3 {
			r := newRelay(t, s.Address)
			e, err := New(Config{
				Address: address(fmt.Sprint("/suite-", n), r.address), ID: fmt.Sprint("m", i), SessionTimeout: short, Logger: quiet(),
			})
			require.NoError(t, err)
			c.relays, c.list = append(c.relays, r), append(c.list, e)
		}
		check(t, c)
	})
}
