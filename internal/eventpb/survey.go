package eventpb

import (
	"reflect"
	"slices"
	"unsafe"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// Decoder decodes OFFERS events. It may be used by several goroutines at once. Use New.
type Decoder struct {
	offers *table
}

// New returns a Decoder.
func New() *Decoder {
	b := builder{slabs: slabs(), texts: texts, letters: letters}
	return &Decoder{offers: b.table(reflect.TypeFor[mesos.Offer]())}
}

// Survey is what is known of an OFFERS event before it is decoded. Decoder.Survey makes it.
type Survey struct {
	// Memory is about how many bytes the event takes once it is decoded.
	Memory int

	list   []byte // of the offers
	counts []counts
}

// What is counted in an offer: how long its slabs have to be.
const (
	uncounted = iota // what has no slab
	generated        // what is left to the generated code
	resources
	attributes
	ranges
	rangeLists
	executors
	reservations
	labels
	texts         // to which something points, without those of resources
	letters       // bytes of all texts, without those of resources
	resourceTexts // the same of resources
	resourceLetters
	counted
)

// counts are what is in an offer.
type counts [counted]uint32

// Survey returns what is in an OFFERS event, nil if the frame is anything else than what masters send as such, or its offers take
// more than limit bytes already without what is in them: that is for the generated code. A survey takes memory for each offer, and
// offers without contents are only two bytes long. The frame must not change until the event is decoded.
func (d *Decoder) Survey(frame []byte, limit int) *Survey {
	list, n := offersIn(frame)
	memory := n * int(unsafe.Sizeof(mesos.Offer{}))
	if list == nil || memory > limit {
		return nil
	}
	s := &Survey{Memory: memory, list: list, counts: make([]counts, n)}
	at := 0
	for i := range s.counts {
		var offer []byte
		_, _, offer, at = next(list, at)
		if !s.message(offer, d.offers, &s.counts[i]) {
			return nil
		}
	}
	return s
}

// offersIn returns the list of offers in an event, and how many there are, if it has its type, that list, and nothing else.
func offersIn(frame []byte) (list []byte, n int) {
	const (
		tagType   = 1<<3 | varint
		tagOffers = 3<<3 | prefixed
		tagOffer  = 1<<3 | prefixed
		header    = 2 // bytes of the type, which masters send first
	)
	if len(frame) <= header || frame[0] != tagType || frame[1] != byte(scheduler.Event_OFFERS) {
		return nil, 0
	}
	tag, _, list, after := next(frame, header)
	if tag != tagOffers || after != len(frame) {
		return nil, 0
	}
	for at := 0; at < len(list); n++ {
		if tag, _, _, at = next(list, at); tag != tagOffer || at == malformed {
			return nil, 0
		}
	}
	return list, n
}

// message adds what is in a message to the counts, and reports whether all of it is as masters send it: each field is known and has
// the encoding that it should have; it comes once, unless it is a list, and is there if it is required. Most fields are texts and
// messages of less than 128 bytes: they have a fast way.
func (s *Survey) message(message []byte, t *table, c *counts) bool {
	var seen uint16
	for at := 0; at < len(message); {
		tag := message[at]
		f := &t.fields[tag>>3]
		if tag != f.tag || seen&f.bit != 0 {
			return false
		}
		var body []byte
		if begin := at + 2; tag&7 == prefixed && begin <= len(message) && message[begin-1] < 0x80 {
			if at = begin + int(message[begin-1]); at > len(message) {
				return false
			}
			body = message[begin:at]
		} else if _, _, body, at = next(message, at); at == malformed {
			return false
		}
		seen |= f.bit
		c[f.slab]++
		s.Memory += int(f.size)
		if f.message == nil {
			c[f.letters] += uint32(len(body))
			s.Memory += len(body)
		} else if !s.message(body, f.message, c) {
			return false
		}
	}
	return seen&t.required == t.required
}

// Decode returns the event. It has no part of the frame.
func (s *Survey) Decode() (*scheduler.Event, error) {
	n := len(s.counts)
	offers := slices.Grow([]mesos.Offer(nil), n)[:n:n] // nil if there are none
	at := 0
	for i := range offers {
		var (
			offer []byte
			f     filler
		)
		_, _, offer, at = next(s.list, at)
		f.makeSlabs(&s.counts[i])
		if f.offer(&offers[i], offer); f.err != nil {
			return nil, f.err
		}
	}
	return &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: offers}}, nil
}
