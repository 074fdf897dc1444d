package mesoshttp

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/gogo/protobuf/proto"
)

// shape is what is known of a type of messages before one is decoded.
type shape struct {
	byNumber []*field // nil: unknown
	byName   map[string]*field
	required []*field
	flat     bool // it has neither messages nor lists
	pointers int  // bytes of what its fields other than messages and lists point to
}

// field is a field of a shape.
type field struct {
	name     string // in JSON
	list     bool
	message  *shape           // nil: it is none
	enum     map[string]int32 // the numbers of the names; nil: it is none
	required uint64           // a bit of its own among the required fields of the message; 0: it is not required
	size     int              // bytes that the field, or each element of the list, takes outside of its message, without the contents of texts
}

// shapeOf returns the shape of the messages that t, a type of mesos-go's, is the Go form of. Those that are known stay as they
// are, since messages may contain themselves.
func shapeOf(t reflect.Type, known map[reflect.Type]*shape) *shape {
	if s := known[t]; s != nil {
		return s
	}
	s := &shape{byName: map[string]*field{}, flat: true}
	known[t] = s
	for i := range t.NumField() {
		s.add(t.Field(i), known)
	}
	return s
}

func (s *shape) add(of reflect.StructField, known map[reflect.Type]*shape) {
	tag := strings.Split(of.Tag.Get("protobuf"), ",") // such as "varint,2,req,name=state,enum=mesos.TaskState"
	if len(tag) < 3 {
		return
	}
	number, err := strconv.Atoi(tag[1])
	if err != nil {
		return
	}
	f := &field{list: tag[2] == "rep"}
	f.name, _, _ = strings.Cut(of.Tag.Get("json"), ",")
	for _, part := range tag[3:] {
		if enum, ok := strings.CutPrefix(part, "enum="); ok {
			f.enum = proto.EnumValueMap(enum)
		}
	}
	if tag[2] == "req" {
		f.required = 1 << len(s.required)
		s.required = append(s.required, f)
	}
	inner := of.Type
	if inner.Kind() == reflect.Pointer || f.list {
		inner = inner.Elem()
		f.size = max(int(inner.Size()), 8)
	}
	if inner.Kind() == reflect.Struct {
		f.message = shapeOf(inner, known)
	}
	if f.list || f.message != nil {
		s.flat = false
	} else {
		s.pointers += f.size
	}
	s.byName[f.name] = f
	for len(s.byNumber) <= number {
		s.byNumber = append(s.byNumber, nil)
	}
	s.byNumber[number] = f
}
