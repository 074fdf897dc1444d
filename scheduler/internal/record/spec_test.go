package record

import (
	"fmt"
	"math/rand"
	"reflect"
	"testing"
	"testing/quick"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// variants returns specs that are equal but for one field, or one part of one, and the first of them twice.
func variants() []task.Spec {
	all := []task.Spec{fullSpec("a"), fullSpec("b"), {ID: "none"}}
	var change func(at func(*task.Spec) reflect.Value)
	add := func(edit func(s *task.Spec)) {
		s := fullSpec(fmt.Sprint(len(all))).Clone()
		edit(&s)
		all = append(all, s)
	}
	change = func(at func(*task.Spec) reflect.Value) {
		s := fullSpec("a")
		v := at(&s)
		set := func(value any) {
			add(func(s *task.Spec) { at(s).Set(reflect.ValueOf(value).Convert(v.Type())) })
		}
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				change(func(s *task.Spec) reflect.Value { return at(s).Field(i) })
			}
		case reflect.Pointer:
			if v.IsNil() {
				add(func(s *task.Spec) { at(s).Set(reflect.New(v.Type().Elem())) })
				return
			}
			add(func(s *task.Spec) { at(s).SetZero() })
			change(func(s *task.Spec) reflect.Value { return at(s).Elem() })
		case reflect.Slice:
			add(func(s *task.Spec) { at(s).SetZero() })
			add(func(s *task.Spec) { at(s).Set(reflect.MakeSlice(v.Type(), 0, 0)) })
			add(func(s *task.Spec) { at(s).Set(reflect.AppendSlice(at(s), at(s))) })
			for i := range v.Len() {
				change(func(s *task.Spec) reflect.Value { return at(s).Index(i) })
			}
		case reflect.Map:
			add(func(s *task.Spec) { at(s).SetZero() })
			add(func(s *task.Spec) { at(s).Set(reflect.MakeMap(v.Type())) })
			for _, key := range v.MapKeys() {
				add(func(s *task.Spec) { at(s).SetMapIndex(key, reflect.Value{}) })
				add(func(s *task.Spec) { at(s).SetMapIndex(key, reflect.Zero(v.Type().Elem())) })
			}
			if v.IsNil() {
				return
			}
			add(func(s *task.Spec) { at(s).SetMapIndex(reflect.ValueOf("another"), reflect.Zero(v.Type().Elem())) })
		case reflect.String:
			set("other")
			set("")
		case reflect.Bool:
			set(!v.Bool())
		case reflect.Uint8, reflect.Uint16, reflect.Int, reflect.Int64, reflect.Float64:
			set(7)
		default:
			panic(v.Type().String())
		}
	}
	change(func(s *task.Spec) reflect.Value { return reflect.ValueOf(s).Elem() })
	return all
}

// A spec says the same whichever others it shares its parts with, in all its fields.
func TestSharedSpecsSayTheSame(t *testing.T) {
	all := variants()
	require.Greater(t, len(all), 100)
	for first := range all {
		var bases Bases
		shared := []Spec{bases.Share(NewSpec(all[first].Clone()))}
		for i := range all {
			shared = append(shared, bases.Share(NewSpec(all[i].Clone())))
		}
		require.Equal(t, all[first], shared[0].Whole())
		for i := range all {
			require.Equal(t, all[i], shared[1+i].Whole(), "field %d beside field %d", i, first)
			require.Equal(t, all[i].Pod, shared[1+i].Pod())
		}
	}
}

// The same holds for random ones.
func TestRandomSpecsSayTheSame(t *testing.T) {
	require.NoError(t, quick.Check(func(seed int64) bool {
		r := rand.New(rand.NewSource(seed))
		var bases Bases
		var all []task.Spec
		var shared []Spec
		for range 20 {
			s := fullSpec("a")
			if len(all) > 0 && r.Intn(2) == 0 {
				s = all[r.Intn(len(all))].Clone()
			}
			for range r.Intn(3) {
				v := reflect.ValueOf(&s).Elem()
				if r.Intn(2) == 0 {
					v = v.FieldByName("Command")
				}
				randomize(v.Field(r.Intn(v.NumField())), r, 5)
			}
			all, shared = append(all, s.Clone()), append(shared, bases.Share(NewSpec(s)))
		}
		for i := range all {
			require.Equal(t, all[i], shared[i].Whole())
		}
		return true
	}, &quick.Config{MaxCount: 200}))
}

// Tasks of one service share all that they have in common, and a few services of a class do not drive each other out.
func TestWhatSpecsShare(t *testing.T) {
	var bases Bases
	service := func(n, instance int) task.Spec {
		s := fullSpec(fmt.Sprint(n, instance))
		s.HealthCheck.Interval = time.Duration(n)
		s.Command.Env["INSTANCE"], s.Pod, s.Name = fmt.Sprint(instance), s.ID, s.ID
		return s
	}
	first := map[int]*task.Spec{}
	for instance := range 10 {
		for n := range basesKnown {
			s := bases.Share(NewSpec(service(n, instance)))
			if instance == 0 {
				first[n] = s.base
			}
			require.Same(t, first[n], s.base)
			require.LessOrEqual(t, len(s.own), 40)
		}
	}
	require.Same(t, first[0].Container, first[1].Container, "parts are shared by those that differ otherwise")
	equal := bases.Share(NewSpec(service(1, 0)))
	require.Empty(t, equal.own)
	other := bases.Share(NewSpec(service(basesKnown, 0)))
	require.NotContains(t, first, other.base)
	again := bases.Share(NewSpec(service(0, 0)))
	require.NotSame(t, first[0], again.base, "the oldest one is forgotten")
}

// What a user does to a spec that was returned does not change that of another task. Control: to change what it points to does,
// which is why that is forbidden.
func TestWholeIsACopy(t *testing.T) {
	var bases Bases
	one, two := bases.Share(NewSpec(fullSpec("one"))), bases.Share(NewSpec(fullSpec("two")))
	require.Same(t, one.base, two.base)
	whole := one.Whole()
	whole.CPUs, whole.Name, whole.Command.User, whole.Container = 7, "?", "?", nil
	require.Equal(t, fullSpec("two"), two.Whole())
	whole = one.Whole()
	whole.Labels["?"] = "?"
	require.NotEqual(t, fullSpec("two"), two.Whole())
}

// BenchmarkShare measures what it costs to take a task on record whose spec is like that of another one, and to tell users of it.
// Run it with
//
//	go test ./scheduler/internal/record -run - -bench 'Share|Whole'
func BenchmarkShare(b *testing.B) {
	for _, alike := range []bool{true, false} {
		b.Run(fmt.Sprintf("equal=%v", alike), func(b *testing.B) {
			var bases Bases
			bases.Share(NewSpec(service(0, alike).Info.Spec))
			s := service(1, alike).Info.Spec
			b.ReportAllocs()
			for b.Loop() {
				bases.Share(NewSpec(s))
			}
		})
	}
}

func BenchmarkWhole(b *testing.B) {
	for _, alike := range []bool{true, false} {
		b.Run(fmt.Sprintf("equal=%v", alike), func(b *testing.B) {
			var bases Bases
			bases.Share(NewSpec(service(0, alike).Info.Spec))
			s := bases.Share(NewSpec(service(1, alike).Info.Spec))
			b.ReportAllocs()
			for b.Loop() {
				s.Whole()
			}
		})
	}
}

// BenchmarkStatus measures what it costs to keep a status, and to return it.
func BenchmarkStatus(b *testing.B) {
	info := NewInfo(service(1, true).Info)
	s, ips := info.Status(), info.IPs()
	b.Run("set", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			info.SetStatus(s, ips)
		}
	})
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			info.Status()
		}
	})
}

// Who appends to a list of a spec gets a copy, and does not write into what other tasks share.
func TestListsHaveNoRoom(t *testing.T) {
	roomy := func(id string) task.Spec {
		return task.Spec{
			ID:          id,
			Ports:       append(make([]task.Port, 0, 9), task.Port{Host: 80}),
			Constraints: append(make([]task.Constraint, 0, 9), task.Constraint{Attribute: "rack"}),
			Preferences: append(make([]task.Constraint, 0, 9), task.Constraint{Attribute: "zone"}),
			Command: task.Command{
				Argv: append(make([]string, 0, 9), "server"),
				URIs: append(make([]task.URI, 0, 9), task.URI{Value: "http://host/file"}),
			},
		}
	}
	var bases Bases
	bases.Share(NewSpec(roomy("a")))
	shared := bases.Share(NewSpec(roomy("b")))
	spec := roomy("c")
	record, err := EncodeSpec(&spec)
	require.NoError(t, err)
	decoded, err := newDecoder(&memo[*task.Agent]{}).spec(source{id: "c", spec: record})
	require.NoError(t, err)
	for _, s := range []Spec{shared, decoded} {
		whole := s.Whole()
		require.Equal(t, 1, cap(whole.Ports))
		require.Equal(t, 1, cap(whole.Constraints))
		require.Equal(t, 1, cap(whole.Preferences))
		require.Equal(t, 1, cap(whole.Command.Argv))
		require.Equal(t, 1, cap(whole.Command.URIs))
	}
}
