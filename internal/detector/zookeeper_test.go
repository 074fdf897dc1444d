package detector

import (
	"context"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/mesos-actor/mesos-actor-go/internal/zktest"
	"github.com/stretchr/testify/require"
)

// info returns a node's data as a real master writes it.
func info(port int) string {
	return fmt.Sprintf(`{"address":{"hostname":"master.example","ip":"127.0.0.1","port":%d},"capabilities":[{"type":"AGENT_UPDATE"},{"type":"AGENT_DRAINING"},{"type":"QUOTA_V2"}],"hostname":"master.example","id":"1faaffa1-894b-4a5c-b04e-4bb3affb2253","ip":16777343,"pid":"master@127.0.0.1:%d","port":%d,"version":"1.12.0"}`, port, port, port)
}

// trial is one test of a Detector with a real server, below a path of its own.
type trial struct {
	why string
	run func(t *testing.T, s *zktest.Server, c *zktest.Client, path string)
}

// TestZooKeeper takes real time, since the servers are real: waits are for session timeouts of a second and for the
// client library's pause of a second between attempts to connect.
func TestZooKeeper(t *testing.T) {
	t.Parallel()
	s := zktest.Start(t)
	for _, test := range []trial{
		{"the smallest number leads, and after it the next", theSmallestLeads},
		{"a master that appears with a smaller number leads", aSmallerAppears},
		{"a recreated node is another leader", aRecreatedNode},
		{"an empty election keeps the leader", anEmptyElection},
		{"garbage keeps the leader", garbage},
		{"the path does not exist yet", aMissingPath},
		{"many changes at once", manyChanges},
		{"a password", aPassword},
		{"a connection that is cut", aCutConnection},
		{"Run again", runAgain},
	} {
		t.Run(test.why, func(t *testing.T) {
			t.Parallel()
			test.start(t, s)
		})
	}
}

// TestZooKeeperFails has a server for each test, which it stops, kills or takes the data of.
func TestZooKeeperFails(t *testing.T) {
	for _, test := range []trial{
		{"a server that hangs keeps the leader", aHangingServer},
		{"a server that dies keeps the leader", aDeadServer},
		{"Run ends while the server hangs", runEndsWhileTheServerHangs},
		{"the servers lose their data", lostData},
	} {
		t.Run(test.why, func(t *testing.T) {
			t.Parallel()
			test.start(t, zktest.Start(t))
		})
	}
}

func (test trial) start(t *testing.T, s *zktest.Server) {
	path := "/" + strings.ReplaceAll(strings.ReplaceAll(test.why, " ", "-"), ",", "")
	c := s.Connect(t)
	c.Put(path, "")
	test.run(t, s, c, path)
}

func theSmallestLeads(t *testing.T, s *zktest.Server, c *zktest.Client, path string) {
	for name, data := range map[string]string{
		"json.info_0000000012": info(5012), "json.info_0000000009": info(5009), "info_0000000010": string(protobufInfo(t, 5010)),
		"log_replicas": "", "0000000001": "master@127.0.0.1:5001", "json.info_": "", "json.info_x": "", "other_0000000001": info(5001),
		"json.info_0000000002.bak": "",
	} {
		c.Put(path+"/"+name, data)
	}
	d := detect(t, Config{Master: "zk://" + s.Address + path})
	lead := d.leads("http://127.0.0.1:5009")
	c.Remove(path + "/json.info_0000000012")
	c.Remove(path + "/log_replicas")
	c.Remove(path + "/json.info_0000000009")
	lead = d.changes(lead, "http://127.0.0.1:5010")
	c.Put(path+"/json.info_0000000013", info(5013))
	c.Remove(path + "/info_0000000010")
	d.changes(lead, "http://127.0.0.1:5013")
}

func aSmallerAppears(t *testing.T, s *zktest.Server, c *zktest.Client, path string) {
	c.Put(path+"/json.info_0000000005", info(5005))
	d := detect(t, Config{Master: "zk://" + s.Address + path, TLS: true})
	lead := d.leads("https://master.example:5005")
	c.Put(path+"/json.info_0000000006", info(5006))
	c.Put(path+"/json.info_0000000004", info(5004))
	d.changes(lead, "https://master.example:5004")
}

// The URL is the same, but it is another process: the stream to the old one is gone.
func aRecreatedNode(t *testing.T, s *zktest.Server, c *zktest.Client, path string) {
	c.Put(path+"/json.info_0000000000", info(5050))
	d := detect(t, Config{Master: "zk://" + s.Address + path})
	lead := d.leads("http://127.0.0.1:5050")
	c.Remove(path + "/json.info_0000000000")
	c.Put(path+"/json.info_0000000000", info(5050))
	d.changes(lead, "http://127.0.0.1:5050")
}

func anEmptyElection(t *testing.T, s *zktest.Server, c *zktest.Client, path string) {
	d := detect(t, Config{Master: "zk://" + s.Address + path})
	d.says("WARN", "no master is a candidate in "+path)
	c.Put(path+"/json.info_0000000000", info(5050))
	lead := d.leads("http://127.0.0.1:5050")
	d.says("ZooKeeper works again")
	c.Remove(path + "/json.info_0000000000")
	d.says("WARN", "the last leader known stays", "no master is a candidate in "+path)
	d.keeps(lead)
	c.Put(path+"/json.info_0000000001", info(5051))
	d.changes(lead, "http://127.0.0.1:5051")
}

func garbage(t *testing.T, s *zktest.Server, c *zktest.Client, path string) {
	c.Put(path+"/json.info_0000000005", info(5005))
	d := detect(t, Config{Master: "zk://" + s.Address + path})
	lead := d.leads("http://127.0.0.1:5005")
	c.Put(path+"/json.info_0000000004", "{")
	d.says("WARN", "the last leader known stays", "node json.info_0000000004 is no MasterInfo")
	require.ErrorContains(t, d.Problem(), "is no MasterInfo")
	d.keeps(lead)
	_, err := c.Set(path+"/json.info_0000000004", []byte(info(5004)), -1) // nothing watches data
	require.NoError(t, err)
	d.changes(lead, "http://127.0.0.1:5004")
}

func aMissingPath(t *testing.T, s *zktest.Server, c *zktest.Client, path string) {
	d := detect(t, Config{Master: "zk://" + s.Address + path + "/not/yet"})
	d.says("WARN", "no leader is known yet", "list "+path+"/not/yet", "node does not exist")
	_, err := d.Leader(t.Context())
	require.ErrorIs(t, err, zk.ErrNoNode, "it is told at once")
	require.ErrorContains(t, err, "no leading master is known yet")
	c.Put(path+"/not", "")
	c.Put(path+"/not/yet", "")
	c.Put(path+"/not/yet/json.info_0000000000", info(5050))
	d.leads("http://127.0.0.1:5050")
}

// Nodes vanish after they were listed and before they are read; only the last one counts.
func manyChanges(t *testing.T, s *zktest.Server, c *zktest.Client, path string) {
	d := detect(t, Config{Master: "zk://" + s.Address + path})
	for i := range 300 {
		c.Put(fmt.Sprintf("%s/json.info_%010d", path, i), info(5000+i))
		if i > 0 {
			c.Remove(fmt.Sprintf("%s/json.info_%010d", path, i-1))
		}
	}
	for lead := (Lead{}); lead.URL != "http://127.0.0.1:5299"; {
		if lead.URL != "" {
			select {
			case <-lead.Changed:
			case <-time.After(deadline):
				require.Fail(t, "stuck", "at %s", lead.URL)
			}
		}
		lead = d.leader()
	}
}

func aPassword(t *testing.T, s *zktest.Server, c *zktest.Client, path string) {
	const auth = "user:pass@word:with:colons"
	require.NoError(t, c.AddAuth("digest", []byte(auth)))
	for _, node := range []string{path + "/secured", path + "/secured/json.info_0000000000"} {
		_, err := c.Create(node, []byte(info(5050)), zk.FlagPersistent, zk.DigestACL(zk.PermAll, "user", strings.TrimPrefix(auth, "user:")))
		require.NoError(t, err)
	}
	stranger := detect(t, Config{Master: "zk://" + s.Address + path + "/secured"})
	stranger.says("WARN", "list "+path+"/secured", "not authenticated")

	g := new(gate)
	d := detect(t, Config{Master: "zk://" + auth + "@" + s.Address + path + "/secured", DialContext: g.DialContext})
	lead := d.leads("http://127.0.0.1:5050")
	g.set(false) // closes the connection; the next one has to authenticate again
	_, err := c.Create(path+"/secured/json.info_-000000001", []byte(info(5051)), zk.FlagPersistent, zk.AuthACL(zk.PermAll))
	require.NoError(t, err)
	d.changes(lead, "http://127.0.0.1:5051")
	d.ends()
	require.NotContains(t, d.log.text(), "pass@word")
}

func aHangingServer(t *testing.T, s *zktest.Server, c *zktest.Client, path string) {
	c.Put(path+"/json.info_0000000000", info(5050))
	c.Put(path+"/json.info_0000000001", info(5051))
	d := detect(t, Config{Master: "zk://" + s.Address + path})
	lead := d.leads("http://127.0.0.1:5050")
	s.Signal(t, syscall.SIGSTOP)
	d.says("WARN", "the connection was lost")
	d.keeps(lead)
	s.Signal(t, syscall.SIGCONT)
	d.says("ZooKeeper works again")
	d.keeps(lead)
	s.Connect(t).Remove(path + "/json.info_0000000000")
	d.changes(lead, "http://127.0.0.1:5051")
}

func aDeadServer(t *testing.T, s *zktest.Server, c *zktest.Client, path string) {
	c.Put(path+"/json.info_0000000000", info(5050))
	c.Put(path+"/json.info_0000000001", info(5051))
	d := detect(t, Config{Master: "zk://" + s.Address + path})
	lead := d.leads("http://127.0.0.1:5050")
	s.Kill()
	d.says("WARN", "could not connect to a server", "connection refused")
	d.keeps(lead)
	s.Restart(t)
	d.says("ZooKeeper works again")
	d.keeps(lead)
	s.Connect(t).Remove(path + "/json.info_0000000000")
	d.changes(lead, "http://127.0.0.1:5051")
}

// Changes that are made while there is no connection are found with the next one, and so are later ones.
func aCutConnection(t *testing.T, s *zktest.Server, c *zktest.Client, path string) {
	for i := range 3 {
		c.Put(fmt.Sprintf("%s/json.info_%010d", path, i), info(5050+i))
	}
	g := new(gate)
	d := detect(t, Config{Master: "zk://" + s.Address + path, DialContext: g.DialContext})
	lead := d.leads("http://127.0.0.1:5050")
	g.set(true)
	d.says("WARN", "the connection was lost")
	d.says("WARN", "could not connect to a server: network is unreachable")
	c.Remove(path + "/json.info_0000000000")
	d.keeps(lead)
	g.set(false)
	lead = d.changes(lead, "http://127.0.0.1:5051")
	c.Remove(path + "/json.info_0000000001")
	d.changes(lead, "http://127.0.0.1:5052")
}

// Servers refuse a client that has seen changes which they have not.
func lostData(t *testing.T, s *zktest.Server, c *zktest.Client, path string) {
	c.Put(path+"/json.info_0000000000", info(5050))
	d := detect(t, Config{Master: "zk://" + s.Address + path})
	lead := d.leads("http://127.0.0.1:5050")
	s.Kill()
	s.Wipe(t)
	s.Restart(t)
	d.says("WARN", "list "+path, "node does not exist")
	d.keeps(lead)
	c = s.Connect(t)
	c.Put(path, "")
	c.Put(path+"/json.info_0000000000", info(5051))
	d.changes(lead, "http://127.0.0.1:5051")
}

func runEndsWhileTheServerHangs(t *testing.T, s *zktest.Server, c *zktest.Client, path string) {
	c.Put(path+"/json.info_0000000000", info(5050))
	idle := detect(t, Config{Master: "zk://" + s.Address + path})
	idle.leads("http://127.0.0.1:5050")
	asking := detect(t, Config{Master: "zk://" + s.Address + path})
	asking.leads("http://127.0.0.1:5050")
	s.Signal(t, syscall.SIGSTOP)
	defer s.Signal(t, syscall.SIGCONT)
	idle.ends()
	connecting := detect(t, Config{Master: "zk://" + s.Address + path})
	connecting.says("WARN", "could not connect") // after a handshake without an answer
	connecting.ends()
	asking.says("WARN", "the connection was lost")
	asking.ends()
	hung := detect(t, Config{Master: "zk://" + s.Address + path, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	hung.ends()
}

// A second Run goes on where the first has ended: the same leader is not reported again.
func runAgain(t *testing.T, s *zktest.Server, c *zktest.Client, path string) {
	c.Put(path+"/json.info_0000000000", info(5050))
	d := detect(t, Config{Master: "zk://" + s.Address + path})
	lead := d.leads("http://127.0.0.1:5050")
	d.ends()
	d.keeps(lead)
	<-d.done
	ctx, cancel := context.WithCancel(t.Context())
	d.stop = cancel
	go func() { d.done <- d.Run(ctx, nil) }()
	d.says("authenticated: id=")
	c.Put(path+"/json.info_-000000001", info(5049))
	d.changes(lead, "http://127.0.0.1:5049")
}
