package mesoshttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
// call with an unknown name. Unknown fields are skipped anyway. Nor does mesos-go notice that a required field is missing.
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
	if err := prepare(value, reflect.TypeFor[scheduler.Event]()); err != nil {
		return err
	}
	known, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(known, event)
}

// prepare removes from value, the JSON form of a message or list of messages of type t, the enum fields whose names
// mesos-go does not know. It returns an error if a required field is missing.
func prepare(value any, t reflect.Type) error {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	if list, ok := value.([]any); ok {
		for _, v := range list {
			if err := prepare(v, t); err != nil {
				return err
			}
		}
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	for i := range t.NumField() {
		if err := prepareField(object, t.Field(i)); err != nil {
			return err
		}
	}
	return nil
}

// prepareField does the same with one field of an object.
func prepareField(object map[string]any, field reflect.StructField) error {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	tag := field.Tag.Get("protobuf")
	required := strings.Contains(tag, ",req,")
	v, present := object[name]
	switch _, enum, isEnum := strings.Cut(tag, "enum="); {
	case required && v == nil:
		return fmt.Errorf("%s is missing", name)
	case present && isEnum:
		replaceUnknown(object, name, enum, required)
		return nil
	case present:
		return prepare(v, field.Type)
	}
	return nil
}

// noValue is the number of no value of any enum.
const noValue = json.Number("-1")

// replaceUnknown removes object[name] if it is not a name of the enum. One that is required becomes noValue, since it is
// there. No event has a list of enums. A value that is not a string is left for the decoder to refuse.
func replaceUnknown(object map[string]any, name, enum string, required bool) {
	enum, _, _ = strings.Cut(enum, ",") // a default may follow in the tag
	s, ok := object[name].(string)
	if !ok {
		return
	}
	if _, known := proto.EnumValueMap(enum)[s]; known {
		return
	}
	if required {
		object[name] = noValue
	} else {
		delete(object, name)
	}
}
