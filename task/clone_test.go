package task_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// A clone equals its original and shares no map, slice or pointer with it. fill sets all fields by reflection, so
// the test covers fields that are added later.
func TestClone(t *testing.T) {
	var original task.Spec
	fill(reflect.ValueOf(&original).Elem())
	clone := original.Clone()
	require.Equal(t, original, clone)
	requireNothingShared(t, "Spec", reflect.ValueOf(original), reflect.ValueOf(clone))
	require.Equal(t, task.Spec{}, task.Spec{}.Clone())
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("x")
	case reflect.Float64:
		v.SetFloat(1)
	case reflect.Bool:
		v.SetBool(true)
	default:
		if v.CanInt() {
			v.SetInt(1)
		} else {
			v.SetUint(1)
		}
	}
}

func requireNothingShared(t *testing.T, path string, a, b reflect.Value) {
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			requireNothingShared(t, path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	case reflect.Pointer:
		require.NotEqual(t, a.Pointer(), b.Pointer(), path)
		requireNothingShared(t, path, a.Elem(), b.Elem())
	case reflect.Slice:
		require.NotEqual(t, a.Pointer(), b.Pointer(), path)
		requireNothingShared(t, path, a.Index(0), b.Index(0))
	case reflect.Map:
		require.NotEqual(t, a.Pointer(), b.Pointer(), path)
		for _, key := range a.MapKeys() {
			requireNothingShared(t, path+"["+key.String()+"]", a.MapIndex(key), b.MapIndex(key))
		}
	}
}
