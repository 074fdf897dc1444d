package record

import (
	"bytes"
	"cmp"
	"flag"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

var update = flag.Bool("update", false, "write testdata/version2.txt")

const sampleFramework = "66549417-1791-41bf-bebf-adeb5c1d4270-0000"

// readStore reads a golden file: the records of a store, one a line, with a tab between key and value.
func readStore(t testing.TB, name string) map[string][]byte {
	text, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	records := map[string][]byte{}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		require.True(t, ok, line)
		records[key] = []byte(value)
	}
	return records
}

func writeStore(records map[string][]byte) []byte {
	var text bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(records)) {
		text.WriteString(key + "\t" + string(records[key]) + "\n")
	}
	return text.Bytes()
}

// sampleFrameworks are the frameworks in the golden file framework.txt.
func sampleFrameworks() map[string]Framework {
	full := Fingerprint{
		Name: "shop", User: "www-data", Principal: "shop-principal", Roles: []string{"back/office", "shop"},
		Master: "zk://zk1.example:2181,zk2.example:2181/mesos",
	}
	return map[string]Framework{
		"active":      {State: Active, ID: sampleFramework, Nonce: "0123456789abcdef", Fingerprint: full, Term: 42},
		"registering": {State: Registering, Nonce: "0123456789abcdef", Fingerprint: full},
		"removed":     {State: Removed, ID: sampleFramework, Fingerprint: full, Term: 1<<64 - 1},
		"torn down":   {State: TornDown, ID: sampleFramework, Fingerprint: Fingerprint{Name: "shop"}},
		"least":       {State: Active, ID: sampleFramework},
	}
}

// encodeAll returns what a store has of tasks.
func encodeAll(t testing.TB, framework Framework, tasks []plainTask) map[string][]byte {
	records := map[string][]byte{}
	var err error
	if framework.State != NoFramework {
		records[FrameworkKey], err = EncodeFramework(framework)
		require.NoError(t, err)
	}
	for i := range tasks {
		id := tasks[i].Info.Spec.ID
		records[SpecKey(id)], err = EncodeSpec(&tasks[i].Info.Spec)
		require.NoError(t, err)
		records[TaskKey(id)], err = EncodeTask(tasks[i].task())
		require.NoError(t, err)
	}
	return records
}

// sortByID sorts tasks, and resets SpecStored after checking it.
func sortByID(t testing.TB, tasks []plainTask, specStored bool) []plainTask {
	for i := range tasks {
		require.Equal(t, specStored, tasks[i].SpecStored)
		tasks[i].SpecStored = false
	}
	slices.SortFunc(tasks, func(a, b plainTask) int { return cmp.Compare(a.Info.Spec.ID, b.Info.Spec.ID) })
	return tasks
}

// To rename a Go field must not change the stored form. -update rewrites the file, which is right only if a
// field was added.
func TestGoldenVersion2(t *testing.T) {
	records := encodeAll(t, Framework{}, samples())
	records[FrameworkKey] = []byte(`{"version":2,"id":"` + sampleFramework + `"}`) // which is not written any more
	text := writeStore(records)
	if *update {
		require.NoError(t, os.WriteFile("testdata/version2.txt", text, 0o644))
	}
	records = readStore(t, "version2.txt")
	require.Equal(t, string(writeStore(records)), string(text))
	framework, tasks, err := decodeAll(records)
	require.NoError(t, err)
	require.Equal(t, Framework{State: Active, ID: sampleFramework}, framework)
	require.Equal(t, sortByID(t, samples(), false), sortByID(t, tasks, true))
}

// The file was written by the first code of version 2, and is never rewritten: fields that were added later are not in it.
func TestGoldenOlderVersion2(t *testing.T) {
	_, tasks, err := decodeAll(readStore(t, "version2_older.txt"))
	require.NoError(t, err)
	require.Equal(t, sortByID(t, olderSamples(), false), sortByID(t, tasks, true))
}

// The framework's record has a version of its own. The lines of the file are records by what they are about.
func TestGoldenFramework(t *testing.T) {
	records := map[string][]byte{}
	for name, f := range sampleFrameworks() {
		records[name] = encodeAll(t, f, nil)[FrameworkKey]
	}
	if *update {
		require.NoError(t, os.WriteFile("testdata/framework.txt", writeStore(records), 0o644))
	}
	stored := readStore(t, "framework.txt")
	require.Equal(t, string(writeStore(stored)), string(writeStore(records)))
	for name, want := range sampleFrameworks() {
		got, tasks, err := decodeAll(map[string][]byte{FrameworkKey: stored[name]})
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.True(t, want.Equal(got))
		require.Empty(t, tasks)
	}
}

// A store of version 1 is read completely. The file was written by the code of that time, and is never
// rewritten: fields that are added later are not in it, and must be removed from what is expected.
func TestGoldenVersion1(t *testing.T) {
	records := readStore(t, "version1.txt")
	framework, tasks, err := decodeAll(records)
	require.NoError(t, err)
	require.Equal(t, Framework{State: Active, ID: sampleFramework}, framework)
	undoubted := olderSamples()[3] // launched twice, and no launch came to nothing
	undoubted.Info.Spec.ID, undoubted.Serial, undoubted.Lost = "undoubted", 5, 0
	want := sortByID(t, append(olderSamples(), undoubted), false)
	require.Equal(t, want, sortByID(t, tasks, false))

	// The baseline is what it claims to be: the code that wrote the file.
	launches := map[string]int{"a/b <c>ü": 3, "pending again": 2, "ended": 3, "staging": 1, "undoubted": 2}
	old := newBaseline()
	for i := range want {
		id := want[i].Info.Spec.ID
		value, err := old.encode(&want[i], launches[id])
		require.NoError(t, err)
		require.Equal(t, string(records[TaskKey(id)]), string(value))
		read, err := old.decode(value)
		require.NoError(t, err)
		read.Lost, read.Info.IPs = want[i].Lost, want[i].Info.IPs
		require.Equal(t, want[i], read)
	}
}

// The full sample sets every field, so that the golden files have all of them.
func TestSamples(t *testing.T) {
	set := map[string]bool{"Task.SpecStored": true, "Agent.Unavailable": true, "Agent.UnavailableFor": true}                           // are not stored
	for _, field := range []string{"plainTask.Task", "Task.Info", "Info.Health", "Info.status", "Info.ips", "Spec.base", "Spec.own"} { // are elsewhere
		set[field] = true
	}
	findSet(reflect.ValueOf(fullTask("a")), set)
	findSet(reflect.ValueOf(sampleFrameworks()["active"]), set)
	for field, isSet := range set {
		require.True(t, isSet, field)
	}
	require.Contains(t, set, "Secret.Value")
}

// findSet notes which fields of structs are set in a value, anywhere, and which are not.
func findSet(v reflect.Value, set map[string]bool) {
	switch v.Kind() {
	case reflect.Struct:
		if path := v.Type().PkgPath(); !strings.HasSuffix(path, "/task") && !strings.HasSuffix(path, "/record") {
			return
		}
		for i := range v.NumField() {
			name := v.Type().Name() + "." + v.Type().Field(i).Name
			set[name] = set[name] || !v.Field(i).IsZero()
			findSet(v.Field(i), set)
		}
	case reflect.Pointer:
		findSet(v.Elem(), set)
	case reflect.Slice, reflect.Map:
		for _, element := range v.Seq2() {
			findSet(element, set)
		}
	}
}

// Each field of what a spec consists of has a tag, which version 1 can be read with: the name of the field
// but for case. A field that is zero is left out.
func TestTags(t *testing.T) {
	seen := map[reflect.Type]bool{}
	requireTags(t, reflect.TypeFor[task.Spec](), seen)
	require.Len(t, seen, 17)
}

func requireTags(t *testing.T, of reflect.Type, seen map[reflect.Type]bool) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		requireTags(t, of.Elem(), seen)
	case reflect.Struct:
		if seen[of] {
			return
		}
		seen[of] = true
		for i := range of.NumField() {
			field := of.Field(i)
			name, option, _ := strings.Cut(field.Tag.Get("json"), ",")
			require.True(t, strings.EqualFold(field.Name, name), "%v.%s", of, field.Name)
			require.NotEqual(t, field.Name, name, "%v: the first letter is a small one", of)
			require.Equal(t, "omitzero", option, "%v.%s", of, field.Name)
			requireTags(t, field.Type, seen)
		}
	}
}

// Times are kept to the nanosecond, and written in UTC whatever their zone.
func TestTimes(t *testing.T) {
	at := time.Date(2026, 11, 22, 0, 0, 0, 987654321, time.FixedZone("odd", 53*60+28))
	x := plainTask{Info: task.Info{Spec: task.Spec{ID: "a"}, Submitted: at, Updated: at}, Task: Task{UnknownSince: at}}
	_, tasks, err := decodeAll(encodeAll(t, Framework{}, []plainTask{x}))
	require.NoError(t, err)
	for _, got := range []time.Time{tasks[0].Info.Submitted, tasks[0].Info.Updated, tasks[0].UnknownSince} {
		require.True(t, at.Equal(got))
		require.Equal(t, at.UTC(), got)
	}
	x.UnknownSince = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err = EncodeTask(x.task())
	var bad *Error
	require.ErrorAs(t, err, &bad)
	require.Equal(t, "task/a", bad.Key)
}
