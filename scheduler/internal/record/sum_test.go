package record

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// The sums are on record: that of a spec must never change, except for one that uses a new field.
func TestSumIsFixed(t *testing.T) {
	full := fullSpec("a")
	full.Ports[1].NoHost, full.Executor = false, nil // newer fields
	for name, c := range map[string]struct {
		spec task.Spec
		sum  uint64
	}{
		"empty": {task.Spec{ID: "a"}, 0xe3b0c44298fc1c14},
		"small": {task.Spec{ID: "a", CPUs: 0.5, Mem: 64, Command: task.Command{Shell: "sleep 3600"}}, 0xe0b1bcbea52aebd},
		"full":  {full, 0x297ab0bf2eb5abc1},
	} {
		require.Equal(t, c.sum, Sum(&c.spec), name)
	}
}

// What says the same has the same sum, and no differences.
func TestSameSpecs(t *testing.T) {
	spec := fullSpec("a")
	for name, change := range map[string]func(*task.Spec){
		"another ID":                  func(s *task.Spec) { s.ID = "b" },
		"a clone":                     func(s *task.Spec) { *s = s.Clone() },
		"no Labels instead of none":   func(s *task.Spec) { s.Labels = map[string]string{} },
		"no Ports instead of none":    func(s *task.Spec) { s.Ports = []task.Port{} },
		"an amount that Mesos rounds": func(s *task.Spec) { s.CPUs += 0.0004 },
	} {
		a, b := spec, spec.Clone()
		a.Labels, b.Labels, a.Ports, b.Ports = nil, nil, nil, nil
		change(&b)
		require.Equal(t, Sum(&a), Sum(&b), name)
		require.Empty(t, Differences(&a, &b), name)
	}
}

func TestDifferences(t *testing.T) {
	diff := func(field, a, b string) []Difference { return []Difference{{Field: field, A: a, B: b}} }
	for name, c := range map[string]struct {
		change func(*task.Spec)
		want   []Difference
	}{
		"CPUs":           {func(s *task.Spec) { s.CPUs = 1 }, diff("CPUs", "0.1", "1")},
		"Name":           {func(s *task.Spec) { s.Name = "" }, diff("Name", `"web & \"co\""`, `""`)},
		"revocable":      {func(s *task.Spec) { s.Revocable = false }, diff("Revocable", "true", "false")},
		"a scalar":       {func(s *task.Spec) { s.Scalars["licences"] = 2 }, diff("Scalars[licences]", "1", "2")},
		"a label less":   {func(s *task.Spec) { delete(s.Labels, "team") }, diff("Labels[team]", `"blue"`, "none")},
		"no label":       {func(s *task.Spec) { s.Labels = nil; s.CPUs = 2 }, []Difference{{"CPUs", "0.1", "2"}, {"Labels[team]", `"blue"`, "none"}, {"Labels[ü]", `"ö"`, "none"}}},
		"a port":         {func(s *task.Spec) { s.Ports[1].Protocol = "" }, diff("Ports[1].Protocol", `"udp"`, `""`)},
		"a port less":    {func(s *task.Spec) { s.Ports = s.Ports[:1] }, diff("Ports", "2", "1")},
		"no health":      {func(s *task.Spec) { s.HealthCheck = nil }, diff("HealthCheck", "one", "none")},
		"an interval":    {func(s *task.Spec) { s.HealthCheck.Interval = time.Minute }, diff("HealthCheck.Interval", "2s", "1m0s")},
		"an argument":    {func(s *task.Spec) { s.Command.Argv[0] = "x" }, diff("Command.Argv[0]", `"serve"`, `"x"`)},
		"no grace":       {func(s *task.Spec) { s.KillPolicy = &task.KillPolicy{} }, diff("KillPolicy.GracePeriod", "5s", "0s")},
		"an environment": {func(s *task.Spec) { s.Command.Env["STAGE"] = "test" }, diff("Command.Env[STAGE]", "", "")},
		"a check's":      {func(s *task.Spec) { s.HealthCheck.Command.Env["A"] = "c" }, diff("HealthCheck.Command.Env[A]", "", "")},
		"a secret":       {func(s *task.Spec) { s.Container.Volumes[1].Secret.Value = nil }, diff("Container.Volumes[1].Secret.Value", "", "")},
		"no secret":      {func(s *task.Spec) { s.Command.Secrets["NOTHING"] = task.Secret{} }, diff("Command.Secrets[NOTHING].Value", "", "")},
	} {
		a, b := fullSpec("a"), fullSpec("a")
		c.change(&b)
		require.Equal(t, c.want, Differences(&a, &b), name)
		require.NotEqual(t, Sum(&a), Sum(&b), name)
	}
	a, b := task.Spec{}, task.Spec{Limits: &task.Limits{}}
	require.Equal(t, diff("Limits", "none", "one"), Differences(&a, &b), "a pointer to nothing is not nil: that of a health check has a meaning")
}

// Whatever field changes, however deep, is a difference. fields finds those that are added later.
func TestEveryFieldCounts(t *testing.T) {
	spec := fullSpec("a")
	n := fields(reflect.ValueOf(&spec).Elem(), func(reflect.Value) {})
	require.Greater(t, n, 80)
	for i := range n {
		changed := fullSpec("a")
		path := change(reflect.ValueOf(&changed).Elem(), i)
		if path == "ID" || path == "RequestID" {
			require.Empty(t, Differences(&spec, &changed))
			require.Equal(t, Sum(&spec), Sum(&changed))
			continue
		}
		require.NotEmpty(t, Differences(&spec, &changed), path)
		require.NotEqual(t, Sum(&spec), Sum(&changed), path)
	}
}

// Of two random specs the sums are equal if and only if there are no differences, also after they were stored.
func TestSumsOfRandomSpecs(t *testing.T) {
	equal, unequal := 0, 0
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		a, b := fullSpec("a"), fullSpec("b")
		n := fields(reflect.ValueOf(&a).Elem(), func(reflect.Value) {})
		for _, s := range []*task.Spec{&a, &b} {
			if r.IntN(3) == 0 {
				change(reflect.ValueOf(s).Elem(), r.IntN(n))
			}
		}
		a.ID, b.ID = "a", "b"
		if len(Differences(&a, &b)) == 0 {
			equal++
			require.Equal(t, Sum(&a), Sum(&b))
		} else {
			unequal++
			require.NotEqual(t, Sum(&a), Sum(&b))
		}
		x := samples()[0]
		x.Info.Spec = a
		_, tasks, err := decodeAll(encodeAll(t, Framework{}, []plainTask{x}))
		require.NoError(t, err)
		require.Empty(t, Differences(&a, &tasks[0].Info.Spec))
	}
	require.Greater(t, equal, 100)
	require.Greater(t, unequal, 100)
}

// fields calls f with every value that is neither a struct nor a pointer, nor something with elements, and returns their number.
func fields(v reflect.Value, f func(reflect.Value)) (n int) {
	walk(v, "", func(v reflect.Value, _ string) { n++; f(v) })
	return n
}

// change changes the value of that number, and returns its path.
func change(v reflect.Value, number int) (changed string) {
	n := 0
	walk(v, "", func(v reflect.Value, path string) {
		if n == number {
			changed = path
			switch v.Kind() {
			case reflect.String:
				v.SetString(v.String() + "x")
			case reflect.Float64:
				v.SetFloat(v.Float() + 1)
			case reflect.Bool:
				v.SetBool(!v.Bool())
			case reflect.Slice:
				v.SetBytes(append(v.Bytes(), 1))
			default:
				if v.CanInt() {
					v.SetInt(v.Int() + 1)
				} else {
					v.SetUint(v.Uint() + 1)
				}
			}
		}
		n++
	})
	return changed
}

func walk(v reflect.Value, path string, f func(reflect.Value, string)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if path != "" {
				name = path + "." + name
			}
			walk(v.Field(i), name, f)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), path, f)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			f(v, path)
			return
		}
		for i := range v.Len() {
			walk(v.Index(i), path+"[]", f)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			walk(value, path+"["+key.String()+"]", f)
			v.SetMapIndex(key, value)
		}
	default:
		f(v, path)
	}
}

func BenchmarkSum(b *testing.B) {
	spec := service(1, false).Info.Spec
	b.ReportAllocs()
	for b.Loop() {
		Sum(&spec)
	}
}
