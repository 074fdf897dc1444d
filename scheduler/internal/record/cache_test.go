package record

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// storeOf returns the records of a few tasks of a service.
func storeOf(t *testing.T, n int) map[string][]byte {
	all := make([]plainTask, n)
	for i := range all {
		all[i] = service(i, i%2 == 0)
	}
	return encodeAll(t, Framework{State: Active, ID: "f"}, all)
}

// byID returns tasks by their IDs.
func byID(tasks []plainTask) map[string]plainTask {
	m := make(map[string]plainTask, len(tasks))
	for _, x := range tasks {
		m[x.Info.Spec.ID] = x
	}
	return m
}

// What was decoded ahead of time is used, and the cache is empty afterwards.
func TestCacheIsUsed(t *testing.T) {
	records := storeOf(t, 10)
	var c Cache
	c.Update(t.Context(), records)
	known := maps.Clone(c.tasks)
	require.Len(t, known, 10)
	_, tasks, err := decodeWith(&c, maps.Clone(records))
	require.NoError(t, err)
	require.Len(t, tasks, 10)
	for _, x := range tasks {
		require.Same(t, unsafe.StringData(string(known[x.Info.Spec.ID].value.History)), unsafe.StringData(string(x.History)), "decoded once")
	}
	require.Empty(t, c.tasks)
	require.Empty(t, c.agents.known)
}

// When the state of a task changes, its spec is not decoded again.
func TestCacheKeepsSpec(t *testing.T) {
	x := service(1, false)
	var c Cache
	c.Update(t.Context(), encodeAll(t, Framework{}, []plainTask{x}))
	known := c.tasks[x.Info.Spec.ID]
	spec := known.value.Info.Spec
	c.decoder = newDecoder(&c.agents) // which would find the spec among those it knows
	x.Info.State = task.StateFinished
	state, err := EncodeTask(x.task())
	require.NoError(t, err)
	c.Update(t.Context(), map[string][]byte{TaskKey(x.Info.Spec.ID): state})
	require.Equal(t, task.StateFinished, known.value.Info.State)
	require.Same(t, spec.Base(), known.value.Info.Spec.Base())

	// It is decoded again if it changes as well.
	x.Info.Spec.HealthCheck.Interval++
	changed, err := EncodeSpec(&x.Info.Spec)
	require.NoError(t, err)
	c.Update(t.Context(), map[string][]byte{SpecKey(x.Info.Spec.ID): changed, TaskKey(x.Info.Spec.ID): state})
	require.Equal(t, x.Info.Spec.HealthCheck, known.value.Info.Spec.Base().HealthCheck)
	c.Update(t.Context(), map[string][]byte{SpecKey(x.Info.Spec.ID): nil, TaskKey(x.Info.Spec.ID): nil})
	require.Empty(t, c.tasks)
}

// A cache whose context has ended decodes nothing more, and what it has is good.
func TestCacheInterrupted(t *testing.T) {
	records := storeOf(t, 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var c Cache
	c.Update(ctx, records)
	for _, known := range c.tasks {
		require.Nil(t, known.value)
	}
	_, tasks, err := decodeWith(&c, records)
	require.NoError(t, err)
	require.Len(t, tasks, 10)
}

// Whatever a cache was told, what it returns is what is decoded without it, errors included: of random stores, and random
// changes of which some are lies. Wrong counts what a cache would return that trusted what it was told.
func TestCacheOfLies(t *testing.T) {
	used, wrong := 0, 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		records := storeOf(t, 1+r.IntN(12))
		var c Cache
		told := maps.Clone(records)
		for range r.IntN(6) {
			changes := map[string][]byte{}
			for key, value := range told {
				if r.IntN(3) == 0 {
					changes[key] = lie(r, value, records)
				}
			}
			c.Update(t.Context(), told)
			c.Update(t.Context(), changes)
			maps.Copy(told, changes)
		}
		if r.IntN(4) == 0 { // the store has records that are damaged as well
			for key, value := range records {
				if changed := lie(r, value, records); r.IntN(10) == 0 && changed != nil {
					records[key] = changed
				}
			}
		}
		for id, known := range c.tasks {
			if known.value == nil || records[TaskKey(id)] == nil {
				continue
			}
			if same(known.task, records[TaskKey(id)]) && same(known.spec, records[SpecKey(id)]) {
				used++
			} else {
				wrong++
			}
		}
		framework, tasks, err := decodeAll(records)
		gotFramework, got, gotErr := decodeWith(&c, records)
		if err != nil {
			require.Error(t, gotErr)
			continue
		}
		require.NoError(t, gotErr)
		require.Equal(t, framework, gotFramework)
		require.Equal(t, byID(tasks), byID(got))
	}
	require.Greater(t, used, 100, "otherwise nothing is tested")
	require.Greater(t, wrong, 100, "likewise")
}

// lie returns something else than a record: nothing, something damaged, or another one.
func lie(r *rand.Rand, value []byte, records map[string][]byte) []byte {
	switch r.IntN(5) {
	case 0:
		return nil
	case 1:
		return []byte{}
	case 2:
		damaged := bytes.Clone(value)
		if len(damaged) > 0 {
			damaged[r.IntN(len(damaged))] = byte(r.IntN(256))
		}
		return damaged
	case 3:
		return bytes.Replace(value, []byte(`"serial":`), fmt.Appendf(nil, `"serial":%d`, 1+r.IntN(9)), 1)
	}
	for _, other := range records { // any one
		return other
	}
	return nil
}

// A record that is missing is another one than one that is empty.
func TestSame(t *testing.T) {
	require.True(t, same(nil, nil))
	require.True(t, same([]byte{}, []byte{}))
	require.True(t, same([]byte("a"), []byte("a")))
	require.False(t, same(nil, []byte{}))
	require.False(t, same([]byte{}, nil))
	require.False(t, same([]byte("a"), []byte("b")))
	require.False(t, same([]byte("a"), nil))
}

// Specs share the parts that are equal. Of the classes that were seen only so many are remembered.
func TestDecodedSpecsShareParts(t *testing.T) {
	_, tasks, err := decodeAll(storeOf(t, 8))
	require.NoError(t, err)
	first := tasks[0].Info.Spec
	for _, x := range tasks[1:] {
		require.Same(t, first.HealthCheck, x.Info.Spec.HealthCheck)
		require.Same(t, first.Container, x.Info.Spec.Container)
	}
	var all sharedSpecs
	for i := range 2*classesKnown + 1 {
		s := &task.Spec{CPUs: float64(i)}
		require.Same(t, all.share(s).base, all.share(s).base)
		require.LessOrEqual(t, len(all.classes), classesKnown)
	}
}
