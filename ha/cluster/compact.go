package cluster

import "time"

// logged is what the log has grown by since the last snapshot.
type logged struct {
	entries uint64
	bytes   int
}

// entryCost is about what the log has to keep for each entry beside its data.
const entryCost = 256

// grown returns by how much the log has grown, and how many bytes the records have.
func (s *state) grown() (logged, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logged, s.size
}

// grow adds to what the log has grown by. The mutex is held.
func (s *state) grow(by logged) {
	const some = 1 << 20
	was := s.logged.bytes
	s.logged.entries += by.entries
	s.logged.bytes += by.bytes
	if was/some != s.logged.bytes/some {
		signal(s.grew)
	}
}

// compact has Raft take a snapshot and drop older entries when the log has grown enough. Raft itself would count entries,
// which have 50 bytes or half a megabyte. In memory, where a snapshot costs next to nothing, the log is kept
// shorter than the records. On a disk a snapshot is all records once more: there should be as many bytes of new entries.
func (m *maintainer) compact() {
	select {
	case err := <-m.compacted:
		if m.compacted = nil; err != nil {
			m.log.Warn("A snapshot could not be taken", "error", err)
			m.retry = time.Now().Add(retryAfter)
		}
	default:
	}
	now, size := m.state.grown()
	enough := max(64<<20, size)
	if m.file == nil {
		enough = max(m.config.leastLog, size/4)
	}
	if m.compacted != nil || now.bytes < enough || time.Now().Before(m.retry) {
		return
	}
	// Half of it stays, for members that are a little behind.
	config := m.raft.ReloadableConfig()
	config.TrailingLogs = max(16, now.entries/2)
	if err := m.raft.ReloadConfig(config); err != nil {
		m.log.Error("The log cannot be compacted", "error", err)
		return
	}
	done := make(chan error, 1)
	m.compacted = done
	m.calls.Go(func() {
		err := m.raft.Snapshot().Error()
		if err != nil {
			m.state.mu.Lock()
			m.state.grow(now) // it is as long as before
			m.state.mu.Unlock()
		}
		done <- err
	})
}

// retryAfter is when another snapshot is tried after one failed, as on a full disk.
const retryAfter = 10 * time.Second
