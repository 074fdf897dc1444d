package mesoshttp

import (
	"encoding/binary"
	"errors"
	"reflect"
	"strconv"
	"strings"
)

// harmless is a size in bytes below which a message cannot nest groups deep enough to overflow the stack: a level
// takes one byte of the message, and some 100 bytes of a stack of at most 1 GB (250 MB on 32 bits).
const harmless = 1 << 20

var (
	errGroup     = errors.New("it has a protobuf group")
	errMalformed = errors.New("it is not a protobuf message")
)

// refuseGroups returns an error if message, the encoding of a Go struct of type t, has groups. mesos-go's generated
// code skips unknown groups by recursion, so that some million of them overflow the stack, which cannot be recovered
// from. Mesos does not use groups. Messages up to the size of harmless are not inspected, so the cost is that of
// stepping over the offers of an event of more than 1 MiB.
func refuseGroups(message []byte, t reflect.Type) error {
	if len(message) <= harmless {
		return nil
	}
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 {
			return errMalformed
		}
		message = message[n:]
		size := uint64(0)
		switch tag & 7 {
		case 0:
			if _, n = binary.Uvarint(message); n <= 0 {
				return errMalformed
			}
			size = uint64(n)
		case 1:
			size = 8
		case 2:
			if size, n = binary.Uvarint(message); n <= 0 {
				return errMalformed
			}
			message = message[n:]
		case 5:
			size = 4
		default:
			return errGroup
		}
		if size > uint64(len(message)) {
			return errMalformed
		}
		if size > harmless {
			if inner := messageField(t, int32(tag>>3)); inner != nil {
				if err := refuseGroups(message[:size], inner); err != nil {
					return err
				}
			}
		}
		message = message[size:]
	}
	return nil
}

// messageField returns the type of the messages in the field with that number, or nil.
func messageField(t reflect.Type, number int32) reflect.Type {
	for i := range t.NumField() {
		parts := strings.SplitN(t.Field(i).Tag.Get("protobuf"), ",", 3)
		if len(parts) < 3 || parts[1] != strconv.Itoa(int(number)) {
			continue
		}
		inner := t.Field(i).Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			return inner
		}
	}
	return nil
}
