package cluster

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/electiontest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
)

// suiteCluster is a cluster of three members with directories, for the suite of electors.
type suiteCluster struct {
	net     virtualnet.Network
	members []ha.Elector
	cut     map[string]bool
}

func newSuiteCluster(t *testing.T) *suiteCluster {
	c := &suiteCluster{cut: map[string]bool{}}
	for i := range 3 {
		m, err := New(Config{
			Name: "framework", Preset: PresetLAN, GossipBind: ipOf(i) + ":7946", RaftBind: ipOf(i) + ":7000", Dir: t.TempDir(), noSync: true,
			Seeds: []string{ipOf(0) + ":7946", ipOf(1) + ":7946", ipOf(2) + ":7946"}, Network: c.net.Host(ipOf(i)),
			Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		c.members = append(c.members, m)
	}
	return c
}

func (c *suiteCluster) Members() []ha.Elector { return c.members }

func (c *suiteCluster) Cut(i int) { c.cut[ipOf(i)] = true; c.split() }

func (c *suiteCluster) Heal(i int) { delete(c.cut, ipOf(i)); c.split() }

func (c *suiteCluster) split() {
	groups := [][]string{nil}
	for i := range c.members {
		if ip := ipOf(i); c.cut[ip] {
			groups = append(groups, []string{ip})
		} else {
			groups[0] = append(groups[0], ip)
		}
	}
	c.net.Split(groups...)
}

// Stop waits for memberlist, which ends its goroutines without waiting for them.
func (c *suiteCluster) Stop() { time.Sleep(2 * time.Minute) }

// Patience is long enough for members that have never met, and for one that was cut off to be found again.
func (c *suiteCluster) Patience() time.Duration { return time.Minute }

// A member keeps all promises of an elector, and of a replica.
func TestElectorSuite(t *testing.T) {
	electiontest.Run(t, func(t *testing.T, check func(*testing.T, electiontest.Cluster)) {
		synctest.Test(t, func(t *testing.T) { check(t, newSuiteCluster(t)) })
	})
}
