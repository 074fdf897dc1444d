package mesoshttp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"
)

// part is a field of a message of mesos-go's.
type part struct {
	number   int
	wire     string // type, such as "varint"
	rule     string // "req", "opt" or "rep"
	name     string
	enum     string
	contents reflect.Type // of the field, or of an element of its list
}

func partsOf(message reflect.Type) (all []part) {
	for i := range message.NumField() {
		f := message.Field(i)
		tag := strings.Split(f.Tag.Get("protobuf"), ",")
		p := part{wire: tag[0], rule: tag[2], contents: f.Type}
		p.number, _ = strconv.Atoi(tag[1])
		p.name, _, _ = strings.Cut(f.Tag.Get("json"), ",")
		_, p.enum, _ = strings.Cut(f.Tag.Get("protobuf"), "enum=")
		p.enum, _, _ = strings.Cut(p.enum, ",")
		if p.contents.Kind() == reflect.Pointer || p.rule == "rep" {
			p.contents = p.contents.Elem()
		}
		all = append(all, p)
	}
	return all
}

// shortest returns the shortest form of a field or element, in protobuf without its tag.
func (p part) shortest() (wire []byte, text string) {
	switch {
	case p.contents.Kind() == reflect.Struct:
		wire, text = required(p.contents, "")
		return append(binary.AppendUvarint(nil, uint64(len(wire))), wire...), "{" + text + "}"
	case p.enum != "":
		return []byte{0}, `"` + slices.Sorted(maps.Keys(proto.EnumValueMap(p.enum)))[0] + `"`
	case p.wire == "bytes":
		return []byte{0}, `""`
	case p.contents.Kind() == reflect.Bool:
		return []byte{0}, "false"
	case p.wire == "fixed64":
		return make([]byte, 8), "0"
	}
	return []byte{0}, "0"
}

func (p part) tag() byte { return byte(p.number<<3 | map[string]int{"fixed64": 1, "bytes": 2}[p.wire]) }

// required returns the required fields of a message except one, all as short as can be.
func required(message reflect.Type, except string) (wire []byte, text string) {
	var members []string
	for _, p := range partsOf(message) {
		if p.rule == "req" && p.name != except {
			contents, json := p.shortest()
			wire = append(append(wire, p.tag()), contents...)
			members = append(members, strconv.Quote(p.name)+":"+json)
		}
	}
	return wire, strings.Join(members, ",")
}

// crowded returns events of many elements, as short as can be, for each list that an event can have, and of many fields for
// those that should be there once. They have what is required besides.
func crowded() (frames, texts map[string][]byte) {
	const size = 400_000
	frames, texts = map[string][]byte{}, map[string][]byte{}
	seen := map[reflect.Type]bool{}
	var visit func(message reflect.Type, path []part)
	visit = func(message reflect.Type, path []part) {
		seen[message] = true
		for _, p := range partsOf(message) {
			path := append(slices.Clone(path), p)
			wire, text := p.shortest()
			wire = append([]byte{p.tag()}, wire...)
			wire, text = bytes.Repeat(wire, size/len(wire)), strings.Repeat(text+",", size/(len(text)+1))
			text = strconv.Quote(p.name) + ":[" + strings.TrimSuffix(text, ",") + "]"
			name := p.name
			for i := len(path) - 1; i >= 0; i-- { // from the inside to the outside
				of := reflect.TypeFor[scheduler.Event]()
				if i > 0 {
					of = path[i-1].contents
				}
				others, otherTexts := required(of, path[i].name)
				wire, text = append(others, wire...), strings.TrimPrefix(otherTexts+","+text, ",")
				if i > 0 {
					around := path[i-1]
					name = around.name + "." + name
					wire, text = fieldOf(around.number, wire), "{"+text+"}"
					if around.rule == "rep" {
						text = "[" + text + "]"
					}
					text = strconv.Quote(around.name) + ":" + text
				}
			}
			frames[name] = append([]byte{1 << 3, 8}, wire...)
			if p.rule == "rep" {
				texts[name] = []byte(`{"type":"HEARTBEAT",` + text + "}")
			}
			if p.contents.Kind() == reflect.Struct && !seen[p.contents] {
				visit(p.contents, path)
			}
		}
	}
	visit(reflect.TypeFor[scheduler.Event](), nil)
	return frames, texts
}

// spent returns how many bytes f allocates, and how many of them are still in use.
func spent(f func() any) (allocated, live int) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC() // what was in a sync.Pool is freed by the second one
	runtime.ReadMemStats(&before)
	kept := f()
	runtime.ReadMemStats(&after)
	allocated = int(after.TotalAlloc - before.TotalAlloc)
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(kept)
	return allocated, max(0, int(after.HeapAlloc)-int(before.HeapAlloc))
}

// requireBounded requires that decoding a frame allocates no more than a bounded multiple of its size, and keeps no more than
// documented. While append makes a list longer it allocates up to five times as much as the list takes in the end, and keeps
// a quarter of it free, a half if it is short.
func requireBounded(t *testing.T, d decoder, frame []byte, what string) error {
	var err error
	allocated, live := spent(func() any {
		var event *scheduler.Event
		event, _, err = d.decode(frame)
		return event
	})
	bound := int(newBudget(frame))
	require.Less(t, allocated, 6*bound, "%v %s: %v", d.codec, what, err)
	require.Less(t, live, 2*bound, "%v %s: %v", d.codec, what, err)
	return err
}

// Messages of two bytes are not decoded by the million, wherever in an event they are.
func TestEventsOfEmptyMessages(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long with the race detector; it runs without -short")
	}
	frames, texts := crowded()
	for codec, all := range map[Codec]map[string][]byte{Protobuf: frames, JSON: texts} {
		d := newDecoder(codec)
		refused := map[string]bool{}
		for name, frame := range all {
			if errors.Is(requireBounded(t, d, frame, name), errGrowth) {
				refused[name] = true
			}
		}
		require.True(t, refused["update.status.container_status.network_infos"], codec)
		require.True(t, refused["offers.offers.resources.reservations"], codec)
		require.Less(t, len(refused), len(all), "control")
	}
}

// An event of very many offers without contents is refused before it is counted what is in each of them.
func TestManyEmptyOffers(t *testing.T) {
	offers := bytes.Repeat([]byte{1<<3 | 2, 0}, 8<<20)
	frame := append(binary.AppendUvarint([]byte{1 << 3, byte(scheduler.Event_OFFERS), 3<<3 | 2}, uint64(len(offers))), offers...)
	d := newDecoder(Protobuf)
	allocated, _ := spent(func() any {
		_, err := d.inspect(frame)
		require.ErrorIs(t, err, errGrowth)
		return nil
	})
	require.Less(t, allocated, 1<<20)
}

// Nor are fields that mesos-go does not know, which take no memory at all.
func TestUnknownFieldsTakeNoMemory(t *testing.T) {
	const n = 1 << 18
	for what, text := range map[string]string{
		"empty objects": `"x":[` + strings.Repeat("{},", n) + `{}]`,
		"empty lists":   `"x":[` + strings.Repeat("[],", n) + `[]]`,
		"numbers":       `"x":[` + strings.Repeat("1,", n) + `1]`,
		"in a message":  `"update":{"x":[` + strings.Repeat("{},", n) + `{}],"status":{"task_id":{"value":"t"},"state":"TASK_RUNNING"}}`,
		"members":       strings.Repeat(`"x":{},`, n) + `"y":0`,
	} {
		frame := []byte(`{"type":"HEARTBEAT",` + text + "}")
		allocated, _ := spent(func() any {
			event, _, err := newDecoder(JSON).decode(frame)
			require.NoError(t, err)
			return event
		})
		require.Less(t, allocated, len(frame)+1<<20, what)
		label := []byte(`{"get_frameworks":{"frameworks":[{"framework_info":{"id":{"value":"fw"},"labels":{"labels":[{"key":"k","value":"v"}]}}}],` + text + "}}")
		allocated, _ = spent(func() any {
			id, err := findLabel(io.NopCloser(bytes.NewReader(label)), "k", "v")
			require.NoError(t, err)
			require.Equal(t, "fw", id)
			return nil
		})
		require.Less(t, allocated, 10*len(label), what) // of io.ReadAll
	}
}

// The largest event of a large cluster, 10,000 agents with attributes, labels, reservations and many ports, is decoded.
func TestOffersOfTenThousandAgents(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	event := offersEvent(10_000)
	role, principal, value := "production", "principal-of-the-framework", "value-of-a-label"
	labels := &mesos.Labels{Labels: []mesos.Label{{Key: "label", Value: &value}, {Key: "other-label", Value: &value}}}
	for i := range event.Offers.Offers {
		o := &event.Offers.Offers[i]
		for j := range 36 {
			o.Attributes = append(o.Attributes, mesos.Attribute{Name: "attribute" + strconv.Itoa(j), Type: mesos.TEXT, Text: &mesos.Value_Text{Value: "value"}})
			o.Resources = append(o.Resources, mesos.Resource{
				Name: "cpus", Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: 1}, AllocationInfo: o.AllocationInfo,
				Reservations: []mesos.Resource_ReservationInfo{{Type: mesos.Resource_ReservationInfo_DYNAMIC.Enum(), Role: &role, Principal: &principal, Labels: labels}},
			})
			o.Resources[0].Ranges.Range = append(o.Resources[0].Ranges.Range, mesos.Value_Range{Begin: uint64(j), End: uint64(j)})
		}
	}
	for codec, n := range map[Codec]int{Protobuf: 10_000, JSON: 1000} {
		event := &scheduler.Event{Type: event.Type, Offers: &scheduler.Event_Offers{Offers: event.Offers.Offers[:n]}}
		frame := encodeEvent(t, codec, event)
		if codec == Protobuf {
			require.InDelta(t, 64e6, len(frame), 3e6)
		}
		got, _, err := newDecoder(codec).event(frame)
		require.NoError(t, err)
		require.Len(t, got.Offers.Offers, n)
		require.Equal(t, event.Offers.Offers[n-1], got.Offers.Offers[n-1])
	}
}

// FuzzGrowth holds for an event of which a message, somewhere in it, has the same bytes many times: what decoding it
// allocates, and what it keeps, is bounded by its size.
func FuzzGrowth(f *testing.F) {
	f.Add([]byte{5, 1, 13}, []byte{1<<3 | 2, 0}, uint16(1000), false) // networks
	f.Add([]byte{3, 1}, []byte{5<<3 | 2, 6, 10, 0, 16, 0}, uint16(1000), false)
	f.Add([]byte{3}, []byte{15<<3 | 3}, uint16(5000), false)
	f.Add([]byte("update/status/container_status/network_infos"), []byte("{},"), uint16(1000), true)
	f.Add([]byte("offers/offers/resources"), []byte(`{"name":"","type":"SET","set":{"item":["",""]}},`), uint16(1000), true)
	f.Add([]byte("offers/x"), []byte("[],"), uint16(1000), true)
	f.Add([]byte("error/message"), []byte(`"\ud800<>`), uint16(1000), true)
	decoders := map[bool]decoder{false: newDecoder(Protobuf), true: newDecoder(JSON)}
	f.Fuzz(func(t *testing.T, path, repeated []byte, times uint16, inJSON bool) {
		content := bytes.Repeat(repeated, min(int(times), 1<<20/max(1, len(repeated))))
		if !inJSON {
			for _, number := range slices.Backward(path[:min(len(path), 200)]) {
				content = fieldOf(int(number%16), content)
			}
			_ = requireBounded(t, decoders[inJSON], content, "")
			return
		}
		content = append(append([]byte{'['}, bytes.TrimSuffix(content, []byte{','})...), ']')
		for _, name := range slices.Backward(bytes.Split(path[:min(len(path), 200)], []byte{'/'})) {
			content = slices.Concat([]byte(`{"`), name, []byte(`":`), content, []byte{'}'})
		}
		_ = requireBounded(t, decoders[inJSON], content, "")
		_, live := spent(func() any {
			id, _ := findLabel(io.NopCloser(bytes.NewReader(content)), "k", "v")
			return id
		})
		require.Less(t, live, len(content)+64<<10)
	})
}
