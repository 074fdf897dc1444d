package mesostest

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
	"unicode/utf8"

	"github.com/gogo/protobuf/proto"
)

// This file turns Mesos messages into JSON and back the way libprocess does it, by the protobuf
// tags of the Go structs: names in snake_case, enums by name, bytes as base64. It does not use the
// JSON methods of mesos-go, which refuse enum names that they do not know, where Mesos drops them.

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

// parseJSON reads one JSON value; the error is worded as Mesos words it.
func parseJSON(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errors.New("syntax error at " + placeOf(err, body))
	}
	if rest := body[d.InputOffset():]; len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("Parsed JSON included non-whitespace trailing characters: %s", rest) //nolint:staticcheck // Mesos' own words
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
		rest, _, _ = bytes.Cut(body[at:], []byte("\n"))
	}
	return fmt.Sprintf("line %d near: %s", 1+bytes.Count(body[:at], []byte("\n")), rest)
}

// decodeJSON fills the message with a JSON object.
func decodeJSON(v any, message any) error {
	object, ok := v.(map[string]any)
	if !ok {
		return errors.New("Expecting a JSON object") //nolint:staticcheck // Mesos' own words
	}
	target := reflect.ValueOf(message).Elem()
	if err := setMessage(target, object); err != nil {
		return err
	}
	if missing := missingFields(object, target.Type(), ""); len(missing) > 0 {
		return errors.New("Missing required fields: " + strings.Join(missing, ", ")) //nolint:staticcheck // Mesos' own words
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
		return setMap(v, f, value)
	}
	return setSingle(v, f, value)
}

func setMap(v reflect.Value, f field, value any) error {
	object, ok := value.(map[string]any)
	if !ok {
		return wrongType(f, value)
	}
	v.Set(reflect.MakeMap(v.Type()))
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
			return fmt.Errorf("Failed to find enum for '%s'", s) //nolint:staticcheck // Mesos' own words
		}
		v.SetInt(int64(n))
		return nil
	case v.Kind() == reflect.String:
		v.SetString(s)
		return nil
	case v.Kind() == reflect.Slice:
		b, err := decodeBase64(s)
		if err != nil {
			return fmt.Errorf("Failed to base64 decode bytes field '%s': %w", f.name, err) //nolint:staticcheck // Mesos' own words
		}
		v.SetBytes(b)
		return nil
	case v.Kind() == reflect.Float64 && (s == "Infinity" || s == "-Infinity"):
		v.SetFloat(math.Inf(1 - 2*strings.Count(s, "-")))
		return nil
	case v.Kind() == reflect.Bool && (s == "true" || s == "false"):
		v.SetBool(s == "true")
		return nil
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return setNumber(v, f, json.Number(s))
	}
	return wrongType(f, s)
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
	return fmt.Errorf("Not expecting a JSON %s for field '%s'", kind, f.name) //nolint:staticcheck // Mesos' own words
}

// decodeBase64 stops at the padding and skips white space, as stout does.
func decodeBase64(s string) ([]byte, error) {
	s, _, _ = strings.Cut(s, "=")
	s = strings.Join(strings.Fields(s), "")
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range len(s) {
		if !strings.Contains(alphabet, s[i:i+1]) {
			return nil, fmt.Errorf("Invalid character '%s'", s[i:i+1]) //nolint:staticcheck // Mesos' own words
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
			missing = append(missing, missingFields(v, part, prefix+f.name+".")...)
		case []any:
			for i, item := range v {
				o, _ := item.(map[string]any)
				missing = append(missing, missingFields(o, part, fmt.Sprintf("%s%s[%d].", prefix, f.name, i))...)
			}
		}
	}
	return missing
}

// lateEnums are values of Mesos 1.11 that mesos-go v0.0.11 does not know.
func lateEnums(enum string) map[string]int32 {
	switch enum {
	case "mesos.MasterInfo_Capability_Type":
		return map[string]int32{"QUOTA_V2": quotaV2}
	case "mesos.AttributeConstraint_Selector_PseudoattributeType":
		return map[string]int32{"UNKNOWN": 0, "HOSTNAME": 1, "REGION": 2, "ZONE": 3}
	}
	return nil
}

// quotaV2 is MasterInfo.Capability.QUOTA_V2.
const quotaV2 = 3

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

// jsonEncoder writes one message; it remembers the fields of types met before.
type jsonEncoder struct {
	out    []byte
	fields map[reflect.Type][]field
}

// encodeJSON writes a message as Mesos does.
func encodeJSON(message any) []byte {
	e := jsonEncoder{fields: map[reflect.Type][]field{}}
	e.message(reflect.Indirect(reflect.ValueOf(message)))
	return e.out
}

func (e *jsonEncoder) message(m reflect.Value) {
	fields, ok := e.fields[m.Type()]
	if !ok {
		fields = messageFields(m.Type())
		e.fields[m.Type()] = fields
	}
	e.out = append(e.out, '{')
	first := true
	for _, f := range fields {
		v := m.Field(f.index)
		if !present(v, f) {
			continue
		}
		if !first {
			e.out = append(e.out, ',')
		}
		first = false
		e.out = append(e.out, '"')
		e.out = append(e.out, f.name...)
		e.out = append(e.out, '"', ':')
		e.value(v, f)
	}
	e.out = append(e.out, '}')
}

// present says whether a field is set. Of a field that Go keeps without a pointer although it is
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

func (e *jsonEncoder) value(v reflect.Value, f field) {
	switch v.Kind() {
	case reflect.Pointer:
		e.value(v.Elem(), f)
	case reflect.Struct:
		e.message(v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			e.out = append(e.out, '"')
			e.out = base64.StdEncoding.AppendEncode(e.out, v.Bytes())
			e.out = append(e.out, '"')
			return
		}
		e.out = append(e.out, '[')
		for i := range v.Len() {
			if i > 0 {
				e.out = append(e.out, ',')
			}
			e.value(v.Index(i), f)
		}
		e.out = append(e.out, ']')
	case reflect.Map:
		e.mapping(v, f)
	case reflect.String:
		e.string(v.String())
	case reflect.Bool:
		e.out = strconv.AppendBool(e.out, v.Bool())
	case reflect.Float64, reflect.Float32:
		e.double(v.Float())
	case reflect.Uint64, reflect.Uint32:
		e.out = strconv.AppendUint(e.out, v.Uint(), 10)
	default:
		if name, ok := enumName(f.enum, int32(v.Int())); ok && f.enum != "" { //nolint:gosec // enums are 32 bits wide
			e.string(name)
			return
		}
		e.out = strconv.AppendInt(e.out, v.Int(), 10)
	}
}

func (e *jsonEncoder) mapping(v reflect.Value, f field) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	e.out = append(e.out, '{')
	for i, key := range keys {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		e.string(key.String())
		e.out = append(e.out, ':')
		e.value(v.MapIndex(key), f)
	}
	e.out = append(e.out, '}')
}

// double always writes a decimal point, so that readers see a floating-point number.
func (e *jsonEncoder) double(x float64) {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		e.string(strings.Replace(strconv.FormatFloat(x, 'g', -1, 64), "Inf", "Infinity", 1))
		return
	}
	from := len(e.out)
	e.out = strconv.AppendFloat(e.out, x, 'g', -1, 64)
	if x == math.Trunc(x) && math.Abs(x) < 1e17 {
		e.out = strconv.AppendFloat(e.out[:from], x, 'f', 1, 64)
	}
}

func (e *jsonEncoder) string(s string) {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	b, _ := json.Marshal(s) // a valid string always marshals
	e.out = append(e.out, b...)
}
