package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func alone(string) []string { return nil }

func actions(waiting []Waiting[string]) []string {
	var all []string
	for _, w := range waiting {
		all = append(all, w.Action)
	}
	return all
}

func TestNothingToWaitFor(t *testing.T) {
	var j Journal[string]
	require.Zero(t, j.Add(began, "a"))
	require.False(t, j.Pending())
	_, ok := j.Deadline()
	require.False(t, ok)
	require.Empty(t, j.Begin(began, alone))
}

func TestWrittenOnceAndOldestFirst(t *testing.T) {
	var j Journal[string]
	for _, key := range []string{"b", "a", "b", "c"} {
		j.Touch(key)
	}
	require.Equal(t, 1, j.Add(began, "first"))
	require.Equal(t, []Key{{Key: "b"}, {Key: "a"}, {Key: "c"}}, j.Begin(began, alone))

	j.Touch("a") // again, while it is being written
	require.Equal(t, 2, j.Add(began.Add(time.Second), "second"))
	require.Empty(t, j.Begin(began, alone), "one writing at a time")

	keys, released := j.Stored(3)
	require.Equal(t, []string{"b", "a", "c"}, keys)
	require.Equal(t, []Waiting[string]{{Since: began, Action: "first", Number: 1, after: 3}}, released)

	require.Equal(t, []Key{{Key: "a"}}, j.Begin(began, alone))
	_, released = j.Stored(1)
	require.Equal(t, []string{"second"}, actions(released))
	require.False(t, j.Pending())
}

// TestParts stores a write in parts: actions that wait for the records of a part are released with it.
func TestParts(t *testing.T) {
	var j Journal[string]
	for _, key := range []string{"a", "b", "c"} {
		j.Touch(key)
		require.NotZero(t, j.Add(began, key+" is stored"))
	}
	require.Len(t, j.Begin(began, alone), 3)
	_, released := j.Stored(2)
	require.Equal(t, []string{"a is stored", "b is stored"}, actions(released))
	_, ok := j.Deadline()
	require.False(t, ok, "the rest is still under way")
	keys, released := j.Stored(5)
	require.Equal(t, []string{"c"}, keys)
	require.Equal(t, []string{"c is stored"}, actions(released))
}

func TestTogether(t *testing.T) {
	var j Journal[string]
	pod := []string{"p1", "p2", "p3"}
	together := func(key string) []string {
		if slices.Contains(pod, key) {
			return pod
		}
		return nil
	}
	for _, key := range []string{"a", "p3", "b", "p1"} {
		j.Touch(key)
		require.NotZero(t, j.Add(began, key))
	}
	require.Equal(t, []Key{{Key: "a"}, {Key: "p1"}, {Key: "p3", Joined: true}, {Key: "b"}}, j.Begin(began, together))
	_, released := j.Stored(1)
	require.Equal(t, []string{"a"}, actions(released))
	_, released = j.Stored(2)
	require.Equal(t, []string{"p3"}, actions(released), "what waits for p1 waits for b, which changed before it")
	_, released = j.Stored(1)
	require.Equal(t, []string{"b", "p1"}, actions(released))
}

func TestFailure(t *testing.T) {
	var j Journal[string]
	j.Touch("a")
	j.Touch("b")
	require.NotZero(t, j.Add(began, "both"))
	j.Begin(began, alone)
	j.Touch("c")
	j.Touch("b")
	broken := errors.New("broken")
	again := began.Add(time.Second)
	j.Failed(broken, again)
	require.Equal(t, 1, j.Failures())
	require.Equal(t, broken, j.Err())
	at, ok := j.Deadline()
	require.True(t, ok)
	require.Equal(t, again, at)
	require.Empty(t, j.Begin(again.Add(-1), alone))
	require.Equal(t, []Key{{Key: "a"}, {Key: "b"}, {Key: "c"}}, j.Begin(again, alone), "the oldest first")
	_, released := j.Stored(2)
	require.Equal(t, []string{"both"}, actions(released))
	require.Zero(t, j.Failures())
	require.NoError(t, j.Err())
}

func TestChanged(t *testing.T) {
	var j Journal[string]
	require.False(t, j.Changed("a"))
	j.Touch("a")
	j.Touch("b")
	require.True(t, j.Changed("a"))
	j.Begin(began, alone)
	require.True(t, j.Changed("a"), "it is being written")
	j.Touch("b")
	j.Stored(1)
	require.False(t, j.Changed("a"))
	j.Failed(errors.New("full"), began)
	require.True(t, j.Changed("b"))
	require.False(t, j.Changed("a"), "it was stored before the failure")
}

func TestTouchLast(t *testing.T) {
	var j Journal[string]
	for _, key := range []string{"framework", "a", "b"} {
		j.Touch(key)
	}
	j.TouchLast("framework")
	require.Equal(t, []Key{{Key: "a"}, {Key: "b"}, {Key: "framework"}}, j.Begin(began, alone))
}

func TestTake(t *testing.T) {
	var j Journal[string]
	require.False(t, j.TakeBack(1))
	j.Touch("k")
	for i, a := range []string{"a", "b", "c", "d"} {
		require.Equal(t, i+1, j.Add(began.Add(time.Duration(i)*time.Second), a))
	}
	isB := func(w Waiting[string]) bool { return w.Action == "b" }
	require.Equal(t, []string{"b"}, j.Take(isB))
	require.Empty(t, j.Take(isB))
	require.True(t, j.TakeBack(4))
	require.False(t, j.TakeBack(4))
	require.False(t, j.TakeBack(2), "it was taken")
	j.Begin(began, alone)
	_, released := j.Stored(1)
	require.Equal(t, []string{"a", "c"}, actions(released))
}

func TestClosed(t *testing.T) {
	var j Journal[string]
	j.Touch("k")
	j.Close()
	_, ok := j.Deadline()
	require.False(t, ok)
	require.Empty(t, j.Begin(began, alone))
	j.Reopen()
	require.Len(t, j.Begin(began, alone), 1)
}

// reference is a simple model of a journal: how many changes each key has had, how many of them are stored, and what
// each action waits for.
type reference struct {
	changed, stored map[string]int
	under           []Key
	content         map[string]int // of what is under way
	waits           map[string]map[string]int
	order           []string
}

// TestRandomHistories checks that an action is released once, in the order in which it was added, after everything that
// had changed before it is stored, and at the latest when there are no changes to be stored.
func TestRandomHistories(t *testing.T) {
	pods := map[string][]string{"p1": {"p1", "p2"}, "p2": {"p1", "p2"}}
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 0))
		var j Journal[string]
		w := reference{changed: map[string]int{}, stored: map[string]int{}, waits: map[string]map[string]int{}}
		now, added := began, 0
		for range 300 {
			switch random.IntN(6) {
			case 0, 1:
				key := []string{"a", "b", "c", "p1", "p2"}[random.IntN(5)]
				w.changed[key]++
				j.Touch(key)
			case 2:
				name := fmt.Sprint("action", added)
				added++
				needs := map[string]int{}
				for key, n := range w.changed {
					needs[key] = n
				}
				if number := j.Add(now, name); number > 0 && random.IntN(8) == 0 {
					require.True(t, j.TakeBack(number))
				} else if number > 0 {
					w.waits[name], w.order = needs, append(w.order, name)
				} else {
					w.require(t, needs)
				}
			case 3:
				if keys := j.Begin(now, func(key string) []string { return pods[key] }); len(keys) > 0 {
					require.Empty(t, w.under)
					w.begin(t, keys)
				}
			case 4:
				w.store(t, &j, 1+random.IntN(3))
			case 5:
				if len(w.under) > 0 {
					w.under = nil
					j.Failed(errors.New("broken"), now)
				}
			}
			now = now.Add(time.Second)
		}
		for j.Pending() {
			if keys := j.Begin(now, func(key string) []string { return pods[key] }); len(keys) > 0 {
				w.begin(t, keys)
			}
			w.store(t, &j, len(w.under))
		}
		require.Empty(t, w.order, "nothing is outstanding, and something waits")
	}
}

func (w *reference) begin(t *testing.T, keys []Key) {
	w.under, w.content = keys, map[string]int{}
	for i, k := range keys {
		require.NotContains(t, w.content, k.Key, "a record twice")
		require.Equal(t, i > 0 && keys[i-1].Key == "p1" && k.Key == "p2", k.Joined, "members of a pod")
		w.content[k.Key] = w.changed[k.Key]
	}
}

// store stores the next n records, and those that are joined with them.
func (w *reference) store(t *testing.T, j *Journal[string], n int) {
	for n < len(w.under) && w.under[n].Joined {
		n++
	}
	if n = min(n, len(w.under)); n == 0 {
		return
	}
	for _, k := range w.under[:n] {
		w.stored[k.Key] = w.content[k.Key]
	}
	w.under = w.under[n:]
	_, released := j.Stored(n)
	for _, r := range released {
		require.Equal(t, w.order[0], r.Action, "the order")
		w.require(t, w.waits[r.Action])
		w.order = w.order[1:]
	}
}

// require requires that this many changes of each record are stored.
func (w *reference) require(t require.TestingT, needs map[string]int) {
	for key, n := range needs {
		require.GreaterOrEqual(t, w.stored[key], n, "%s is not stored", key)
	}
}

// TestChangedWhileWritten looks for keys while a write goes on in parts.
func TestChangedWhileWritten(t *testing.T) {
	var j Journal[string]
	for i := range 100 {
		j.Touch(fmt.Sprint(i))
	}
	j.Begin(began, alone)
	for i := range 100 {
		require.True(t, j.Changed("99"))
		require.True(t, j.Changed(fmt.Sprint(i)))
		j.Stored(1)
		require.False(t, j.Changed(fmt.Sprint(i)))
	}
}

// TestReferenceControl: an action that is released before a change which it waits for is stored is found.
func TestReferenceControl(t *testing.T) {
	w := reference{stored: map[string]int{"a": 2, "b": 1}}
	for needs, early := range map[int]bool{1: false, 2: false, 3: true} {
		found := &failures{}
		w.require(found, map[string]int{"a": needs, "b": 1})
		require.Equal(t, early, found.n > 0, "%d changes of a", needs)
	}
}

// failures counts them, in place of a test.
type failures struct{ n int }

func (f *failures) Errorf(string, ...any) { f.n++ }
func (f *failures) FailNow()              { f.n++ }

func TestGather(t *testing.T) {
	var j Journal[string]
	j.Touch("a")
	j.Gather(began.Add(time.Second))
	j.Touch("b")
	at, ok := j.Deadline()
	require.True(t, ok)
	require.Equal(t, began.Add(time.Second), at)
	require.Empty(t, j.Begin(at.Add(-1), alone))
	require.Len(t, j.Begin(at, alone), 2)
}
