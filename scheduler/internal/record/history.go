package record

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

const (
	// HistoryLimit is how many transitions are kept of a task. The first one stays, and those that follow it go.
	HistoryLimit = 16
	// historyText is the longest text in one, in bytes.
	historyText = 256
)

// History has the transitions of a task, the oldest first, in a form that takes little memory, and as it is stored: about 30
// bytes for a task that runs. A transition is
//
//	one byte   the state in its lower half; a place; whether there is a message
//	a varint   the nanoseconds since the one before, of the first one since the task was submitted
//	texts      the place, if it is spelled out: agent ID and hostname; and the message; each with its length before it
//
// Most transitions are where the task is now, so that the place is not in them. Before the task moves, Move spells it out.
type History string

// Place is where a task is.
type Place struct{ AgentID, Hostname string }

// In the first byte: the place, and whether there is a message. The highest bit is 0.
const (
	historyState = 0x0f
	placeHere    = 0x10 // where the task is now; neither of the two: on no agent
	placeSpelled = 0x20
	hasMessage   = 0x40
)

var errHistory = errors.New("the history is damaged")

// Add returns the history with another transition of a task that was submitted at submitted and is here. Texts are cut.
func (h History) Add(t task.Transition, submitted time.Time, here Place) History {
	var all [HistoryLimit + 1]task.Transition
	known, err := h.appendTo(all[:0], submitted, here)
	if err != nil { // it was checked when it was read
		known = all[:0]
	}
	t.AgentID, t.Hostname, t.Message = ShortText(t.AgentID), ShortText(t.Hostname), ShortText(t.Message)
	if known = append(known, t); len(known) > HistoryLimit {
		known = append(known[:1], known[2:]...)
	}
	return newHistory(known, submitted, here)
}

// Move returns the history of a task that was at one place and will be at another.
func (h History) Move(submitted time.Time, from, to Place) History {
	var all [HistoryLimit + 1]task.Transition
	known, err := h.appendTo(all[:0], submitted, from)
	if err != nil {
		return h
	}
	return newHistory(known, submitted, to)
}

// WithoutMessages returns the history without its messages, and without the places where the task is not any more, so that
// it has 200 bytes at most.
func (h History) WithoutMessages(submitted time.Time, here Place) History {
	var all [HistoryLimit]task.Transition
	known, err := h.appendTo(all[:0], submitted, here)
	if err != nil {
		return h
	}
	for i := range known {
		t := &known[i]
		if t.Message = ""; (Place{t.AgentID, t.Hostname}) != here {
			t.AgentID, t.Hostname = "", ""
		}
	}
	return newHistory(known, submitted, here)
}

// Transitions returns the transitions of a task that was submitted at submitted and is here, and an error if h is none.
func (h History) Transitions(submitted time.Time, here Place) ([]task.Transition, error) {
	return h.appendTo(nil, submitted, here)
}

func newHistory(all []task.Transition, submitted time.Time, here Place) History {
	var scratch [512]byte
	b, last := scratch[:0], submitted.UnixNano()
	here.AgentID, here.Hostname = ShortText(here.AgentID), ShortText(here.Hostname)
	for i := range all {
		t := &all[i]
		place, head := Place{t.AgentID, t.Hostname}, byte(t.State)
		switch place {
		case Place{}:
		case here:
			head |= placeHere
		default:
			head |= placeSpelled
		}
		if t.Message != "" {
			head |= hasMessage
		}
		at := t.At.UnixNano()
		b = binary.AppendVarint(append(b, head), at-last)
		last = at
		if head&placeSpelled != 0 {
			b = appendCounted(appendCounted(b, t.AgentID), t.Hostname)
		}
		if t.Message != "" {
			b = appendCounted(b, t.Message)
		}
	}
	return History(b)
}

func appendCounted(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// appendTo appends the transitions to a slice.
func (h History) appendTo(all []task.Transition, submitted time.Time, here Place) ([]task.Transition, error) {
	r, last := historyReader{rest: string(h)}, submitted.UnixNano()
	here.AgentID, here.Hostname = ShortText(here.AgentID), ShortText(here.Hostname)
	for n := 0; r.rest != ""; n++ {
		head := r.byte()
		last += r.varint()
		t := task.Transition{State: task.State(head & historyState), At: time.Unix(0, last).UTC()}
		switch head & (placeHere | placeSpelled) {
		case placeHere:
			t.AgentID, t.Hostname = here.AgentID, here.Hostname
		case placeSpelled:
			t.AgentID, t.Hostname = r.text(), r.text()
		case placeHere | placeSpelled:
			r.damaged = true
		}
		if head&hasMessage != 0 {
			t.Message = r.text()
		}
		if r.damaged || head > historyState|placeHere|placeSpelled|hasMessage || t.State > task.StateUnknown || n == HistoryLimit {
			return nil, errHistory
		}
		all = append(all, t)
	}
	return all, nil
}

// historyReader reads the parts of a history.
type historyReader struct {
	rest    string
	damaged bool
}

func (r *historyReader) byte() (b byte) {
	if r.rest == "" {
		r.damaged = true
		return 0
	}
	b, r.rest = r.rest[0], r.rest[1:]
	return b
}

func (r *historyReader) varint() int64 {
	n, size := binary.Varint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen64)]))
	if size <= 0 {
		r.damaged = true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// text shares the memory of the history.
func (r *historyReader) text() (text string) {
	n, size := binary.Uvarint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen64)]))
	if size <= 0 || n > historyText || n > uint64(len(r.rest)-size) {
		r.damaged = true
		return ""
	}
	text, r.rest = r.rest[size:size+int(n)], r.rest[size+int(n):]
	return text
}

// ShortText returns a text of up to 256 bytes, as long as a history keeps, with a mark where it was cut.
func ShortText(text string) string {
	const mark = "…"
	if len(text) <= historyText {
		return text
	}
	return strings.ToValidUTF8(text[:historyText-len(mark)], "") + mark
}
