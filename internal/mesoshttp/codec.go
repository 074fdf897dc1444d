package mesoshttp

import (
	"fmt"
	"reflect"
	"strconv"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// Codec is the form in which calls and events go over the wire.
type Codec uint8

const (
	// Protobuf is application/x-protobuf: small and fast, the default.
	Protobuf Codec = iota
	// JSON is application/json: for reading along with a packet sniffer. It costs many times the CPU time and
	// memory. Enum values that mesos-go does not know are dropped, while Protobuf keeps their numbers.
	JSON
)

// String returns the name of the codec.
func (c Codec) String() string {
	switch c {
	case Protobuf:
		return "Protobuf"
	case JSON:
		return "JSON"
	}
	return "Codec(" + strconv.Itoa(int(c)) + ")"
}

func (c Codec) mediaType() string {
	if c == JSON {
		return "application/json"
	}
	return "application/x-protobuf"
}

// decoder decodes events. Use newDecoder.
type decoder struct {
	codec  Codec
	events *shape
}

func newDecoder(c Codec) decoder {
	return decoder{codec: c, events: shapeOf(reflect.TypeFor[scheduler.Event](), map[reflect.Type]*shape{})}
}

// event returns the event in frame and about how many bytes it takes in memory, or an error if it is of no use.
func (d decoder) event(frame []byte) (event *scheduler.Event, size int, err error) {
	event, size, err = d.decode(frame)
	if err != nil {
		return nil, 0, err
	}
	return event, size, complete(event)
}

// decode copies what it keeps of frame. Before mesos-go decodes it, it is known to be nested no deeper than mesos-go can
// bear, and to take no more memory than a budget.
//
// mesos-go's generated code and ffjson panic on some malformed input (for protobuf CVE-2021-3121: the length
// of an unknown field overflows). A broken peer must not take the process down, hence the recover.
func (d decoder) decode(frame []byte) (event *scheduler.Event, size int, err error) {
	defer func() {
		if r := recover(); r != nil {
			event, size, err = nil, 0, fmt.Errorf("decoder panicked: %v", r)
		}
	}()
	event = new(scheduler.Event)
	left := newBudget(frame)
	if d.codec == JSON {
		err = left.decodeJSON(frame, d.events, event)
	} else {
		if err = left.inspect(frame, d.events, 0); err == nil {
			err = event.Unmarshal(frame)
		}
	}
	if err != nil {
		return nil, 0, err
	}
	return event, left.spent(frame), nil
}
