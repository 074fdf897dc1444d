package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Specs are compared by what they say, without ID and RequestID: an empty list or map is as good as none, amounts are compared as
// Mesos does, in thousandths, and text as it is stored, with U+FFFD for each byte that is not UTF-8. Defaults are not
// filled in.

// Sum returns 64 bits of a hash of what a spec says. Of two specs that say different things it is the same with a
// probability of 1 in 2^64.
func Sum(s *task.Spec) uint64 {
	anonymous := *s
	anonymous.ID, anonymous.RequestID = "", ""
	hash := sha256.Sum256(appendValue(make([]byte, 0, 512), reflect.ValueOf(anonymous)))
	return binary.BigEndian.Uint64(hash[:])
}

// Difference is a field in which two specs differ. Texts are empty if they might be secret.
type Difference struct {
	Field string // such as "Mem", "Ports[1].Protocol" or "Command.Env[PATH]"
	A, B  string // what the two say
}

// Differences returns the fields in which two specs differ, in the order of the fields. There are none if and only if what
// Sum hashes is equal.
func Differences(a, b *task.Spec) []Difference {
	first, second := *a, *b
	first.ID, second.ID = "", ""
	first.RequestID, second.RequestID = "", ""
	return differences(nil, "", reflect.ValueOf(first), reflect.ValueOf(second))
}

func differences(found []Difference, path string, a, b reflect.Value) []Difference {
	if bytes.Equal(appendValue(nil, a), appendValue(nil, b)) {
		return found
	}
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			field := a.Type().Field(i).Name
			if path != "" {
				field = path + "." + field
			}
			found = differences(found, field, a.Field(i), b.Field(i))
		}
		return found
	case reflect.Pointer:
		if !a.IsNil() && !b.IsNil() {
			return differences(found, path, a.Elem(), b.Elem())
		}
	case reflect.Slice:
		if a.Len() == b.Len() && a.Type().Elem().Kind() != reflect.Uint8 {
			for i := range a.Len() {
				found = differences(found, fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i))
			}
			return found
		}
	case reflect.Map:
		return mapDifferences(found, path, a, b)
	}
	return append(found, Difference{Field: path, A: describe(path, a), B: describe(path, b)})
}

func mapDifferences(found []Difference, path string, a, b reflect.Value) []Difference {
	keys := map[string]reflect.Value{}
	for _, m := range [...]reflect.Value{a, b} {
		for _, key := range m.MapKeys() {
			keys[key.String()] = key
		}
	}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		at := fmt.Sprintf("%s[%s]", path, name)
		switch first, second := a.MapIndex(keys[name]), b.MapIndex(keys[name]); {
		case first.IsValid() && second.IsValid():
			found = differences(found, at, first, second)
		default:
			found = append(found, Difference{Field: at, A: describe(at, first), B: describe(at, second)})
		}
	}
	return found
}

// describe returns a value as text for people. An environment often has passwords in it.
func describe(path string, v reflect.Value) string {
	switch {
	case !v.IsValid(), v.Kind() == reflect.Pointer && v.IsNil():
		return "none"
	case strings.Contains(path, "Env["), v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		return ""
	}
	if d, ok := v.Interface().(time.Duration); ok {
		return d.String()
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return strconv.Itoa(v.Len())
	case reflect.Struct, reflect.Pointer:
		return "one"
	case reflect.String:
		return strconv.Quote(v.String())
	}
	return fmt.Sprint(v.Interface())
}

// appendValue appends what a value says, and nothing if it says nothing. No two values that differ have the same bytes.
func appendValue(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Struct:
		return appendStruct(b, v)
	case reflect.Pointer:
		if !v.IsNil() {
			b = append(appendValue(append(b, '&', '('), v.Elem()), ')')
		}
	case reflect.Slice:
		return appendSlice(b, v)
	case reflect.Map:
		return appendMap(b, v)
	case reflect.String:
		if v.Len() > 0 {
			b = appendText(b, v.String())
		}
	case reflect.Float64:
		if n := math.Round(v.Float() * 1000); n != 0 {
			b = strconv.AppendFloat(b, n, 'f', 0, 64)
		}
	case reflect.Bool:
		if v.Bool() {
			b = append(b, '1')
		}
	default:
		if !v.IsZero() {
			b = fmt.Append(b, v.Interface())
		}
	}
	return b
}

// appendStruct names each field as it is stored.
func appendStruct(b []byte, v reflect.Value) []byte {
	begin := len(b)
	b = append(b, '{')
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			continue
		}
		before := len(b)
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		b = append(append(b, name...), ':')
		value := len(b)
		if b = appendValue(b, v.Field(i)); len(b) == value {
			b = b[:before]
			continue
		}
		b = append(b, ';')
	}
	if len(b) == begin+1 {
		return b[:begin]
	}
	return append(b, '}')
}

func appendSlice(b []byte, v reflect.Value) []byte {
	switch {
	case v.Type().Elem().Kind() == reflect.Uint8 && !v.IsNil(): // an empty secret is one
		return strconv.AppendQuote(b, string(v.Bytes()))
	case v.Len() == 0:
		return b
	}
	b = append(b, '[')
	for i := range v.Len() {
		b = append(appendValue(b, v.Index(i)), ',')
	}
	return append(b, ']')
}

func appendMap(b []byte, v reflect.Value) []byte {
	if v.Len() == 0 {
		return b
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	b = append(b, '{')
	for _, key := range keys {
		b = append(appendText(b, key.String()), ':')
		b = append(appendValue(b, v.MapIndex(key)), ';')
	}
	return append(b, '}')
}

func appendText(b []byte, text string) []byte {
	if !utf8.ValidString(text) {
		text = string([]rune(text))
	}
	return strconv.AppendQuote(b, text)
}
