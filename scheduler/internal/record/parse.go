package record

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"hash/maphash"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// parser parses JSON in the form in which records are written: without spaces and null, with the fields of a struct in their
// order. Of any other form, valid or not, it only reports that it is one, and package encoding/json decodes it. That alone
// takes four times as long, which is most of what a takeover would take. What the parser accepts, encoding/json decodes to
// the same.
//
// It knows the types that records consist of, and no others.
type parser struct {
	rest    []byte
	unusual bool // what was parsed last is in another form
	structs map[reflect.Type][]field
	// What was seen lately, by its hash, so that equal ones share their memory, and parts are parsed once.
	seed    maphash.Seed
	texts   [1 << 10]string // each where its hash says
	parts   map[uint64]part // at most partsKnown; then begun anew
	sharing bool            // parts are shared: it is a spec that is parsed
	into    *task.Spec      // zero, for the next spec, which is not shared itself; nil: it takes memory of its own
}

const partsKnown = 1 << 13

// part is a value that was parsed, and its text.
type part struct {
	of    reflect.Type
	text  []byte
	value reflect.Value
}

// field is a field of a struct.
type field struct {
	key   string // as it is written: "name":
	index int
}

func newParser() *parser {
	return &parser{structs: map[reflect.Type][]field{}, seed: maphash.MakeSeed(), parts: map[uint64]part{}}
}

// parse parses text into what into points to, which is zero, and reports whether it is in the usual form. A json.RawMessage
// is a part of text. A slice of bytes that is not nil is overwritten. Text must not change as long as p is used.
func (p *parser) parse(text []byte, into any) bool {
	p.rest, p.unusual = text, false
	_, p.sharing = into.(*storedSpec)
	p.value(reflect.ValueOf(into).Elem())
	return !p.unusual && len(p.rest) == 0
}

// unmarshal is json.Unmarshal into what into points to, which is zero.
func (p *parser) unmarshal(text []byte, into any) error {
	if p.parse(text, into) {
		return nil
	}
	reflect.ValueOf(into).Elem().SetZero()
	return json.Unmarshal(text, into)
}

// skip skips a text that comes next, and reports whether it does.
func (p *parser) skip(text string) bool {
	if len(p.rest) < len(text) || string(p.rest[:len(text)]) != text {
		return false
	}
	p.rest = p.rest[len(text):]
	return true
}

// expect skips a text that must come next.
func (p *parser) expect(text string) {
	if !p.skip(text) {
		p.unusual = true
	}
}

func (p *parser) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if into, is := v.Addr().Interface().(**task.Spec); is && p.into != nil {
			*into, p.into = p.into, nil
			p.fields(v.Elem())
		} else if p.sharing {
			p.shared(v)
		} else {
			p.part(v)
		}
	case reflect.Struct:
		if at, is := v.Addr().Interface().(*time.Time); is {
			p.time(at)
			return
		}
		p.fields(v)
	case reflect.Array:
		for i := range v.Len() {
			p.expect([...]string{"[", ","}[min(i, 1)])
			p.value(v.Index(i))
		}
		p.expect("]")
	case reflect.String:
		v.SetString(p.text())
	case reflect.Bool:
		if p.skip("true") {
			v.SetBool(true)
			return
		}
		p.expect("false")
	default:
		p.number(v)
	}
}

// shared is part, unless an equal part was parsed lately.
func (p *parser) shared(v reflect.Value) {
	begin := p.rest
	text := p.nested()
	hash := maphash.Bytes(p.seed, text)
	if known := p.parts[hash]; known.of == v.Type() && bytes.Equal(known.text, text) {
		v.Set(known.value)
		return
	}
	p.rest = begin
	if p.part(v); p.unusual {
		return
	}
	if len(p.parts) >= partsKnown {
		clear(p.parts)
	}
	p.parts[hash] = part{v.Type(), begin[:len(begin)-len(p.rest)], reflect.ValueOf(v.Interface())}
}

// part parses a value that has memory of its own.
func (p *parser) part(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		p.value(v.Elem())
	case reflect.Map:
		p.mapping(v)
	default:
		p.slice(v)
	}
}

// fields parses a struct.
func (p *parser) fields(v reflect.Value) {
	known := p.fieldsOf(v.Type())
	p.expect("{")
	for first := true; !p.unusual && !p.skip("}"); first = false {
		if !first {
			p.expect(",")
		}
		for len(known) > 0 && !p.skip(known[0].key) {
			known = known[1:]
		}
		if len(known) == 0 { // none is called so, or it comes too late
			p.unusual = true
			return
		}
		p.value(v.Field(known[0].index))
		known = known[1:]
	}
}

func (p *parser) fieldsOf(t reflect.Type) []field {
	known, ok := p.structs[t]
	if !ok {
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			known = append(known, field{strconv.Quote(name) + ":", i})
		}
		p.structs[t] = known
	}
	return known
}

func (p *parser) mapping(v reflect.Value) {
	v.Set(reflect.MakeMap(v.Type()))
	texts, ofTexts := v.Interface().(map[string]string) // most are, and this needs no reflection
	p.expect("{")
	for first := true; !p.unusual && !p.skip("}"); first = false {
		if !first {
			p.expect(",")
		}
		key := p.text()
		p.expect(":")
		if ofTexts {
			texts[key] = p.text()
			continue
		}
		element := reflect.New(v.Type().Elem()).Elem()
		p.value(element)
		v.SetMapIndex(reflect.ValueOf(key), element)
	}
}

func (p *parser) slice(v reflect.Value) {
	switch into := v.Addr().Interface().(type) {
	case *json.RawMessage:
		*into = p.nested()
		return
	case *[]byte:
		*into = p.bytes((*into)[:0])
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	p.expect("[")
	for n := 0; !p.unusual && !p.skip("]"); n++ {
		if n > 0 {
			p.expect(",")
		}
		v.Grow(1)
		v.SetLen(n + 1)
		p.value(v.Index(n))
	}
	v.Set(v.Slice3(0, v.Len(), v.Len())) // without room, since tasks share it and somebody may append to it
}

func (p *parser) time(at *time.Time) {
	begin := p.rest
	p.quoted()
	if !p.unusual && at.UnmarshalJSON(begin[:len(begin)-len(p.rest)]) != nil {
		p.unusual = true
	}
}

// bytes parses what is written in base64, and appends it to b.
func (p *parser) bytes(b []byte) []byte {
	b, err := base64.StdEncoding.AppendDecode(b, p.quoted())
	if err != nil {
		p.unusual = true
	}
	if b == nil {
		b = []byte{}
	}
	return b
}

// text parses a string.
func (p *parser) text() string {
	begin := p.rest
	text := p.quoted()
	if bytes.IndexByte(text, '\\') >= 0 { // such as each & of a command
		var whole string
		if json.Unmarshal(begin[:len(begin)-len(p.rest)], &whole) != nil {
			p.unusual = true
		}
		return whole
	}
	if !utf8.Valid(text) { // encoding/json replaces what is not
		p.unusual = true
	}
	known := &p.texts[maphash.Bytes(p.seed, text)%uint64(len(p.texts))]
	if *known != string(text) {
		*known = string(text)
	}
	return *known
}

// quoted skips a string and returns what is between its quotes.
func (p *parser) quoted() []byte {
	p.expect(`"`)
	for i := 0; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			text := p.rest[:i]
			p.rest = p.rest[i+1:]
			return text
		case c == '\\':
			i++
		case c < ' ':
			p.unusual = true
		}
	}
	p.unusual = true
	return nil
}

// nested skips an object, list or string and returns its text. Whether that is one is left to whoever parses it.
func (p *parser) nested() []byte {
	begin, depth := p.rest, 0
	for len(p.rest) > 0 && !p.unusual {
		switch p.rest[0] {
		case '"':
			p.quoted()
		case '{', '[':
			depth++
			p.rest = p.rest[1:]
		case '}', ']':
			depth--
			p.rest = p.rest[1:]
		default:
			p.rest = p.rest[1:]
		}
		if depth == 0 {
			break
		}
	}
	return begin[:len(begin)-len(p.rest)]
}

// number parses a number without exponent.
func (p *parser) number(v reflect.Value) {
	n := len(p.rest) - len(bytes.TrimPrefix(p.rest, []byte{'-'}))
	whole := digits(p.rest[n:])
	if p.unusual = p.unusual || whole == 0 || whole > 1 && p.rest[n] == '0'; p.unusual {
		return
	}
	if n += whole; n < len(p.rest) && p.rest[n] == '.' {
		fraction := digits(p.rest[n+1:])
		p.unusual = fraction == 0
		n += 1 + fraction
	}
	text := string(p.rest[:n])
	p.rest = p.rest[n:]
	var err error
	switch {
	case v.CanInt():
		var i int64
		i, err = strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(i)
	case v.CanUint():
		var u uint64
		u, err = strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(u)
	case v.CanFloat():
		var f float64
		f, err = strconv.ParseFloat(text, v.Type().Bits())
		v.SetFloat(f)
	default:
		p.unusual = true
	}
	p.unusual = p.unusual || err != nil
}

// digits returns how many digits a text begins with.
func digits(text []byte) (n int) {
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	return n
}
