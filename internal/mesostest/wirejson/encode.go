package wirejson

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// encoder writes one message; it remembers the fields of types met before.
type encoder struct {
	out    []byte
	fields map[reflect.Type][]field
}

// Encode returns a message, or one that is pointed to, as the JSON that Mesos writes.
func Encode(message any) []byte {
	e := encoder{fields: map[reflect.Type][]field{}}
	e.message(reflect.Indirect(reflect.ValueOf(message)))
	return e.out
}

func (e *encoder) message(m reflect.Value) {
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

func (e *encoder) value(v reflect.Value, f field) {
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
		if name, ok := enumName(f.enum, int32(v.Int())); ok && f.enum != "" {
			e.string(name)
			return
		}
		e.out = strconv.AppendInt(e.out, v.Int(), 10)
	}
}

func (e *encoder) mapping(v reflect.Value, f field) {
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
func (e *encoder) double(x float64) {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		e.string(strings.Replace(strings.TrimPrefix(strconv.FormatFloat(x, 'g', -1, 64), "+"), "Inf", "Infinity", 1))
		return
	}
	from := len(e.out)
	e.out = strconv.AppendFloat(e.out, x, 'g', -1, 64)
	if x == math.Trunc(x) && math.Abs(x) < 1e17 {
		e.out = strconv.AppendFloat(e.out[:from], x, 'f', 1, 64)
	}
}

func (e *encoder) string(s string) {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	b, _ := json.Marshal(s) // a valid string always marshals
	e.out = append(e.out, b...)
}
