package mesoshttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// filterJSON returns what mesos-go is to decode of an event as a master writes it, of any version.
//
// mesos-go's own UnmarshalJSON and gogo's jsonpb both refuse a whole event for the name of an enum value that
// they do not know, such as the capability QUOTA_V2 in the SUBSCRIBED event of Mesos 1.11 and later. So these
// names are removed before mesos-go decodes the event: the field is then absent, as it is for a master that gets a
// call with an unknown name. So are unknown fields, which mesos-go would skip. Nor does it notice that a required field is
// missing.
//
// jsonpb cannot be used for encoding either: it writes 64-bit integers as strings, which masters refuse.
func filterJSON(frame []byte, s *shape, left *budget) ([]byte, error) {
	text, err := readJSON(frame)
	if err != nil {
		return nil, err
	}
	known := filter{jsonText: text, out: make([]byte, 0, len(frame)), left: left}
	err = known.message(s)
	return known.out, err
}

// filter copies what mesos-go knows of the JSON form of messages.
type filter struct {
	jsonText
	out  []byte
	left *budget
}

// message copies a message. It returns an error if a required field is missing.
func (f *filter) message(s *shape) error {
	if f.next() != '{' {
		return errors.New("a message is not an object")
	}
	var seen uint64
	f.out = append(f.out, '{')
	err := f.members(func(name []byte) error {
		field := s.byName[string(name)]
		if field == nil {
			f.value()
			return nil
		}
		if f.next() != 'n' { // null
			seen |= field.required
		}
		return f.member(field)
	})
	if err != nil {
		return err
	}
	f.out = append(bytes.TrimSuffix(f.out, []byte{','}), '}')
	for _, field := range s.required {
		if seen&field.required == 0 {
			return fmt.Errorf("%s is missing", field.name)
		}
	}
	return nil
}

// noValue is the number of no value of any enum.
const noValue = "-1"

// member copies a member of an object, unless it is the name of an enum value that mesos-go does not know. One that is
// required becomes noValue, since it is there. No event has a list of enums. A value that is not a string is left for the
// decoder to refuse.
func (f *filter) member(of *field) error {
	name := append(append(append(f.out, '"'), of.name...), '"', ':')
	switch c := f.next(); {
	case of.enum != nil && c == '"':
		value := f.value()
		if _, known := of.enum[string(unquoted(value))]; known {
			f.out = append(name, value...)
		} else if of.required != 0 {
			f.out = append(name, noValue...)
		} else {
			return nil
		}
	case of.list && c == '[':
		f.out = append(name, '[')
		err := f.elements(func() error {
			err := f.element(of)
			f.out = append(f.out, ',')
			return err
		})
		if err != nil {
			return err
		}
		f.out = append(bytes.TrimSuffix(f.out, []byte{','}), ']')
	default:
		f.out = name
		if err := f.element(of); err != nil {
			return err
		}
	}
	f.out = append(f.out, ',')
	return nil
}

// element copies the value of a field, or one of its list.
func (f *filter) element(of *field) error {
	if err := f.left.spend(of.size); err != nil {
		return err
	}
	if of.message != nil && f.next() != 'n' {
		return f.message(of.message)
	}
	value := f.value()
	if value[0] == '"' && !isPlain(value) { // what is not valid in UTF-8, or an escape, is written as encoding/json does
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return err
		}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(text); err != nil {
			return err
		}
		value = bytes.TrimSpace(b.Bytes())
	}
	f.out = append(f.out, value...)
	return f.left.spend(len(value))
}
