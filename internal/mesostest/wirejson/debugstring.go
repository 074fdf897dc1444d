package wirejson

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// DebugString returns a message as protobuf for C++ prints it: the fields by number, each on a line.
func DebugString(message any) string {
	var b strings.Builder
	debugFields(&b, "", reflect.Indirect(reflect.ValueOf(message)))
	return b.String()
}

func debugFields(b *strings.Builder, indent string, m reflect.Value) {
	fields := messageFields(m.Type())
	slices.SortFunc(fields, func(x, y field) int { return x.number - y.number })
	for _, f := range fields {
		v := m.Field(f.index)
		switch {
		case !present(v, f):
		case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
			for i := range v.Len() {
				debugField(b, indent, f, reflect.Indirect(v.Index(i)))
			}
		default:
			debugField(b, indent, f, reflect.Indirect(v))
		}
	}
}

func debugField(b *strings.Builder, indent string, f field, v reflect.Value) {
	b.WriteString(indent + f.name)
	switch v.Kind() {
	case reflect.Struct:
		b.WriteString(" {\n")
		debugFields(b, indent+"  ", v)
		b.WriteString(indent + "}\n")
		return
	case reflect.String:
		b.WriteString(": " + debugQuote(v.String()))
	case reflect.Slice:
		b.WriteString(": " + debugQuote(string(v.Bytes())))
	case reflect.Float64, reflect.Float32:
		b.WriteString(": " + strconv.FormatFloat(v.Float(), 'g', -1, 64))
	default:
		name, ok := "", false
		if f.enum != "" && v.CanInt() {
			name, ok = enumName(f.enum, int32(v.Int()))
		}
		if !ok {
			name = fmt.Sprint(v.Interface())
		}
		b.WriteString(": " + name)
	}
	b.WriteString("\n")
}

// debugQuote escapes as C does, also single quotes; what is not ASCII in octal.
func debugQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '"' || c == '\'' || c == '\\':
			b.WriteString(`\` + string(c))
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
