package scheduler

import (
	"errors"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// disk is the store of a checker's machine.
type disk struct {
	records map[string][]byte
	writing []change        // what is left of the writing under way
	begun   int             // number of the last writing
	stored  map[string]int  // by task, the last writing that stored it
	need    map[string]need // by uuid
}

// need is the first write that must have an update.
type need struct {
	id    string
	begun int
}

func newDisk() *disk {
	return &disk{records: map[string][]byte{}, stored: map[string]int{}, need: map[string]need{}}
}

func (c *checker) beginWriting(a store) {
	require.NotNil(c.t, c.disk, "a writing without a store")
	require.Empty(c.t, c.disk.writing, "two writings at a time")
	c.disk.begun++
	c.disk.writing = slices.Clone(a.changes)
	require.NotEmpty(c.t, c.disk.writing)
	require.False(c.t, c.disk.writing[0].joined)
}

// finishWriting ends the write under way, or a part of it: the next records, and those joined to them. It may have an
// effect or not, and report success or not.
func (c *checker) finishWriting(records int, effect, success bool) {
	if c.disk == nil || len(c.disk.writing) == 0 || c.machine.conn.phase == stopped {
		return
	}
	records = min(records, len(c.disk.writing))
	for records < len(c.disk.writing) && c.disk.writing[records].joined {
		records++
	}
	part := c.disk.writing[:records]
	if effect {
		changed, err := encodeChanges(part)
		require.NoError(c.t, err)
		for key, value := range changed {
			if value == nil {
				delete(c.disk.records, key)
			} else {
				c.disk.records[key] = value
			}
		}
	}
	if !success {
		c.disk.writing = nil
		c.feed(stored{err: errors.New("no")})
		return
	}
	c.disk.writing = c.disk.writing[records:]
	for _, change := range part {
		c.disk.stored[change.id] = c.disk.begun
	}
	c.feed(stored{records: records})
	c.checkLeft()
}

// checkLeft compares what is left of tasks that have ended with what the store has, if that has everything.
func (c *checker) checkLeft() {
	if c.machine.storage.journal.Pending() {
		return
	}
	ended, err := record.DecodeEnded(c.disk.records)
	require.NoError(c.t, err)
	require.Len(c.t, c.machine.tasks.remembered.tasks, len(ended))
	for _, e := range ended {
		require.Equal(c.t, &e, c.machine.tasks.remembered.record(e.ID))
	}
	_, tasks, err := record.Decode(c.disk.records)
	require.NoError(c.t, err)
	require.Len(c.t, c.machine.tasks.byID, len(tasks))
}

// checkRecorded looks at what is on record when SUBSCRIBE is made.
func (c *checker) checkRecorded(call *scheduler.Call) {
	if c.disk == nil {
		return
	}
	f, _, err := record.Decode(c.disk.records)
	require.NoError(c.t, err)
	labels := call.GetSubscribe().GetFrameworkInfo().GetLabels().GetLabels()
	if call.FrameworkID == nil || f.State == record.Registering { // the ID may not be stored yet
		require.Equal(c.t, record.Registering, f.State)
		require.Len(c.t, labels, 1)
		require.Equal(c.t, f.Nonce, labels[0].GetValue())
	}
	if f.ID != "" && f.ID == call.GetFrameworkID().GetValue() && f.Equal(c.machine.storage.durable) {
		require.Empty(c.t, labels)
	}
	if term := c.machine.settings.term; term > 0 {
		require.Equal(c.t, term, f.Term)
		require.Equal(c.t, call.GetFrameworkID().GetValue(), f.ID)
	}
}

// restart makes a new machine from what was written.
func (c *checker) restart() {
	if c.disk == nil {
		return
	}
	framework, tasks, err := record.Decode(c.disk.records)
	require.NoError(c.t, err)
	before := c.machine
	c.machine = newMachine(before.settings)
	c.machine.conn.stream = before.conn.stream // so that old calls stay old
	ended, err := record.DecodeEnded(c.disk.records)
	require.NoError(c.t, err)
	c.machine.restore(framework, tasks, ended)
	c.disk.writing, c.open, c.sent, c.arrived = nil, false, nil, nil
	clear(c.offers)
	clear(c.inMaintenance) // the master asks again
	clear(c.told)
	c.version, c.lagged = 0, false
	for id := range c.machine.tasks.byID {
		c.told[id] = true // they are listed anew
	}
	for _, s := range tasks {
		c.pending[s.Info.Spec.ID] = s.Info.State == task.StatePending
	}
}

// expectWriting notes an update that is about to arrive: the next write to begin must have it, or a
// later one if that fails.
func (c *checker) expectWriting(status mesos.TaskStatus) {
	if c.disk == nil || !c.open {
		return
	}
	uuid := string(status.UUID)
	if _, again := c.disk.need[uuid]; again {
		return
	}
	c.disk.need[uuid] = need{} // of a task that is not on record there is nothing to write
	if e := c.machine.tasks.byID[status.TaskID.Value]; e != nil && !e.Info.State.Terminal() {
		c.disk.need[uuid] = need{e.Info.Spec.ID, c.disk.begun + 1}
	}
}

func (c *checker) checkAcknowledged(uuid []byte) {
	if c.disk != nil {
		need := c.disk.need[string(uuid)]
		require.GreaterOrEqual(c.t, c.disk.stored[need.id], need.begun, "acknowledged before it was stored")
	}
}

// checkStored looks at the record of a task in the store, unless the task is not on record at all.
func (c *checker) checkStored(id string, good func(record.Task) bool) {
	if c.disk == nil || c.machine.tasks.byID[id] == nil || c.machine.tasks.byID[id].Info.State.Terminal() {
		return
	}
	require.Contains(c.t, c.disk.records, record.FrameworkKey)
	require.Contains(c.t, c.disk.records, record.TaskKey(id))
	_, tasks, err := record.Decode(map[string][]byte{
		record.SpecKey(id): c.disk.records[record.SpecKey(id)], record.TaskKey(id): c.disk.records[record.TaskKey(id)],
	})
	require.NoError(c.t, err)
	require.True(c.t, good(tasks[0]), "the store has %s %v", id, tasks[0].Info.State)
}
