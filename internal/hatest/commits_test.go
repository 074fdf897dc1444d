package hatest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"math/bits"
	"strings"
	"sync"
	"time"
)

// commits is what the store of a cluster has, as its leaders were told, and what it may have beside that.
type commits struct {
	violate func(kind, format string, args ...any)

	mu sync.Mutex
	// term is the newest one that has loaded or written. Epoch is the newest one on record.
	term, epoch uint64
	// known is what was acknowledged and not changed since, in doubt what writes that ended with an error may have made
	// of it: each value that a record may have. Nil is no record.
	known   map[string][]byte
	inDoubt map[string][][]byte
	// tasks is what was committed of each task at any time.
	tasks map[string]*committed
	// recent are the newest commits, the oldest first.
	recent []commit
}

type commit struct {
	at  time.Time
	was map[string][]byte // what the records were before
}

// committed is what was committed of a task.
type committed struct {
	exists   bool
	state    string
	agents   map[string]bool // on which it was to be launched
	uuids    map[uint64]bool
	terminal bool
}

func newCommits(violate func(kind, format string, args ...any)) *commits {
	return &commits{violate: violate, known: map[string][]byte{}, inDoubt: map[string][][]byte{}, tasks: map[string]*committed{}}
}

// began notes that a write of a term has begun: it may be made, whatever it returns.
func (c *commits) began(term uint64, changes map[string][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if term < c.term {
		return // it is refused
	}
	c.term = term
	for key, value := range changes {
		c.inDoubt[key] = append(c.inDoubt[key], value)
	}
}

// acknowledged notes that a scheduler was told that its write is durable.
func (c *commits) acknowledged(term uint64, changes map[string][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if term < c.term {
		c.violate("I7", "a write of term %d is acknowledged in term %d", term, c.term)
		return
	}
	was := map[string][]byte{}
	for key, value := range changes {
		was[key] = c.known[key]
		if value == nil {
			delete(c.known, key)
		} else {
			c.known[key] = value
		}
		delete(c.inDoubt, key) // writes come one after the other
	}
	c.recent = append(c.recent, commit{time.Now(), was})
	c.recent = c.recent[max(0, len(c.recent)-50):]
}

// stale returns what a member would find that has not heard of what was committed last, and does not wait for it.
func (c *commits) stale(records map[string][]byte) map[string][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	records = maps.Clone(records)
	for i := len(c.recent) - 1; i >= 0 && c.recent[len(c.recent)-1].at.Sub(c.recent[i].at) < heartbeat; i-- {
		for key, value := range c.recent[i].was {
			if records[key] = value; value == nil {
				delete(records, key)
			}
		}
	}
	return records
}

// heartbeat is the time until followers hear of what is committed, at the latest.
const heartbeat = 50 * time.Millisecond

// loaded checks what a term has found.
func (c *commits) loaded(term uint64, records map[string][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if term < c.term {
		c.violate("I7", "term %d loads in term %d", term, c.term)
		return
	}
	c.term = term
	all := maps.Clone(c.known)
	maps.Copy(all, records)
	for key := range c.inDoubt {
		all[key] = nil
	}
	for key := range all {
		if !c.mayBe(key, records[key]) {
			c.violate("I7", "term %d finds %q as %.300s, acknowledged was %.300s", term, key, records[key], c.known[key])
		}
	}
	c.known, c.inDoubt = maps.Clone(records), map[string][][]byte{}
}

func (c *commits) mayBe(key string, value []byte) bool {
	same := func(other []byte) bool { return (other == nil) == (value == nil) && bytes.Equal(other, value) }
	if same(c.known[key]) {
		return true
	}
	for _, other := range c.inDoubt[key] {
		if same(other) {
			return true
		}
	}
	return false
}

// stored is what a record has that is checked.
type stored struct {
	State string              `json:"state"`
	Agent struct{ ID string } `json:"agent"`
	UUIDs []uint64            `json:"uuids"`
	Term  uint64              `json:"term"` // of the framework's
}

// made notes changes that were truly made: by a commit, or before a term has loaded them.
func (c *commits) made(changes map[string][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, value := range changes {
		var s stored
		if value != nil {
			if err := json.Unmarshal(value, &s); err != nil {
				c.violate("store", "record %q is %s: %v", key, value, err)
			}
		}
		if key == "framework" {
			if s.Term < c.epoch {
				c.violate("I5", "term %d is on record after term %d", s.Term, c.epoch)
			}
			c.epoch = max(c.epoch, s.Term)
		}
		if id, is := strings.CutPrefix(key, "task/"); is {
			c.task(id, value != nil, s)
		}
	}
}

func (c *commits) task(id string, exists bool, s stored) {
	t := c.tasks[id]
	if t == nil {
		t = &committed{agents: map[string]bool{}, uuids: map[uint64]bool{}}
		c.tasks[id] = t
	}
	if t.exists = exists; !exists {
		return
	}
	t.state = s.State
	switch s.State {
	case "staging":
		t.agents[s.Agent.ID] = true
	case "finished", "failed", "killed", "lost", "error", "dropped", "gone", "gone by operator":
		t.terminal = true
	}
	for _, u := range s.UUIDs {
		t.uuids[u] = true
	}
}

// of returns what was committed of a task.
func (c *commits) of(id string) committed {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.tasks[id]; t != nil {
		return committed{t.exists, t.state, maps.Clone(t.agents), maps.Clone(t.uuids), t.terminal}
	}
	return committed{}
}

// fold returns 64 bits of a uuid, as records have them.
func fold(uuid []byte) uint64 {
	var whole [16]byte
	copy(whole[:], uuid)
	first, second := binary.BigEndian.Uint64(whole[:8]), binary.BigEndian.Uint64(whole[8:])
	return max(1, first^bits.RotateLeft64(second, 1))
}
