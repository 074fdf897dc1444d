package mesoshttp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	// maxNesting is how many messages, groups, or objects and lists of JSON, may be nested in an event: as many as protobuf's
	// C++ decoder takes, so that no master can send more. mesos-go decodes by recursion, and a stack that overflows ends the
	// process.
	maxNesting = 100
	// maxGrowth is how many times as large as its frame an event may be in memory. Real ones are four times as large; with IDs
	// and names of one letter it would be seven, and nine with sets of one letter, or networks that have one address and a name
	// of one letter. Empty messages, of two bytes, would be more than forty times as large.
	maxGrowth = 8
	// freeGrowth is how many bytes an event may be larger than that, so that no small one is refused for its odd form: an
	// update that is refused comes again for ever, and those behind it never come.
	freeGrowth = 256 << 10
	// maxMemory is how many bytes an event may take in memory, whatever the size of its frame. One of 64 MB with the offers
	// of 10,000 agents, each with dozens of attributes and reservations, takes 207 MiB; one of 64 MiB with 180,000 plain
	// offers 258.
	maxMemory = 288 << 20
)

var (
	errNested    = fmt.Errorf("its messages are nested more than %d deep", maxNesting)
	errMalformed = errors.New("it is not a protobuf message")
	errGrowth    = fmt.Errorf("in memory it would take more than %d times its size, or %d MiB", maxGrowth, maxMemory>>20)
)

// budget is how many bytes what is left of an event may take in memory.
type budget int

func newBudget(frame []byte) budget { return budget(min(freeGrowth+maxGrowth*len(frame), maxMemory)) }

// spent returns how many bytes of the budget of a frame were spent.
func (b budget) spent(frame []byte) int { return int(newBudget(frame) - b) }

// spend takes n bytes away, or returns an error if there are not as many.
func (b *budget) spend(n int) error {
	if *b -= budget(n); *b < 0 {
		return errGrowth
	}
	return nil
}

// inspect returns an error if a message in protobuf must not be decoded: since it is malformed, nested too deep, or takes
// more memory than the budget has. Depth is how deep the message itself is nested.
//
// It counts what mesos-go's decoder allocates, without what append keeps free. A field that should be there once counts each
// time, although the last one replaces those before it. It goes over all messages of every event, and so has a fast way for
// what most of them have: tags and sizes of one byte, and short messages without lists.
func (b *budget) inspect(message []byte, s *shape, depth int) error {
	outer, spent := depth, 0
	for at := 0; at < len(message); {
		tag, next, size := nextField(message, at)
		number := uint32(tag >> 3) // mesos-go's decoder drops the other bits as well
		switch tag & 7 {
		case 3: // a group begins; what is in it is unknown to mesos-go
			depth++
		case 4:
			depth--
		}
		switch {
		case next > len(message), size > uint64(len(message)-next), depth < outer:
			return errMalformed
		case depth > maxNesting:
			return errNested
		}
		at = next + int(size)
		if depth != outer || number >= uint32(len(s.byNumber)) || s.byNumber[number] == nil {
			continue
		}
		f := s.byNumber[number]
		spent += f.size + int(size)
		switch {
		case f.message == nil || tag&7 != 2: // mesos-go's decoder refuses a message that is no bytes
		case depth == maxNesting:
			return errNested
		case f.message.flat && size <= maxNesting: // too short for groups that are nested deep
			spent += f.message.pointers
		default:
			spent -= int(size)
			if err := b.inspect(message[next:at], f.message, depth+1); err != nil {
				return err
			}
		}
	}
	if depth != outer {
		return errMalformed
	}
	return b.spend(spent)
}

// nextField reads the tag of a field at a place of a message, and returns it with the place and the size of what follows, which is
// empty for numbers, and for the ends of a group. The place is behind the message if it is malformed.
func nextField(message []byte, at int) (tag uint64, next int, size uint64) {
	if tag, next = uint64(message[at]), at+1; tag >= 0x80 {
		tag, next = uvarint(message, at)
	}
	switch tag & 7 {
	case 0:
		_, next = uvarint(message, next)
	case 1:
		size = 8
	case 2:
		if next < len(message) && message[next] < 0x80 {
			size, next = uint64(message[next]), next+1
		} else {
			size, next = uvarint(message, next)
		}
	case 3, 4:
	case 5:
		size = 4
	default:
		next = len(message) + 1
	}
	return tag, next, size
}

// uvarint returns the number at a place of a message, and the place behind it, which is behind the message if there is no
// number.
func uvarint(message []byte, at int) (number uint64, next int) {
	number, n := binary.Uvarint(message[min(at, len(message)):])
	if n <= 0 {
		return 0, len(message) + 1
	}
	return number, at + n
}
