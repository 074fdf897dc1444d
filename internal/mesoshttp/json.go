package mesoshttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"

	"github.com/gogo/protobuf/proto"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// decodeJSON decodes what a master writes, of any version.
//
// mesos-go's own UnmarshalJSON and gogo's jsonpb both refuse a whole event for the name of an enum value that
// they do not know, such as the capability QUOTA_V2 in the SUBSCRIBED event of Mesos 1.11 and later. So these
// names are removed before mesos-go decodes the event: the field is then absent, as it is for a master that gets a
// call with an unknown name. Unknown fields are skipped anyway.
//
// jsonpb cannot be used for encoding either: it writes 64-bit integers as strings, which masters refuse.
func decodeJSON(frame []byte, event *scheduler.Event) error {
	var value any
	d := json.NewDecoder(bytes.NewReader(frame))
	d.UseNumber() // float64 would round large integers
	if err := d.Decode(&value); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the event")
	}
	dropUnknown(value, reflect.TypeFor[scheduler.Event]())
	known, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(known, event)
}

// dropUnknown removes from value, the JSON form of a message or list of messages of type t, the enum fields
// whose names mesos-go does not know.
func dropUnknown(value any, t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return
	}
	if list, ok := value.([]any); ok {
		for _, v := range list {
			dropUnknown(v, t)
		}
	}
	object, ok := value.(map[string]any)
	if !ok {
		return
	}
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if v, ok := object[name]; ok {
			if _, enum, ok := strings.Cut(field.Tag.Get("protobuf"), "enum="); ok {
				dropUnknownName(object, name, enum)
			} else {
				dropUnknown(v, field.Type)
			}
		}
	}
}

// dropUnknownName removes object[name] if it is not a name of the enum. No event has a list of enums. A value that is
// not a string is left for the decoder to refuse.
func dropUnknownName(object map[string]any, name, enum string) {
	enum, _, _ = strings.Cut(enum, ",") // a default may follow in the tag
	if s, ok := object[name].(string); ok {
		if _, known := proto.EnumValueMap(enum)[s]; !known {
			delete(object, name)
		}
	}
}
