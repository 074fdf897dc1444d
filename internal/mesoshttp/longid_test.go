package mesoshttp

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// idsIn returns the IDs and uuids of an event that are kept or sent in calls, by their paths.
func idsIn(v reflect.Value, path string, found map[string]reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			idsIn(v.Elem(), path, found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			idsIn(v.Index(i), path, found)
		}
	case reflect.Struct:
		kinds := []reflect.Type{reflect.TypeFor[mesos.TaskID](), reflect.TypeFor[mesos.AgentID](), reflect.TypeFor[mesos.OfferID](), reflect.TypeFor[mesos.ExecutorID]()}
		if slices.Contains(kinds, v.Type()) {
			found[path] = v.FieldByName("Value")
			return
		}
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if name != "ExecutorIDs" && name != "UpdateOperationStatus" { // nothing is done with these
				idsIn(v.Field(i), path+"."+name, found)
			}
		}
	}
}

// An event with an ID of 1,025 bytes is skipped, one of 1,024 is taken.
func TestLongIDs(t *testing.T) {
	total := 0
	for text := range samples() {
		e, err := newDecoder(JSON).decode([]byte(text))
		require.NoError(t, err)
		ids := map[string]reflect.Value{}
		idsIn(reflect.ValueOf(e), e.Type.String(), ids)
		for path, id := range ids {
			total++
			before := id.String()
			id.SetString(strings.Repeat("x", maxID))
			require.NoError(t, complete(e), path)
			id.SetString(strings.Repeat("x", maxID+1))
			require.ErrorContains(t, complete(e), "is longer than 1024 bytes", path)
			id.SetString(before)
		}
	}
	require.GreaterOrEqual(t, total, 8)
	state, uuid := mesos.TASK_RUNNING, make([]byte, maxID+1)
	e := &scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: mesos.TaskStatus{
		TaskID: mesos.TaskID{Value: "t"}, AgentID: &mesos.AgentID{Value: "S"}, State: &state, UUID: uuid,
	}}}
	require.EqualError(t, complete(e), "update.status.uuid is longer than 1024 bytes")
	e.Update.Status.UUID = uuid[:16]
	require.NoError(t, complete(e))
}
