package mesostest

import (
	"errors"
	"strconv"

	"github.com/gogo/protobuf/proto"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/constraints"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/wirejson"
)

// codec is one of the two languages of the scheduler API, named by its media type.
type codec string

const (
	codecJSON     codec = "application/json"
	codecProtobuf codec = "application/x-protobuf"
)

// request is a decoded call and what mesos-go's Call has no room for.
type request struct {
	call        scheduler.Call
	hasType     bool // the type was there and is known; UNKNOWN is a known one
	constraints constraints.Call
}

// mayHaveConstraints reports whether there is a payload that has offer constraints: two kinds of calls have, of all that come.
func (r *request) mayHaveConstraints() bool {
	return r.call.Subscribe != nil || r.call.UpdateFramework != nil
}

// unmarshal reports whether body is the message. mesos-go's generated code panics on some malformed
// input (CVE-2021-3121).
func unmarshal(body []byte, message proto.Message) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return proto.Unmarshal(body, message) == nil
}

// decode reads the body of a request. The error is what the master answers with status 400.
func (c codec) decode(body []byte) (*request, error) {
	r := &request{}
	if c == codecProtobuf {
		if !unmarshal(body, &r.call) || r.mayHaveConstraints() && !unmarshal(body, &r.constraints) {
			return nil, errors.New("Failed to parse body into Call protobuf")
		}
		_, known := scheduler.Call_Type_name[int32(r.call.Type)]
		r.hasType = known && (r.call.Type != scheduler.Call_UNKNOWN || hasVarint(body, 2))
		return r, nil
	}
	name, err := readJSON(body, &r.call, &r.constraints)
	_, r.hasType = scheduler.Call_Type_value[name]
	return r, err
}

// readJSON fills the messages and returns the name of their type.
func readJSON(body []byte, messages ...any) (typeName string, err error) {
	v, err := wirejson.Parse(body)
	if err != nil {
		return "", errors.New("Failed to parse body into JSON: " + err.Error())
	}
	for _, message := range messages {
		if err := wirejson.Decode(v, message); err != nil {
			return "", errors.New("Failed to convert JSON into Call protobuf: " + err.Error())
		}
	}
	object, _ := v.(map[string]any)
	typeName, _ = object["type"].(string)
	return typeName, nil
}

// hasVarint reports whether a valid message holds a top-level varint field of that number; mesos-go
// cannot tell an absent type from the type UNKNOWN.
func hasVarint(message []byte, number uint64) bool {
	b := proto.NewBuffer(message)
	for {
		tag, err := b.DecodeVarint()
		if err != nil {
			return false
		}
		if tag == number<<3 {
			return true
		}
		switch tag & 7 {
		case 0:
			_, err = b.DecodeVarint()
		case 1:
			_, err = b.DecodeFixed64()
		case 2:
			_, err = b.DecodeRawBytes(false)
		case 5:
			_, err = b.DecodeFixed32()
		default:
			return false
		}
		if err != nil {
			return false
		}
	}
}

// appendRecord appends an event as one RecordIO record.
func (c codec) appendRecord(out []byte, event *scheduler.Event) ([]byte, error) {
	var body []byte
	if c == codecProtobuf {
		var err error
		if body, err = event.Marshal(); err != nil {
			return out, err
		}
	} else {
		body = wirejson.Encode(event)
	}
	out = strconv.AppendInt(out, int64(len(body)), 10)
	return append(append(out, '\n'), body...), nil
}
