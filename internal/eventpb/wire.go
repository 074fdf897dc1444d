package eventpb

import "encoding/binary"

// The encodings of values, which are the last three bits of a tag. Offers have no others.
const (
	varint   = 0
	fixed64  = 1
	prefixed = 2 // with the number of bytes that follow
)

// malformed is the place behind a field that cannot be read.
const malformed = -1

// next reads the field at a place of a message, and returns its tag, its value, and the place behind it. The value is either a
// number or the bytes of a text or message, which are part of the message given. A tag of more than one byte, or with another
// encoding, is of no field that is known: then the value has no meaning.
func next(message []byte, at int) (tag byte, number uint64, body []byte, after int) {
	tag, at = message[at], at+1
	rest := message[at:]
	switch {
	case tag&7 == fixed64:
		if len(rest) < 8 {
			return tag, 0, nil, malformed
		}
		return tag, binary.LittleEndian.Uint64(rest), nil, at + 8
	case len(rest) > 0 && rest[0] < 0x80:
		number, at = uint64(rest[0]), at+1
	default:
		n := 0
		if number, n = binary.Uvarint(rest); n <= 0 {
			return tag, 0, nil, malformed
		}
		at += n
	}
	if tag&7 != prefixed {
		return tag, number, nil, at
	}
	if number > uint64(len(message)-at) {
		return tag, 0, nil, malformed
	}
	after = at + int(number)
	return tag, 0, message[at:after:after], after
}
