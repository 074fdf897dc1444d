package scheduler

import (
	"reflect"
	"strings"
	"time"
)

// containers returns how many elements the largest map or slice has that is reachable from v in each field of each type. A
// container within another one has the name of that field with "[]" behind it. Bytes are not counted.
func containers(v any) map[string]int {
	w := containerWalk{largest: map[string]int{}, seen: map[visited]bool{}, holds: map[reflect.Type]bool{
		reflect.TypeFor[time.Time](): false,
		reflect.TypeFor[settings]():  false, // is the same from the beginning
	}}
	w.walk(reflect.ValueOf(v), "")
	return w.largest
}

type containerWalk struct {
	largest map[string]int
	seen    map[visited]bool
	holds   map[reflect.Type]bool // whether a type may hold a container
}

type visited struct {
	at uintptr
	of reflect.Type
}

func (w *containerWalk) walk(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Pointer:
		if at := (visited{v.Pointer(), v.Type()}); !v.IsNil() && !w.seen[at] {
			w.seen[at] = true
			w.walk(v.Elem(), name)
		}
	case reflect.Interface:
		w.walk(v.Elem(), name)
	case reflect.Struct:
		if strings.HasPrefix(v.Type().String(), "ordered.List[") {
			w.walkList(v, name)
			return
		}
		for i := range v.NumField() {
			if field := v.Type().Field(i); w.mayHold(field.Type) {
				w.walk(v.Field(i), v.Type().String()+"."+field.Name)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			w.walk(v.Index(i), name)
		}
	case reflect.Map:
		w.largest[name] = max(w.largest[name], v.Len())
		for entries := v.MapRange(); entries.Next(); {
			w.walk(entries.Key(), name+"[]")
			w.walk(entries.Value(), name+"[]")
		}
	case reflect.Slice:
		w.largest[name] = max(w.largest[name], v.Len())
		for i := 0; i < v.Len() && w.mayHold(v.Type().Elem()); i++ {
			w.walk(v.Index(i), name+"[]")
		}
	}
}

// walkList walks over an ordered.List, which is one container to its owner.
func (w *containerWalk) walkList(v reflect.Value, name string) {
	w.largest[name] = max(w.largest[name], int(v.FieldByName("size").Int()))
	for chunks, i := v.FieldByName("chunks"), 0; i < chunks.Len(); i++ {
		items := chunks.Index(i).FieldByName("items")
		for at := range items.Len() {
			w.walk(items.Index(at), name+"[]")
		}
	}
}

func (w *containerWalk) mayHold(t reflect.Type) bool {
	if strings.HasPrefix(t.String(), "*ordered.Epoch[") {
		return false // it has its list only
	}
	if known, ok := w.holds[t]; ok {
		return known
	}
	holds := false
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map:
		holds = true
	case reflect.Slice:
		holds = t.Elem().Kind() != reflect.Uint8
	case reflect.Array:
		holds = w.mayHold(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			holds = holds || w.mayHold(t.Field(i).Type)
		}
	}
	w.holds[t] = holds
	return holds
}
