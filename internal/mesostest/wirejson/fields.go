package wirejson

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/gogo/protobuf/proto"
)

// field is one field of a message, from its protobuf tag.
type field struct {
	index    int // in the Go struct
	number   int
	name     string
	required bool
	enum     string // registered name, "" for other types
}

// messageFields lists the fields in the order of declaration, which is the order of Mesos' errors.
func messageFields(t reflect.Type) []field {
	list := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		tag := t.Field(i).Tag.Get("protobuf")
		if tag == "" {
			continue
		}
		parts := strings.Split(tag, ",")
		f := field{index: i, required: parts[2] == "req"}
		f.number, _ = strconv.Atoi(parts[1])
		for _, p := range parts[3:] {
			if v, ok := strings.CutPrefix(p, "name="); ok {
				f.name = v
			}
			if v, ok := strings.CutPrefix(p, "enum="); ok {
				f.enum = v
			}
		}
		list = append(list, f)
	}
	return list
}

// present reports whether a field is set. Of a field that Go keeps without a pointer although it is
// optional, always an enum, the zero value UNKNOWN stands for absent.
func present(v reflect.Value, f field) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil()
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return !v.IsNil()
		}
		return v.Len() > 0
	case reflect.Map:
		return v.Len() > 0
	}
	return f.required || !v.IsZero()
}

// Lacks reports whether a message has a field of that name and it is not set.
func Lacks(message any, name string) bool {
	m := reflect.Indirect(reflect.ValueOf(message))
	for _, f := range messageFields(m.Type()) {
		if f.name == name {
			return !present(m.Field(f.index), f)
		}
	}
	return false
}

// lateEnums returns values of Mesos 1.11 that mesos-go v0.0.11 does not know.
func lateEnums(enum string) map[string]int32 {
	switch enum {
	case "mesos.MasterInfo_Capability_Type":
		return map[string]int32{"QUOTA_V2": QuotaV2}
	case "mesos.AttributeConstraint_Selector_PseudoattributeType":
		return map[string]int32{"UNKNOWN": 0, "HOSTNAME": 1, "REGION": 2, "ZONE": 3}
	}
	return nil
}

// QuotaV2 is MasterInfo.Capability.QUOTA_V2.
const QuotaV2 = 3

func enumValue(enum, name string) (int32, bool) {
	n, ok := proto.EnumValueMap(enum)[name]
	if !ok {
		n, ok = lateEnums(enum)[name]
	}
	return n, ok
}

func enumName(enum string, n int32) (string, bool) {
	for _, values := range []map[string]int32{proto.EnumValueMap(enum), lateEnums(enum)} {
		for name, v := range values {
			if v == n {
				return name, true
			}
		}
	}
	return "", false
}
