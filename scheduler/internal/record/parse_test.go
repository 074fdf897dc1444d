package record

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/quick"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// forms are the types that are parsed, each zero.
func forms() []any {
	return []any{new(storedSpec), new(storedTask[json.RawMessage]), new(storedAgent), new(storedEnded)}
}

// requireAsJSON parses a text as each type, and requires that encoding/json decodes to the same what is in the usual form of
// one. It returns whether it is.
func requireAsJSON(t testing.TB, p *parser, text []byte) (usual bool) {
	for _, got := range forms() {
		want := reflect.New(reflect.TypeOf(got).Elem()).Interface()
		if !p.parse(text, got) {
			require.Equal(t, json.Unmarshal(text, want), p.unmarshal(text, got))
			require.Equal(t, want, got)
			continue
		}
		if s, is := got.(*storedTask[json.RawMessage]); is && len(s.Agent) > 0 && p.unmarshal(s.Agent, new(storedAgent)) != nil {
			continue // the agent is checked by who parses it
		}
		usual = true
		require.NoError(t, json.Unmarshal(text, want), "%T %s", got, text)
		require.Equal(t, want, got, "%s", text)
	}
	return usual
}

func recordsOf(t testing.TB, tasks ...plainTask) (records [][]byte) {
	for key, value := range encodeAll(t, Framework{}, tasks) {
		if strings.HasPrefix(key, specPrefix) || strings.HasPrefix(key, taskPrefix) {
			records = append(records, value)
		}
	}
	return records
}

// What is written is in the usual form, so that package encoding/json is not needed.
func TestUsualForm(t *testing.T) {
	p := newParser()
	for _, text := range recordsOf(t, append(samples(), service(1, false))...) {
		require.True(t, requireAsJSON(t, p, text), "%s", text)
	}
	var e Ended
	require.NoError(t, quick.Check(func(pod string, at int64, sum uint64) bool {
		value, err := json.Marshal(storedEnded{Version: endedVersion, State: e.State.String(), At: at, Spec: sum, Pod: pod})
		require.NoError(t, err)
		return requireAsJSON(t, p, value)
	}, nil))
	require.NoError(t, quick.Check(func(r randomTask) bool {
		for _, text := range recordsOf(t, plainTask(r)) {
			require.True(t, requireAsJSON(t, p, text) || strings.Contains(string(text), "e-"), "%s", text)
		}
		return true
	}, nil))
}

// What else JSON can say, and what is no JSON, is in another form.
func TestUnusualForms(t *testing.T) {
	p := newParser()
	require.True(t, requireAsJSON(t, p, []byte(`{"version":2,"spec":{"cpus":1.5,"labels":{"a":"b"}}}`)), "control")
	for name, text := range map[string]string{
		"a space":              `{"version":2, "spec":{}}`,
		"at the end":           `{"version":2,"spec":{}} `,
		"another value":        `{"version":2,"spec":{}}{}`,
		"cut off":              `{"version":2,"spec":{}`,
		"nothing":              ``,
		"null":                 `null`,
		"a list":               `[]`,
		"a field that is null": `{"version":2,"spec":null}`,
		"another order":        `{"spec":{},"version":2}`,
		"a field twice":        `{"version":2,"version":2,"spec":{}}`,
		"an unknown field":     `{"version":2,"spec":{},"x":1}`,
		"capitals":             `{"Version":2,"spec":{}}`,
		"an escaped name":      `{"v\u0065rsion":2,"spec":{}}`,
		"no comma":             `{"version":2"spec":{}}`,
		"two commas":           `{"version":2,,"spec":{}}`,
		"a comma at the end":   `{"version":2,"spec":{},}`,
		"an exponent":          `{"version":2,"spec":{"cpus":1e3}}`,
		"a zero before":        `{"version":02,"spec":{}}`,
		"a plus":               `{"version":+2,"spec":{}}`,
		"no digit":             `{"version":-,"spec":{}}`,
		"no fraction":          `{"version":2,"spec":{"cpus":1.}}`,
		"two points":           `{"version":2,"spec":{"cpus":1.2.3}}`,
		"only a fraction":      `{"version":2,"spec":{"cpus":.5}}`,
		"a fraction of an int": `{"version":2.5,"spec":{}}`,
		"too large":            `{"version":2,"spec":{"ports":[{"container":65536}]}}`,
		"a negative port":      `{"version":2,"spec":{"ports":[{"container":-1}]}}`,
		"a number as text":     `{"version":"2","spec":{}}`,
		"a text as number":     `{"version":2,"spec":{"name":1}}`,
		"half true":            `{"version":2,"spec":{"revocable":tru}}`,
		"not UTF-8":            "{\"version\":2,\"spec\":{\"name\":\"\xff\"}}",
		"a line break":         "{\"version\":2,\"spec\":{\"name\":\"a\nb\"}}",
		"a bad escape":         `{"version":2,"spec":{"name":"\x"}}`,
		"a text without end":   `{"version":2,"spec":{"name":"a\"}}`,
		"no base64":            `{"version":2,"state":"running","status":"?"}`,
		"a broken line":        "{\"version\":2,\"state\":\"running\",\"status\":\"CgIK\nABAB\"}",
		"no time":              `{"version":2,"state":"running","updated":"now"}`,
		"too few of four":      `{"version":2,"state":"running","uuids":[1,2,3]}`,
		"too many":             `{"version":2,"state":"running","uuids":[1,2,3,4,5]}`,
		"an agent of no kind":  `{"version":2,"state":"running","agent":null}`,
	} {
		t.Run(name, func(t *testing.T) { require.False(t, requireAsJSON(t, p, []byte(text))) })
	}
}

// A record in which one byte is missing, doubled or another one is not taken for what it is not.
func TestDamagedForms(t *testing.T) {
	const others = "{}[]\",:\\.-0eEu \n\xff"
	p := newParser()
	for _, text := range recordsOf(t, samples()[0], service(1, false)) {
		for at := range text {
			same := string(text[at : at+1])
			put := [...]string{"", same + same, others[at*7%len(others):][:1]}[at%3]
			requireAsJSON(t, p, []byte(string(text[:at])+put+string(text[at+1:])))
		}
	}
}

// Whatever the bytes, what the parser accepts encoding/json decodes to the same.
func FuzzParse(f *testing.F) {
	p := newParser()
	for _, text := range recordsOf(f, append(samples(), service(1, false))...) {
		f.Add(text)
	}
	f.Add([]byte(`{"id":"S1","attributes":["CgRyYWNrEAMqBAoCcjE="]}`))
	f.Add([]byte(`{"version":1,"state":"finished","at":-1,"spec":18446744073709551615,"pod":"a"}`))
	f.Fuzz(func(t *testing.T, text []byte) { requireAsJSON(t, p, text) })
}

// Equal texts share their memory.
func TestSharedTexts(t *testing.T) {
	p := newParser()
	var specs [2]storedSpec
	for i := range specs {
		require.True(t, p.parse(fmt.Appendf(nil, `{"version":2,"spec":{"name":"shop","cpus":%d}}`, i), &specs[i]))
	}
	require.NotSame(t, specs[0].Spec, specs[1].Spec)
	require.Same(t, unsafe.StringData(specs[0].Spec.Name), unsafe.StringData(specs[1].Spec.Name))
}

// A parser that has seen equal parts, and more than it remembers, parses as one that has seen none.
func TestSharedParts(t *testing.T) {
	p := newParser()
	for range 2 {
		for i := range partsKnown {
			var s storedSpec
			require.True(t, p.parse(fmt.Appendf(nil, `{"version":2,"spec":{"ports":[{"host":%d}],"labels":{"a":"%d"}}}`, i%4, i), &s))
			require.Equal(t, &task.Spec{Ports: []task.Port{{Host: uint16(i % 4)}}, Labels: map[string]string{"a": fmt.Sprint(i)}}, s.Spec)
			require.LessOrEqual(t, len(p.parts), partsKnown)
		}
		for _, text := range recordsOf(t, append(samples(), service(1, false), service(2, false))...) {
			require.True(t, requireAsJSON(t, p, text), "%s", text)
			require.True(t, requireAsJSON(t, p, text), "%s", text)
		}
	}
}
