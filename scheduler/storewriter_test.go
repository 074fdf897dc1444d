package scheduler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// changeOf is a change of a task, new or not. Its message has some bytes.
func changeOf(id string, isNew, joined bool, message int) change {
	status := &mesos.TaskStatus{TaskID: mesos.TaskID{Value: id}, State: mesos.TASK_RUNNING.Enum()}
	if text := strings.Repeat("x", message); message > 0 {
		status.Message, status.Data = &text, []byte(text)
	}
	return change{id: id, joined: joined, task: &record.Task{
		SpecStored: !isNew,
		Info: record.NewInfo(task.Info{
			Spec: task.Spec{ID: id, CPUs: 1, Mem: 32}, State: task.StateRunning, Submitted: time.Unix(1, 0), Updated: time.Unix(2, 0),
			Status: status,
		}),
	}}
}

// TestCut: the first of the changes that make a batch, with the sizes of all batches that follow.
func TestCut(t *testing.T) {
	isNew := func(id string) change { return changeOf(id, true, false, 0) }
	old := func(id string) change { return changeOf(id, false, false, 0) }
	mate := func(id string) change { return changeOf(id, true, true, 0) }
	gone := func(id string) change { return change{id: id} }
	left := func(id string) change { return change{id: id, ended: &record.Ended{ID: id, State: task.StateFinished}} }
	size := func(changes ...change) int {
		records, err := encodeChanges(changes)
		require.NoError(t, err)
		return sizeOf(records)
	}
	one, long := size(isNew("a")), changeOf("b", false, false, 3600)
	for name, c := range map[string]struct {
		limit   batchLimit
		changes []change
		want    []int // changes by batch
	}{
		"without limit":                  {batchLimit{}, []change{isNew("a"), isNew("b"), gone("c"), {framework: record.Framework{State: record.Active, ID: "f"}}}, []int{4}},
		"two records each":               {batchLimit{records: 4}, []change{isNew("a"), isNew("b"), isNew("c")}, []int{2, 1}},
		"one record each":                {batchLimit{records: 2}, []change{old("a"), old("b"), old("c")}, []int{2, 1}},
		"an odd limit":                   {batchLimit{records: 3}, []change{isNew("a"), old("b"), isNew("c"), isNew("d"), old("e")}, []int{2, 1, 2}},
		"one may not overtake another":   {batchLimit{records: 3}, []change{isNew("a"), isNew("b"), old("c")}, []int{1, 2}},
		"a limit smaller than a task":    {batchLimit{records: 1}, []change{isNew("a"), old("b"), old("c"), gone("d"), {framework: record.Framework{State: record.Active, ID: "f"}}}, []int{1, 1, 1, 1, 1}},
		"deletions":                      {batchLimit{records: 6}, []change{gone("a"), gone("b"), gone("c")}, []int{2, 1}},
		"only the end":                   {batchLimit{records: 6}, []change{left("a"), left("b"), left("c")}, []int{2, 1}},
		"the framework":                  {batchLimit{records: 2}, []change{{framework: record.Framework{State: record.Active, ID: "f"}}, old("a"), old("b")}, []int{2, 1}},
		"a pod fits":                     {batchLimit{records: 6}, []change{isNew("a"), isNew("p1"), mate("p2")}, []int{3}},
		"a pod is not divided":           {batchLimit{records: 5}, []change{isNew("a"), isNew("p1"), mate("p2"), isNew("b")}, []int{1, 2, 1}},
		"a pod larger than the limit":    {batchLimit{records: 2}, []change{isNew("a"), isNew("p1"), mate("p2"), mate("p3"), isNew("b")}, []int{1, 3, 1}},
		"exactly so many bytes":          {batchLimit{bytes: 2 * one}, []change{isNew("a"), isNew("b"), isNew("c"), isNew("d")}, []int{2, 2}},
		"a byte less":                    {batchLimit{bytes: 2*one - 1}, []change{isNew("a"), isNew("b"), isNew("c")}, []int{1, 1, 1}},
		"both limits, records first":     {batchLimit{records: 2, bytes: 100 * one}, []change{isNew("a"), isNew("b")}, []int{1, 1}},
		"both limits, bytes first":       {batchLimit{records: 100, bytes: one}, []change{isNew("a"), isNew("b")}, []int{1, 1}},
		"fewer bytes than a task":        {batchLimit{bytes: 1}, []change{isNew("a"), isNew("b")}, []int{1, 1}},
		"a long message that fits":       {batchLimit{bytes: 10_000}, []change{old("a"), changeOf("b", false, false, 2000), old("c")}, []int{3}},
		"a long message that fits alone": {batchLimit{bytes: size(long) + 10}, []change{old("a"), long, old("c")}, []int{1, 1, 1}},
		"a message that is too long":     {batchLimit{bytes: 10_000}, []change{old("a"), changeOf("b", false, false, 20_000), old("c")}, []int{3}},
	} {
		t.Run(name, func(t *testing.T) {
			all := map[string][]byte{}
			var got []int
			for rest := c.changes; len(rest) > 0; {
				records, n, err := c.limit.cut(rest)
				require.NoError(t, err)
				require.Positive(t, n)
				if n > 1 && !rest[1].joined {
					require.True(t, c.limit.records == 0 || len(records) <= c.limit.records)
					require.True(t, c.limit.bytes == 0 || sizeOf(records) <= c.limit.bytes)
				}
				for key, value := range records {
					require.NotContains(t, all, key)
					all[key] = value
				}
				got, rest = append(got, n), rest[n:]
			}
			require.Equal(t, c.want, got)
			want, err := encodeChanges(c.changes)
			require.NoError(t, err)
			if name == "a message that is too long" {
				want, err = encodeChanges(withoutTexts(c.changes[1:2]))
				require.NoError(t, err)
				require.Equal(t, want["task/b"], all["task/b"])
				require.NotNil(t, c.changes[1].task.Info.Status().Message, "the task itself keeps it")
				return
			}
			require.Equal(t, want, all)
		})
	}
}

// TestWithoutTexts: what says why a task ended stays.
func TestWithoutTexts(t *testing.T) {
	full := changeOf("a", false, false, 100)
	status := full.task.Info.Status()
	status.Reason, status.Healthy = mesos.REASON_COMMAND_EXECUTOR_FAILED.Enum(), new(bool)
	status.Labels = &mesos.Labels{Labels: []mesos.Label{{Key: "k"}}}
	full.task.Info.SetStatus(status, nil)
	for i := range 20 {
		full.task.History = full.task.History.Add(task.Transition{
			At: time.Unix(int64(i), 0), State: task.StateRunning, AgentID: strings.Repeat("S", i), Message: strings.Repeat("x", 1000),
		}, time.Time{}, record.Place{})
	}
	require.Greater(t, len(full.task.History), 4000)
	bare := change{id: "b", task: &record.Task{}}
	short := withoutTexts([]change{full, bare, {id: "gone"}, {framework: record.Framework{State: record.Active, ID: "f"}}})
	require.Len(t, short, 4)
	got := short[0].task.Info.Status()
	require.Nil(t, got.Message)
	require.Nil(t, got.Data)
	require.Nil(t, got.Labels)
	require.Equal(t, mesos.REASON_COMMAND_EXECUTOR_FAILED, got.GetReason())
	require.NotNil(t, got.Healthy)
	require.Less(t, len(short[0].task.History), 200, "what is left of the history are states and times")
	require.Greater(t, len(full.task.History), 4000)
	require.Equal(t, mesos.TASK_RUNNING, got.GetState())
	require.Len(t, full.task.Info.Status().GetMessage(), 100, "the original is left alone")
	require.Equal(t, bare, short[1])
}

// A store that takes one or two records at once gets what is left of a task before the task is deleted, and the deletion of
// what is left after that of the task.
func TestDeletionWithALowLimit(t *testing.T) {
	e := record.Ended{ID: "a", State: task.StateFinished}
	text, err := record.EncodeEnded(e)
	require.NoError(t, err)
	before, left := map[string][]byte{"spec/a": nil, "task/a": nil}, map[string][]byte{"ended/a": text}
	whole := map[string][]byte{"spec/a": nil, "task/a": nil, "ended/a": text}
	for _, c := range []struct {
		limit  batchLimit
		change change
		want   []map[string][]byte
	}{
		{batchLimit{records: 1}, change{id: "a", ended: &e}, []map[string][]byte{left, before}},
		{batchLimit{records: 2}, change{id: "a", ended: &e}, []map[string][]byte{left, before}},
		{batchLimit{records: 3}, change{id: "a", ended: &e}, []map[string][]byte{whole}},
		{batchLimit{bytes: 10}, change{id: "a", ended: &e}, []map[string][]byte{whole}},
		{batchLimit{records: 2}, change{id: "a"}, []map[string][]byte{before, {"ended/a": nil}}},
	} {
		records, n, err := c.limit.cut([]change{c.change})
		require.NoError(t, err)
		require.Equal(t, c.want, c.limit.divide(records, c.change, n))
	}
	alive := changeOf("a", true, false, 0)
	records, n, err := batchLimit{records: 1}.cut([]change{alive})
	require.NoError(t, err)
	require.Len(t, batchLimit{records: 1}.divide(records, alive, n), 1)
}

// TestFits: what fits is cut into batches that are within the limit, whatever becomes of the task.
func TestFits(t *testing.T) {
	limit := batchLimit{bytes: 10_000}
	spec := task.Spec{ID: "a", CPUs: 1, Mem: 32, Labels: map[string]string{"text": strings.Repeat("x", 7000)}}
	require.NoError(t, limit.fitTogether([]task.Spec{spec}))
	c := changeOf("a", true, false, 5000)
	c.task.Info.Spec = record.NewSpec(spec)
	c.task.Info.HostPorts = []uint16{31000, 31001, 31002}
	c.task.Agent = &task.Agent{ID: "an-agent-of-usual-length-S0001", Hostname: "agent.example"}
	records, n, err := limit.cut([]change{c})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.LessOrEqual(t, sizeOf(records), 10_000)
	require.NoError(t, batchLimit{}.fits(&request{pod: make([]task.Spec, 1000)}), "no limit")
	require.NoError(t, batchLimit{records: 4}.fitTogether(make([]task.Spec, 2)))
	require.Error(t, batchLimit{records: 5}.fitTogether(make([]task.Spec, 3)))
	require.NoError(t, batchLimit{records: 1}.fitTogether(make([]task.Spec, 1)))
}

type limiting struct {
	Store
	records, bytes int
}

func (l limiting) BatchLimit() (records, bytes int) { return l.records, l.bytes }

func TestLimitOf(t *testing.T) {
	for _, c := range []struct {
		store Store
		want  batchLimit
	}{
		{struct{ Store }{}, batchLimit{}}, {limiting{}, batchLimit{}},
		{limiting{records: 3, bytes: 5}, batchLimit{3, 5}}, {limiting{records: -1, bytes: -7}, batchLimit{}},
	} {
		got, err := newStoreTurn(c.store, &userCode{}).limit(t.Context())
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
}

// TestAsFenced: an error is wrapped once.
func TestAsFenced(t *testing.T) {
	yes, no, plain := saying(true), saying(false), errors.New("plain")
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {plain, false}, {no, false}, {yes, true}, {&FencedError{Err: plain}, true},
		{errors.Join(plain, no, fmt.Errorf("b: %w", yes)), true},
	} {
		wrapped := asFenced(c.err)
		require.Equal(t, c.want, errors.As(wrapped, new(*FencedError)), "%v", c.err)
		if !c.want {
			require.Equal(t, c.err, wrapped)
		}
		require.Equal(t, wrapped, asFenced(wrapped), "once is enough")
	}
}

type saying bool

func (s saying) Error() string { return fmt.Sprint(bool(s)) }
func (s saying) Fenced() bool  { return bool(s) }

// TestNothingIsWrittenAfterTheEnd: not even by a store that does not look at its context.
func TestNothingIsWrittenAfterTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := errors.New("the term has ended")
	cancel(ended)
	require.ErrorIs(t, newStoreTurn(limiting{}, &userCode{}).apply(ctx, nil), ended) // whose Apply would panic
}
