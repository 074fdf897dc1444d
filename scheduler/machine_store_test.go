package scheduler

import (
	"errors"
	"slices"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// disk is what a checker's machine has written, in the form in which a store keeps it.
type disk struct {
	records map[string][]byte
	writing []change        // what is left of the writing under way
	begun   int             // number of the last writing
	stored  map[string]int  // by task, the last writing that stored it
	need    map[string]need // by uuid
}

// need is the writing that has an update, or one after it.
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

// finishWriting ends the writing under way, or the next so many records of it, with the members of a pod: with
// or without effect, and saying so or not.
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
}

// restart loses everything but what was written.
func (c *checker) restart() {
	if c.disk == nil {
		return
	}
	framework, tasks, err := decodeRecords(c.disk.records)
	require.NoError(c.t, err)
	before := c.machine
	c.machine = newMachine(before.settings)
	c.machine.conn.stream = before.conn.stream // so that old calls stay old
	c.machine.restore(framework, tasks)
	c.disk.writing, c.open, c.sent, c.arrived = nil, false, nil, nil
	clear(c.offers)
	clear(c.promised) // the master asks again
	for _, s := range tasks {
		c.pending[s.info.Spec.ID] = s.info.State == task.Pending
	}
}

// expectWriting notes an update that is about to arrive: the next writing to begin has it, or one
// after that if it fails.
func (c *checker) expectWriting(status mesos.TaskStatus) {
	if c.disk == nil || !c.open {
		return
	}
	uuid := string(status.UUID)
	if _, again := c.disk.need[uuid]; again {
		return
	}
	c.disk.need[uuid] = need{} // of a task that is not on record there is nothing to write
	if r := c.machine.tasks.byID[status.TaskID.Value]; r != nil && !r.info.State.Terminal() {
		c.disk.need[uuid] = need{r.info.Spec.ID, c.disk.begun + 1}
	}
}

func (c *checker) checkAcknowledged(uuid []byte) {
	if c.disk != nil {
		need := c.disk.need[string(uuid)]
		require.GreaterOrEqual(c.t, c.disk.stored[need.id], need.begun, "acknowledged before it was stored")
	}
}

// checkStored looks at the record of a task in the store, unless the task is not on record at all.
func (c *checker) checkStored(id string, good func(saved) bool) {
	if c.disk == nil || c.machine.tasks.byID[id] == nil || c.machine.tasks.byID[id].info.State.Terminal() {
		return
	}
	require.Contains(c.t, c.disk.records, frameworkKey)
	require.Contains(c.t, c.disk.records, taskPrefix+id)
	s, err := decodeTask(c.disk.records[taskPrefix+id])
	require.NoError(c.t, err)
	require.True(c.t, good(s), "the store has %s %v", id, s.info.State)
}

// What is written is what is read, whatever a task may hold.
func TestRecords(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 123, time.UTC)
	full := saved{
		info: task.Info{
			Spec: task.Spec{
				ID: "a/b c\x00ü", Name: "n", CPUs: 0.1, Ports: []task.Port{{Container: 80}},
				Container:   &task.Container{Image: "i", Parameters: []task.Parameter{{Key: "k", Value: "v"}}},
				Command:     task.Command{Argv: []string{"x"}, Env: map[string]string{"A": "b"}},
				Constraints: []task.Constraint{{Attribute: "rack", Operator: task.Like, Value: "r.*"}},
				HealthCheck: &task.HealthCheck{Interval: time.Second}, Labels: map[string]string{"l": "m"},
			},
			State: task.Running, AgentID: "a1", Hostname: "h", HostPorts: []uint16{31000}, Healthy: proto(false),
			Status: &mesos.TaskStatus{
				TaskID: mesos.TaskID{Value: "a"}, State: mesos.TASK_RUNNING.Enum(), UUID: []byte("0123456789abcdef"),
				Data: []byte{0, 255}, Message: proto("m"),
			},
			Submitted: at, Updated: at.Add(time.Second),
		},
		agent: &task.Agent{ID: "a1", Hostname: "h", Region: "eu", Zone: "eu-1", Attributes: []mesos.Attribute{
			{Name: "rack", Type: mesos.TEXT, Text: &mesos.Value_Text{Value: "r1"}},
			{Name: "slots", Type: mesos.RANGES, Ranges: &mesos.Value_Ranges{Range: []mesos.Value_Range{{Begin: 1, End: 4}}}},
		}},
		serial: 7, lost: 2, confirmed: true, killing: true, unknownSince: at,
	}
	full.uuids.seen([]byte("0123456789abcdef"))
	full.uuids.seen([]byte("fedcba9876543210"))
	for name, s := range map[string]saved{"full": full, "empty": {info: task.Info{Spec: task.Spec{ID: "a"}}}} {
		t.Run(name, func(t *testing.T) {
			records, err := encodeChanges([]change{{framework: "fw"}, {id: s.info.Spec.ID, task: &s}, {id: "gone"}})
			require.NoError(t, err)
			require.Len(t, records, 3)
			require.Nil(t, records["task/gone"])
			delete(records, "task/gone")
			records["somebody else's"] = []byte("?")
			framework, tasks, err := decodeRecords(records)
			require.NoError(t, err)
			require.Equal(t, "fw", framework)
			require.Equal(t, []saved{s}, tasks)
		})
	}
}

// A record that makes no sense is named.
func TestBadRecords(t *testing.T) {
	for reason, record := range map[string][2]string{
		"not JSON":             {"task/a", "?"},
		"a later version":      {"task/a", `{"Version":2,"Spec":{"ID":"a"},"State":"running"}`},
		"no version":           {"task/a", `{"Spec":{"ID":"a"},"State":"running"}`},
		"an unknown state":     {"task/a", `{"Version":1,"Spec":{"ID":"a"},"State":"resting"}`},
		"another task":         {"task/a", `{"Version":1,"Spec":{"ID":"b"},"State":"running"}`},
		"a status cut off":     {"task/a", `{"Version":1,"Spec":{"ID":"a"},"State":"running","Status":"CgM="}`},
		"an attribute cut off": {"task/a", `{"Version":1,"Spec":{"ID":"a"},"State":"running","AgentID":"a1","Attributes":["CgM="]}`},
		"a framework of later": {"framework", `{"Version":2,"ID":"fw"}`},
		"no framework ID":      {"framework", `{"Version":1}`},
	} {
		t.Run(reason, func(t *testing.T) {
			_, _, err := decodeRecords(map[string][]byte{record[0]: []byte(record[1])})
			var bad *RecordError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, record[0], bad.Key)
			require.Contains(t, err.Error(), record[0])
		})
	}
}

func TestRecent(t *testing.T) {
	var r recent
	uuid := func(n byte) []byte { return append(make([]byte, 15), n) }
	require.False(t, r.seen(nil), "no uuid is never a repetition")
	require.False(t, r.seen(nil))
	for n := byte(1); n <= 5; n++ {
		require.False(t, r.seen(uuid(n)))
		require.True(t, r.seen(uuid(n)))
	}
	require.True(t, r.seen(uuid(2)))
	require.False(t, r.seen(uuid(1)), "four are remembered")
	r = recent{}
	for _, odd := range []string{"aaaaaaaaaaaaaaaa", string(make([]byte, 16)), "short", "longer than any uuid is"} {
		require.False(t, r.seen([]byte(odd)))
		require.True(t, r.seen([]byte(odd)))
	}
}
