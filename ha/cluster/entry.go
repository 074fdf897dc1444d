package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// An entry of the replicated log is what one leader did in one term: it began the term, or changed records. It is a
// byte with the version of the encoding, one with the kind, and the fields one after the other: numbers as uvarints,
// texts and values with their length before them. A deletion is the length 0; a value has its length plus 1.
const (
	entryVersion = 1
	kindBegin    = 1
	kindWrite    = 2
)

// epoch is a term that began: its number, who leads it and since when, by that member's clock, and why it and not the one
// before, for people.
type epoch struct {
	term   uint64
	leader string
	began  time.Time
	why    string
}

// command is an entry, decoded: it begins a term, or changes records. A change of no records is the
// question whether the term is still the newest one.
type command struct {
	kind    byte
	epoch   epoch // of kindWrite only the term
	changes map[string][]byte
}

func encodeBegin(e epoch) []byte {
	b := binary.AppendUvarint([]byte{entryVersion, kindBegin}, e.term)
	b = appendText(b, e.leader)
	return appendText(binary.AppendVarint(b, e.began.UnixNano()), e.why)
}

func encodeWrite(term uint64, changes map[string][]byte) []byte {
	size := 2 + 2*binary.MaxVarintLen64
	for key, value := range changes {
		size += len(key) + len(value) + 2*binary.MaxVarintLen32
	}
	b := binary.AppendUvarint(append(make([]byte, 0, size), entryVersion, kindWrite), term)
	b = binary.AppendUvarint(b, uint64(len(changes)))
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		b = appendText(b, key)
		if value := changes[key]; value == nil {
			b = append(b, 0)
		} else {
			b = append(binary.AppendUvarint(b, uint64(len(value))+1), value...)
		}
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

var errShort = errors.New("the entry ends too early")

// decoder reads the fields of an entry; after the first error it returns zeros.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) uvarint() uint64 {
	value, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail(errShort)
		return 0
	}
	d.rest = d.rest[n:]
	return value
}

func (d *decoder) varint() int64 {
	value, n := binary.Varint(d.rest)
	if n <= 0 {
		d.fail(errShort)
		return 0
	}
	d.rest = d.rest[n:]
	return value
}

func (d *decoder) bytes(n uint64) []byte {
	if d.err != nil || n > uint64(len(d.rest)) {
		d.fail(errShort)
		return nil
	}
	value := d.rest[:n:n]
	d.rest = d.rest[n:]
	return value
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.rest = nil
}

// decodeCommand reads an entry. Its values are parts of b, not copies.
func decodeCommand(b []byte) (command, error) {
	if len(b) < 2 {
		return command{}, errShort
	}
	if b[0] != entryVersion {
		return command{}, fmt.Errorf("the entry has version %d, this program knows %d", b[0], entryVersion)
	}
	c, d := command{kind: b[1]}, decoder{rest: b[2:]}
	c.epoch.term = d.uvarint()
	switch c.kind {
	case kindBegin:
		c.epoch.leader = string(d.bytes(d.uvarint()))
		c.epoch.began = time.Unix(0, d.varint())
		c.epoch.why = string(d.bytes(d.uvarint()))
	case kindWrite:
		n := d.uvarint()
		c.changes = make(map[string][]byte, min(n, uint64(len(d.rest))))
		for range n {
			key := string(d.bytes(d.uvarint()))
			length := d.uvarint()
			if d.err != nil {
				break
			}
			if c.changes[key] = nil; length > 0 {
				c.changes[key] = d.bytes(length - 1)
			}
		}
	default:
		return command{}, fmt.Errorf("the entry is of the unknown kind %d", c.kind)
	}
	if d.err == nil && len(d.rest) > 0 {
		d.fail(fmt.Errorf("the entry has %d bytes too many", len(d.rest)))
	}
	return c, d.err
}
