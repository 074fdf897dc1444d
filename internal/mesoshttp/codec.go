package mesoshttp

import (
	"fmt"
	"reflect"
	"strconv"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/eventpb"
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
	offers *eventpb.Decoder // of Protobuf
}

func newDecoder(c Codec) decoder {
	return decoder{codec: c, events: shapeOf(reflect.TypeFor[scheduler.Event](), map[reflect.Type]*shape{}), offers: eventpb.New()}
}

// encoded is an event that may be decoded: it is nested no deeper than mesos-go can bear, and takes no more memory than its
// budget.
type encoded struct {
	text   []byte          // what mesos-go is to decode; for Protobuf it is the frame itself
	offers *eventpb.Survey // nil: the event is for mesos-go to decode
	memory int             // about how many bytes the event takes once it is decoded
}

// inspect returns the event in frame, or an error if it must not be decoded. It takes little memory itself, but JSON takes as
// much again as the frame.
func (d decoder) inspect(frame []byte) (e encoded, err error) {
	defer decoderPanicked(&err)
	left := newBudget(frame)
	if d.codec == JSON {
		e.text, err = filterJSON(frame, d.events, &left)
	} else if e.offers = d.offers.Survey(frame, int(left)); e.offers != nil {
		err = left.spend(e.offers.Memory)
	} else {
		e.text, err = frame, left.inspect(frame, d.events, 0)
	}
	e.memory = left.spent(frame)
	return e, err
}

// unmarshal returns the event, some parts of which may be missing. It copies what it keeps of the frame.
func (d decoder) unmarshal(e encoded) (event *scheduler.Event, err error) {
	defer decoderPanicked(&err)
	if e.offers != nil {
		return e.offers.Decode()
	}
	event = new(scheduler.Event)
	if d.codec == JSON {
		err = event.UnmarshalJSON(e.text)
	} else {
		err = event.Unmarshal(e.text)
	}
	if err != nil {
		return nil, err
	}
	return event, nil
}

// decoderPanicked turns a panic into an error. mesos-go's generated code and ffjson panic on some malformed input (for protobuf
// CVE-2021-3121: the length of an unknown field overflows). A broken peer must not take the process down.
func decoderPanicked(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("decoder panicked: %v", r)
	}
}
