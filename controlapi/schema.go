package controlapi

import (
	"encoding"
	"reflect"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// schemas are the JSON schemas of Go types, by name. They are read off the types, so that they cannot be out of date. A test
// compares them with answers, since some types encode themselves.
type schemas object

// of returns a reference to the schema of a type, or the schema itself if it is a simple one.
func (s schemas) of(t reflect.Type) any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[time.Duration]():
		return object{"type": "integer", "description": "nanoseconds"}
	case t == reflect.TypeFor[task.State]():
		return s.states()
	case t == reflect.TypeFor[error](), t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return object{"type": "string"}
	case strings.HasPrefix(t.PkgPath(), "github.com/mesos/"):
		return object{"type": "object", "description": "as Mesos' v1 API has it: " + t.Name()}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return object{"type": "string", "contentEncoding": "base64"}
		}
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		return s.ofStruct(t)
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	default:
		return object{"type": "integer"}
	}
}

func (s schemas) states() object {
	var names []string
	for state := task.StatePending; state <= task.StateUnknown; state++ {
		names = append(names, state.String())
	}
	return object{"type": "string", "enum": names}
}

// ofStruct returns a reference to the schema of a struct.
func (s schemas) ofStruct(t reflect.Type) any {
	name := schemaName(t)
	reference := object{"$ref": "#/components/schemas/" + name}
	if _, known := s[name]; known {
		return reference
	}
	properties, required := object{}, []string{}
	s[name] = object{} // for types that have themselves as a field
	for f := range fields(t) {
		label, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if label == "-" {
			continue
		}
		properties[label] = s.of(f.Type)
		if asText(t, f.Name) {
			properties[label] = object{"type": "string", "description": "such as 1h30m0s"}
		}
		if options == "" {
			required = append(required, label)
		}
	}
	schema := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		schema["required"] = required
	}
	s[name] = schema
	return reference
}

// fields yields the exported fields of a struct.
func fields(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && !yield(f) {
				return
			}
		}
	}
}

// asText reports whether a duration is encoded as text.
func asText(t reflect.Type, field string) bool {
	return t == reflect.TypeFor[task.Agent]() && field == "UnavailableFor" || t == reflect.TypeFor[scheduler.InverseOffer]() && field == "Duration"
}

// schemaName returns the name of a type in the document: TaskPage[task.Info] is TaskPageInfo.
func schemaName(t reflect.Type) string {
	name, of, generic := strings.Cut(strings.TrimSuffix(t.Name(), "]"), "[")
	if generic {
		name += of[strings.LastIndexByte(of, '.')+1:]
	}
	if strings.HasSuffix(t.PkgPath(), "/ha") {
		name = "Election" + name // there is another Status
	}
	return name
}
