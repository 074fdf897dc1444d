package wirejson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Parse reads one JSON value, with numbers as json.Number. The error is in Mesos' words.
func Parse(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errors.New("syntax error at " + placeOf(err, body))
	}
	if rest := body[d.InputOffset():]; len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("Parsed JSON included non-whitespace trailing characters: %s", rest)
	}
	return v, nil
}

// placeOf names the line of a syntax error and what is left of it from there on.
func placeOf(err error, body []byte) string {
	rest := []byte(nil)
	at := len(body)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF) && syntax.Offset > 0 &&
		!strings.HasPrefix(syntax.Error(), "unexpected end") {
		at = min(int(syntax.Offset)-1, len(body))
		if strings.HasSuffix(syntax.Error(), "in string escape code") {
			at++ // Mesos has taken it when it finds out
		}
		rest, _, _ = bytes.Cut(body[at:], []byte("\n"))
	}
	rest = bytes.Map(func(c rune) rune {
		if c < ' ' {
			return -1 // Mesos leaves control characters out
		}
		return c
	}, rest)
	return fmt.Sprintf("line %d near: %s", 1+bytes.Count(body[:at], []byte("\n")), rest)
}

// Decode fills the message, a pointer to a struct, with a JSON object that [Parse] returned. The error is in
// Mesos' words; the first field by name that is wrong decides, and missing ones come after wrong ones.
func Decode(v any, message any) error {
	object, ok := v.(map[string]any)
	if !ok {
		return errors.New("Expecting a JSON object")
	}
	target := reflect.ValueOf(message).Elem()
	if err := setMessage(target, object); err != nil {
		return err
	}
	if missing := missingFields(object, target.Type(), ""); len(missing) > 0 {
		return errors.New("Missing required fields: " + strings.Join(missing, ", "))
	}
	return nil
}

// setMessage goes through the object by name, as Mesos does: the first error decides.
func setMessage(m reflect.Value, object map[string]any) error {
	fields := messageFields(m.Type())
	for _, name := range slices.Sorted(maps.Keys(object)) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 || object[name] == nil {
			continue
		}
		if err := setField(m.Field(fields[i].index), fields[i], object[name]); err != nil {
			return err
		}
	}
	return nil
}

func setField(v reflect.Value, f field, value any) error {
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8 {
		list, ok := value.([]any)
		if !ok { // Mesos takes a single value for a list of one
			list = []any{value}
		}
		for _, item := range list {
			if item == nil {
				continue
			}
			e := reflect.New(v.Type().Elem()).Elem()
			if err := setField(e, f, item); err != nil {
				return err
			}
			v.Set(reflect.Append(v, e))
		}
		return nil
	}
	if v.Kind() == reflect.Map {
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		for _, item := range list {
			if err := setMap(v, f, item); err != nil {
				return err
			}
		}
		return nil
	}
	return setSingle(v, f, value)
}

func setMap(v reflect.Value, f field, value any) error {
	object, ok := value.(map[string]any)
	if !ok {
		return wrongType(f, value)
	}
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		e := reflect.New(v.Type().Elem()).Elem()
		if object[key] != nil {
			if err := setSingle(e, field{name: "value"}, object[key]); err != nil {
				return err
			}
		}
		v.SetMapIndex(reflect.ValueOf(key), e)
	}
	return nil
}

// setSingle sets v, through a pointer if it is one. An unknown enum value leaves v alone.
func setSingle(v reflect.Value, f field, value any) error {
	if v.Kind() == reflect.Pointer {
		e := reflect.New(v.Type().Elem())
		if s, ok := value.(string); ok && f.enum != "" && !f.required {
			if _, known := enumValue(f.enum, s); !known {
				return nil
			}
		}
		if err := setSingle(e.Elem(), f, value); err != nil {
			return err
		}
		v.Set(e)
		return nil
	}
	switch value := value.(type) {
	case map[string]any:
		if v.Kind() == reflect.Struct {
			return setMessage(v, value)
		}
	case string:
		return setString(v, f, value)
	case json.Number:
		if f.enum == "" {
			return setNumber(v, f, value)
		}
	case bool:
		if v.Kind() == reflect.Bool {
			v.SetBool(value)
			return nil
		}
	}
	return wrongType(f, value)
}

func setString(v reflect.Value, f field, s string) error {
	switch {
	case f.enum != "":
		n, known := enumValue(f.enum, s)
		if !known && f.required {
			return fmt.Errorf("Failed to find enum for '%s'", s)
		}
		v.SetInt(int64(n))
		return nil
	case v.Kind() == reflect.String:
		v.SetString(s)
		return nil
	case v.Kind() == reflect.Slice:
		b, err := decodeBase64(s)
		if err != nil {
			return fmt.Errorf("Failed to base64 decode bytes field '%s': %w", f.name, err)
		}
		v.SetBytes(b)
		return nil
	case v.Kind() == reflect.Float64 && (s == "Infinity" || s == "-Infinity"):
		v.SetFloat(math.Inf(1 - 2*strings.Count(s, "-")))
		return nil
	case v.Kind() == reflect.Struct:
		return wrongType(f, s)
	}
	return setParsed(v, f, s)
}

// setParsed takes a number or a boolean out of a string, as Mesos does.
func setParsed(v reflect.Value, f field, s string) error {
	kind := "number"
	if v.Kind() == reflect.Bool {
		kind = "boolean"
	}
	value, err := Parse([]byte(s))
	switch value := value.(type) {
	case json.Number:
		if kind == "number" {
			return setNumber(v, f, value)
		}
	case bool:
		if kind == "boolean" {
			v.SetBool(value)
			return nil
		}
	}
	if err == nil {
		err = errors.New("Unexpected JSON type parsed")
	}
	return fmt.Errorf("Failed to parse '%s' as a JSON %s for field '%s': %w", s, kind, f.name, err)
}

func setNumber(v reflect.Value, f field, n json.Number) error {
	x, err := n.Float64()
	if err != nil {
		return wrongType(f, n)
	}
	switch v.Kind() {
	case reflect.Float64, reflect.Float32:
		v.SetFloat(x)
	case reflect.Int64, reflect.Int32:
		if i, err := n.Int64(); err == nil {
			v.SetInt(i)
		} else {
			v.SetInt(int64(x))
		}
	case reflect.Uint64, reflect.Uint32:
		if u, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
			v.SetUint(u)
		} else {
			v.SetUint(uint64(int64(x)))
		}
	default:
		return wrongType(f, n)
	}
	return nil
}

func wrongType(f field, value any) error {
	kind := "string"
	switch value.(type) {
	case map[string]any:
		kind = "object"
	case []any:
		kind = "array"
	case json.Number:
		kind = "number"
	case bool:
		kind = "boolean"
	}
	return fmt.Errorf("Not expecting a JSON %s for field '%s'", kind, f.name)
}

// decodeBase64 stops at the padding and skips white space, as stout does.
func decodeBase64(s string) ([]byte, error) {
	s, _, _ = strings.Cut(s, "=")
	s = strings.Join(strings.Fields(s), "")
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range len(s) {
		if !strings.Contains(alphabet, s[i:i+1]) {
			return nil, fmt.Errorf("Invalid character '%s'", s[i:i+1])
		}
	}
	if len(s)%4 == 1 { // six bits of a last byte are of no use
		s = s[:len(s)-1]
	}
	return base64.RawStdEncoding.DecodeString(s)
}

// missingFields lists the paths of required fields that are not there: first those of the message
// itself as they are declared, then those of its parts by field number, as protobuf does.
func missingFields(object map[string]any, t reflect.Type, prefix string) []string {
	if t.Kind() != reflect.Struct {
		return nil
	}
	var missing []string
	fields := messageFields(t)
	for _, f := range fields {
		if f.required && object[f.name] == nil {
			missing = append(missing, prefix+f.name)
		}
	}
	slices.SortStableFunc(fields, func(a, b field) int { return a.number - b.number })
	for _, f := range fields {
		part := t.Field(f.index).Type
		for part.Kind() == reflect.Pointer || part.Kind() == reflect.Slice {
			part = part.Elem()
		}
		if part.Kind() == reflect.Map {
			if part = part.Elem(); part.Kind() == reflect.Pointer {
				part = part.Elem()
			}
			entries, _ := object[f.name].(map[string]any)
			for i, key := range slices.Sorted(maps.Keys(entries)) {
				entry, _ := entries[key].(map[string]any)
				missing = append(missing, missingFields(entry, part, fmt.Sprintf("%s%s[%d].value.", prefix, f.name, i))...)
			}
			continue
		}
		if part.Kind() != reflect.Struct {
			continue
		}
		switch v := object[f.name].(type) {
		case map[string]any:
			name := f.name
			if t.Field(f.index).Type.Kind() == reflect.Slice { // a list of one
				name += "[0]"
			}
			missing = append(missing, missingFields(v, part, prefix+name+".")...)
		case []any:
			for i, item := range v {
				o, _ := item.(map[string]any)
				missing = append(missing, missingFields(o, part, fmt.Sprintf("%s%s[%d].", prefix, f.name, i))...)
			}
		}
	}
	return missing
}
