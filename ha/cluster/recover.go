package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/raft"
)

// Recover makes the member of a directory the only voter of its cluster. It is for the case that a majority of the
// voters is lost for good, with their directories. The operator calls it once, for one directory, while no member uses
// it. What the lost members had stored and this one had not received is lost; what this one had received counts as
// stored, even without a majority. If several directories are left, use the one for which Recover returns the highest
// LastIndex with dry. Then start the member, which has a new ID, and the others with empty directories: they join it.
// Members that were lost must not come back with their old directories: they are not taken in, and could elect a leader
// of their own.
//
// With dry it changes nothing and returns what the directory has. Errors: those of opening the directory, see
// [Member.Run], and an error for a directory in which no cluster was ever seen.
func Recover(c Config, dry bool) (found Recovery, err error) {
	if c.Dir == "" {
		return Recovery{}, &ConfigError{"Dir", "", "is required to recover a cluster"}
	}
	if c, err = c.normalize(); err != nil {
		return Recovery{}, err
	}
	if _, err := os.Stat(filepath.Join(c.Dir, logFile)); err != nil { // it would be made
		return Recovery{}, fmt.Errorf("ha/cluster: %w", err)
	}
	s, err := openStores(&c, c.Logger)
	if err != nil {
		return Recovery{}, err
	}
	defer func() { err = errors.Join(err, s.file.Close()) }()
	_, trans := raft.NewInmemTransport("")
	config := raftConfig(s.id, presets()[c.Preset], c.Logger)
	reading := *config // to which it writes
	configuration, err := raft.GetConfiguration(&reading, newState(), s.log, s.stable, s.snapshots, trans)
	if err != nil {
		return Recovery{}, fmt.Errorf("ha/cluster: read %s: %w", c.Dir, err)
	}
	last, err := lastIndex(s)
	if err != nil {
		return Recovery{}, err
	}
	found = Recovery{ID: s.id, LastIndex: last}
	for _, server := range configuration.Servers {
		found.Members = append(found.Members, string(server.ID))
	}
	switch {
	case len(found.Members) == 0:
		return found, fmt.Errorf("ha/cluster: %s: no cluster was seen there", c.Dir)
	case dry:
		return found, nil
	}
	// With its old ID those that are lost would take it for one of theirs if they came back.
	found.ID = newID(s.id[:max(0, strings.LastIndexByte(s.id, '-'))])
	if err := s.file.employ(found.ID); err != nil {
		return found, fmt.Errorf("ha/cluster: recover %s: %w", c.Dir, err)
	}
	alone := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(found.ID), Address: serverAddress(found.ID, c.RaftAdvertise)}}}
	state := &recovered{state: newState(), as: pickOf([]string{found.ID})}
	if err := raft.RecoverCluster(config, state, s.log, s.stable, s.snapshots, trans, alone); err != nil {
		return found, fmt.Errorf("ha/cluster: recover %s: %w", c.Dir, err)
	}
	found.Records = len(state.records)
	return found, nil
}

// recovered is the state of a cluster that is recovered: from now on it is another one, to which members of the old one are
// strangers.
type recovered struct {
	*state
	as uint64
}

// Snapshot is called when all entries were applied.
func (r *recovered) Snapshot() (raft.FSMSnapshot, error) {
	r.origin = r.as
	return r.state.Snapshot()
}

// Recovery is what [Recover] found in a directory.
type Recovery struct {
	// ID is the ID of the member, a new one when the cluster was recovered. Members are the IDs of all members of the cluster.
	ID      string   `json:"id"`
	Members []string `json:"members"`
	// LastIndex is the index of the last entry of the log.
	LastIndex uint64 `json:"lastIndex"`
	// Records is how many records there are. It is known only when the cluster was recovered.
	Records int `json:"records"`
}

// lastIndex returns the index of the last entry that a log or a snapshot has.
func lastIndex(s *stores) (uint64, error) {
	last, err := s.log.LastIndex()
	if err != nil {
		return 0, fmt.Errorf("ha/cluster: read the log: %w", err)
	}
	snapshots, err := s.snapshots.List()
	if err != nil {
		return 0, fmt.Errorf("ha/cluster: read the snapshots: %w", err)
	}
	for _, snapshot := range snapshots {
		last = max(last, snapshot.Index)
	}
	return last, nil
}
