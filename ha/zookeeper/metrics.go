package zookeeper

import "github.com/mesos-actor/mesos-actor-go/ha"

// Metrics returns the present numbers, see [ha.Measured].
func (e *Elector) Metrics() ha.Metrics {
	of := &ha.ZooKeeperMetrics{Sessions: e.sessions.Load()}
	if s := e.session.Load(); s != nil {
		of.Connected = s.now().connected
	}
	e.board.mu.Lock()
	defer e.board.mu.Unlock()
	return ha.Metrics{LeaderChanges: e.board.changes, ZooKeeper: of}
}
