package record

import (
	"errors"
	"math/rand"
	"reflect"
	"testing"
	"testing/quick"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// randomTask has a random part of its fields set, to anything.
type randomTask plainTask

// Generate is for testing/quick.
func (randomTask) Generate(r *rand.Rand, size int) reflect.Value {
	var t plainTask
	randomize(reflect.ValueOf(&t.Info.Spec).Elem(), r, size)
	randomize(reflect.ValueOf(&t.Info.AgentID).Elem(), r, size)
	randomize(reflect.ValueOf(&t.Info.Hostname).Elem(), r, size)
	randomize(reflect.ValueOf(&t.Info.HostPorts).Elem(), r, size)
	randomize(reflect.ValueOf(&t.Info.Healthy).Elem(), r, size)
	randomize(reflect.ValueOf(&t.Info.AgentAddress).Elem(), r, size)
	randomize(reflect.ValueOf(&t.Info.ExitStatus).Elem(), r, size)
	randomize(reflect.ValueOf(&t.Info.IPs).Elem(), r, size)
	t.Info.Version = r.Uint64()
	if len(t.Info.IPs) == 0 {
		t.Info.IPs = nil
	}
	if r.Intn(2) == 0 {
		t.Info.Err = errors.New("out of cheese")
	}
	t.Info.Spec.ID += "x" // it is required
	t.Info.State = task.State(r.Intn(int(task.StateUnknown) + 1))
	t.Info.Submitted, t.Info.Updated, t.UnknownSince = randomTime(r), randomTime(r), randomTime(r)
	if r.Intn(2) == 0 {
		t.Info.Status = mesos.NewPopulatedTaskStatus(r, true)
		t.Info.Status.TaskID.Value += "x" // Mesos knows no empty IDs
		if id := t.Info.Status.ExecutorID; id != nil {
			id.Value += "x"
		}
		if id := t.Info.Status.AgentID; id != nil {
			id.Value += "x"
		}
	}
	if r.Intn(2) == 0 {
		t.Agent = &task.Agent{ID: t.Info.AgentID, Hostname: t.Info.Hostname}
		if r.Intn(2) == 0 {
			randomize(reflect.ValueOf(&t.Agent.ID).Elem(), r, size)
			randomize(reflect.ValueOf(&t.Agent.Hostname).Elem(), r, size)
			randomize(reflect.ValueOf(&t.Agent.Address).Elem(), r, size)
		}
		for range r.Intn(3) {
			t.Agent.Attributes = append(t.Agent.Attributes, *mesos.NewPopulatedAttribute(r, true))
		}
	}
	t.Serial, t.Lost = r.Int(), r.Int31()
	t.Confirmed, t.Killing = r.Intn(2) == 0, r.Intn(2) == 0
	for i := range r.Intn(len(t.UUIDs) + 1) {
		t.UUIDs[i] = r.Uint64()
	}
	return reflect.ValueOf(randomTask(t))
}

func randomTime(r *rand.Rand) time.Time {
	if r.Intn(2) == 0 {
		return time.Time{}
	}
	zone := time.FixedZone("", r.Intn(24*3600)-12*3600)
	return time.Unix(r.Int63n(200_000_000_000), r.Int63n(1e9)).In(zone)
}

// randomize sets half of what is in a value of the types that specs consist of.
func randomize(v reflect.Value, r *rand.Rand, size int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if r.Intn(2) == 0 {
				randomize(v.Field(i), r, size)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		randomize(v.Elem(), r, size)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), r.Intn(3), 3))
		for i := range v.Len() {
			randomize(v.Index(i), r, size)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range r.Intn(3) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			randomize(key, r, size)
			randomize(value, r, size)
			v.SetMapIndex(key, value)
		}
	case reflect.Float64:
		v.SetFloat(r.ExpFloat64())
	default:
		any, _ := quick.Value(v.Type(), r)
		v.Set(any)
	}
}

// What is read equals what was written, whatever a task holds, and encoding it again results in the same bytes.
func TestRoundTrip(t *testing.T) {
	require.NoError(t, quick.Check(func(random []randomTask) bool {
		byID := map[string]plainTask{}
		var tasks []plainTask
		for _, x := range random {
			byID[x.Info.Spec.ID] = plainTask(x)
		}
		for _, x := range byID {
			tasks = append(tasks, x)
		}
		records := encodeAll(t, Framework{State: Active, ID: "f"}, tasks)
		framework, got, err := decodeAll(records)
		require.NoError(t, err)
		require.Equal(t, Framework{State: Active, ID: "f"}, framework)
		require.Len(t, got, len(tasks))
		for _, x := range got {
			requireEqual(t, byID[x.Info.Spec.ID], x)
		}
		require.Equal(t, records, encodeAll(t, Framework{State: Active, ID: "f"}, got))
		return true
	}, &quick.Config{MaxCount: 50}))
}

// requireEqual requires that a task was read as it was written.
func requireEqual(t *testing.T, want, got plainTask) {
	require.True(t, got.SpecStored)
	got.SpecStored = false
	for _, at := range []*time.Time{&want.Info.Submitted, &want.Info.Updated, &want.UnknownSince} {
		*at = at.UTC()
	}
	if want.Info.Status != nil {
		require.True(t, want.Info.Status.Equal(got.Info.Status))
		want.Info.Status, got.Info.Status = nil, nil
	}
	if want.Agent != nil {
		require.NotNil(t, got.Agent)
		require.Len(t, got.Agent.Attributes, len(want.Agent.Attributes))
		for i, a := range want.Agent.Attributes {
			require.True(t, a.Equal(got.Agent.Attributes[i]))
		}
		a, b := *want.Agent, *got.Agent
		a.Attributes, b.Attributes = nil, nil
		want.Agent, got.Agent = &a, &b
	}
	require.Equal(t, want, got)
}
