package mesostest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// node is a place in the election. It outlives its owner until the session ends.
type node struct {
	sequence int
	owner    *incarnation
	expiry   *timer // runs while the owner is dead or frozen
}

// belief is what a master believes of the election; the HTTP side reads it.
type belief struct {
	leader     string // "host:port", "" when none is known
	leads      bool   // it is this one
	recovering bool   // and not yet of use
	thaw       <-chan struct{}
}

// Candidate is a node in the election of the leader, as ZooKeeper holds it under json.info_SEQUENCE.
type Candidate struct {
	Sequence int    // the smallest leads, even if its master is dead
	Info     []byte // the master's MasterInfo as JSON
}

// join adds a node for a process to the election.
func (m *Master) join(p *incarnation) {
	m.sequence++
	p.node = &node{sequence: m.sequence, owner: p}
	m.nodes = append(m.nodes, p.node)
}

// leave lets the node of a dead or frozen process live until its session ends. Where there
// is but one master nobody else waits for that.
func (m *Master) leave(n *node) {
	switch {
	case n == nil || n.expiry != nil:
	case len(m.contenders) == 1 && n.owner.contender.frozen == nil:
		m.expire(n)
	case len(m.contenders) > 1:
		n.expiry = m.after(m.config.SessionTimeout, func() {
			m.expire(n)
			m.elect()
		})
	}
}

// expire removes a node. A frozen leader leads no longer, though it does not know.
func (m *Master) expire(n *node) {
	n.expiry.stop()
	n.owner.node = nil
	m.nodes = slices.DeleteFunc(m.nodes, func(other *node) bool { return other == n })
	if m.leading == n.owner {
		m.forget()
	}
}

// elect makes the owner of the first node the leader.
func (m *Master) elect() {
	if m.zookeeperLost == nil && len(m.nodes) > 0 {
		first := m.nodes[0].owner
		if c := first.contender; first != m.leading && c.running == first && c.frozen == nil {
			m.lead(first)
		}
	}
	if m.leading != nil && !m.ready && m.recovery == nil {
		m.recover()
	}
	if m.candidates != nil {
		m.candidates(m.candidateList())
	}
	m.publish()
}

// publish lets every process know the leader. One that has no session knows none.
func (m *Master) publish() {
	leader := ""
	if len(m.nodes) > 0 {
		info := &m.nodes[0].owner.info
		leader = info.GetHostname() + ":" + strconv.Itoa(int(info.GetPort()))
	}
	for _, c := range m.contenders {
		if p := c.running; p != nil {
			s := &belief{leads: p == m.leading, recovering: !m.ready, thaw: c.frozen}
			if p.node != nil {
				s.leader = leader
			}
			p.belief.Store(s)
		}
	}
}

func (m *Master) candidateList() []Candidate {
	list := make([]Candidate, 0, len(m.nodes))
	for _, n := range m.nodes {
		list = append(list, Candidate{Sequence: n.sequence, Info: wirejson.Encode(&n.owner.info)})
	}
	return list
}

// WatchElection calls f with the nodes of the election, now and whenever they may have changed, so
// that a test can show them to a client as ZooKeeper would. It runs on the master's loop:
// it must not block, and must not call methods of the Master. nil ends it.
func (m *Master) WatchElection(f func([]Candidate)) {
	m.must(func() {
		if m.candidates = f; f != nil {
			f(m.candidateList())
		}
	})
}

// LoseZooKeeper takes ZooKeeper away from all masters. After Config.SessionTimeout the leader
// ends, and the others know no leader until ReturnZooKeeper.
func (m *Master) LoseZooKeeper() {
	m.must(func() {
		if m.zookeeperLost != nil {
			return
		}
		m.zookeeperLost = m.after(m.config.SessionTimeout, func() {
			if p := m.leading; p != nil {
				m.end(p)
			}
			for _, n := range slices.Clone(m.nodes) {
				m.expire(n)
			}
			m.elect()
		})
	})
}

// ReturnZooKeeper brings ZooKeeper back. Masters that lost their session meanwhile contend
// again, in their order.
func (m *Master) ReturnZooKeeper() {
	m.must(func() {
		m.zookeeperLost.stop()
		m.zookeeperLost = nil
		for _, c := range m.contenders {
			if p := c.running; p != nil && p.node == nil && c.frozen == nil {
				m.join(p)
			}
		}
		m.elect()
	})
}

// thawed waits as long as the process that received the request is frozen; it is not ok when the
// client left before.
func thawed(r *http.Request) (ok bool) {
	p, ok := r.Context().Value(incarnationKey{}).(*incarnation)
	if !ok {
		return true
	}
	for s := p.belief.Load(); s.thaw != nil; s = p.belief.Load() {
		select {
		case <-s.thaw:
		case <-r.Context().Done():
			return false
		}
	}
	return true
}

// elsewhere answers what a master that does not lead does not serve itself, and reports whether it did.
// Some things every master serves; one that is frozen nothing.
func elsewhere(w http.ResponseWriter, r *http.Request, path string) bool {
	p, ok := r.Context().Value(incarnationKey{}).(*incarnation)
	if !ok || path == "" {
		return false
	}
	s := p.belief.Load()
	switch {
	case slices.Contains([]string{"/", "/health", "/version", "/flags", "/metrics/snapshot"}, path):
		return false
	case s.leader == "":
		answer(w, http.StatusServiceUnavailable, "No leader elected")
	case path == "/redirect" && strings.TrimPrefix(r.URL.Path, "/master") != path:
		answer(w, http.StatusNotFound, "404 Not Found.")
	case path == "/redirect":
		redirect(w, "//"+s.leader)
	case !s.leads:
		location := "//" + s.leader + "/master" + strings.TrimPrefix(r.URL.EscapedPath(), "/master")
		if r.URL.RawQuery != "" {
			location += "?" + r.URL.RawQuery
		}
		redirect(w, location)
	case s.recovering && strings.HasPrefix(path, "/api/v1"):
		answer(w, http.StatusServiceUnavailable, "Master has not finished recovery")
	default:
		return false
	}
	return true
}

func redirect(w http.ResponseWriter, location string) {
	w.Header().Set("Location", location)
	answer(w, http.StatusTemporaryRedirect, "")
}
