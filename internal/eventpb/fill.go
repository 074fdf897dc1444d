package eventpb

import (
	"cmp"
	"encoding/binary"
	"math"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// filler fills in an offer that was surveyed. Its slabs are those of that offer. It looks for nothing that the survey has made
// sure of.
type filler struct {
	resources        slab[mesos.Resource]
	resourceParts    slab[resourceParts]
	attributes       slab[mesos.Attribute]
	ranges           slab[mesos.Value_Range]
	rangeLists       slab[mesos.Value_Ranges]
	executors        slab[mesos.ExecutorID]
	reservations     slab[mesos.Resource_ReservationInfo]
	reservationParts slab[reservationParts]
	labels           slab[mesos.Label]
	words            [2]words // ofRest and ofResources
	of               int      // whose words those of what is being filled in are
	err              error    // the first one of the generated code
}

const (
	ofRest = iota
	ofResources
)

// words are the texts of an offer. Those of its resources are apart: schedulers keep the resources when the rest is forgotten.
type words struct {
	texts   slab[mesos.Value_Text] // to which something points
	letters strings.Builder        // of all texts, one after the other
}

// offerParts, and the types below, are what messages of one type have pointers to. Most have all of it, so that it is made in one
// piece.
type offerParts struct {
	url        mesos.URL
	allocation allocation
}

type allocation struct {
	info mesos.Resource_AllocationInfo
	role string
}

type domainParts struct {
	domain mesos.DomainInfo
	fault  mesos.DomainInfo_FaultDomain
}

type resourceParts struct {
	kind       mesos.Value_Type
	scalar     mesos.Value_Scalar
	allocation allocation
}

type reservationParts struct {
	kind   mesos.Resource_ReservationInfo_Type
	labels mesos.Labels
}

// makeSlabs makes the slabs as long as they have to be.
func (f *filler) makeSlabs(found *counts) {
	*f = filler{
		resources:        newSlab[mesos.Resource](found[resources]),
		resourceParts:    newSlab[resourceParts](found[resources]),
		attributes:       newSlab[mesos.Attribute](found[attributes]),
		ranges:           newSlab[mesos.Value_Range](found[ranges]),
		rangeLists:       newSlab[mesos.Value_Ranges](found[rangeLists]),
		executors:        newSlab[mesos.ExecutorID](found[executors]),
		reservations:     newSlab[mesos.Resource_ReservationInfo](found[reservations]),
		reservationParts: newSlab[reservationParts](found[reservations]),
		labels:           newSlab[mesos.Label](found[labels]),
	}
	f.words[ofRest].texts = newSlab[mesos.Value_Text](found[texts])
	f.words[ofRest].letters.Grow(int(found[letters]))
	f.words[ofResources].texts = newSlab[mesos.Value_Text](found[resourceTexts])
	f.words[ofResources].letters.Grow(int(found[resourceLetters]))
}

// text returns a text as a part of the letters.
func (f *filler) text(body []byte) string {
	letters := &f.words[f.of].letters
	start := letters.Len()
	letters.Write(body)
	return letters.String()[start:]
}

// optional returns a text to which a message has a pointer.
func (f *filler) optional(body []byte) *string {
	s := f.words[f.of].texts.one()
	s.Value = f.text(body)
	return &s.Value
}

// only returns the bytes of the one field that a message has.
func only(message []byte) []byte {
	at := 1 // behind the tag is their number
	for message[at] >= 0x80 {
		at++
	}
	return message[at+1:]
}

// value returns the text of a message that has nothing else, such as an ID.
func (f *filler) value(message []byte) string { return f.text(only(message)) }

// double returns the number of a message that has nothing else.
func double(message []byte) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(message[1:]))
}

// both returns the values of the fields 1 and 2 of a message that has no others; nil: it does not have that one.
func both(message []byte) (numbers [2]uint64, bodies [2][]byte) {
	for at := 0; at < len(message); {
		tag, number, body, after := next(message, at)
		field := tag>>3 - 1
		at, numbers[field], bodies[field] = after, number, body
	}
	return numbers, bodies
}

// other returns a message that is left to the generated code. That finds no errors where the survey has found none; if it does, they
// are not dropped.
func other[T any, M interface {
	*T
	Unmarshal([]byte) error
}](f *filler, message []byte) *T {
	m := new(T)
	f.err = cmp.Or(f.err, M(m).Unmarshal(message))
	return m
}

func (f *filler) offer(o *mesos.Offer, message []byte) {
	parts := new(offerParts)
	for at := 0; at < len(message); {
		tag, _, body, after := next(message, at)
		switch at = after; tag >> 3 {
		case 1:
			o.ID.Value = f.value(body)
		case 2:
			o.FrameworkID.Value = f.value(body)
		case 3:
			o.AgentID.Value = f.value(body)
		case 4:
			o.Hostname = f.text(body)
		case 5:
			f.of = ofResources
			f.resource(f.resources.add(&o.Resources), body)
			f.of = ofRest
		case 6:
			f.executors.add(&o.ExecutorIDs).Value = f.value(body)
		case 7:
			f.attribute(f.attributes.add(&o.Attributes), body)
		case 8:
			o.URL = &parts.url
			f.url(o.URL, body)
		case 9:
			o.Unavailability = other[mesos.Unavailability](f, body)
		case 10:
			o.AllocationInfo = f.allocation(&parts.allocation, body)
		case 11:
			o.Domain = f.domain(body)
		}
	}
}

func (f *filler) resource(r *mesos.Resource, message []byte) {
	parts := f.resourceParts.one()
	for at := 0; at < len(message); {
		tag, number, body, after := next(message, at)
		switch at = after; tag >> 3 {
		case 1:
			r.Name = f.text(body)
		case 2:
			parts.kind = mesos.Value_Type(number)
			r.Type = &parts.kind
		case 3:
			parts.scalar.Value = double(body)
			r.Scalar = &parts.scalar
		case 4:
			r.Ranges = f.rangeList(body)
		case 5:
			r.Set = other[mesos.Value_Set](f, body)
		case 6:
			r.Role = f.optional(body)
		case 7:
			r.Disk = other[mesos.Resource_DiskInfo](f, body)
		case 8:
			r.Reservation = other[mesos.Resource_ReservationInfo](f, body)
		case 9:
			r.Revocable = other[mesos.Resource_RevocableInfo](f, body)
		case 10:
			r.Shared = other[mesos.Resource_SharedInfo](f, body)
		case 11:
			r.AllocationInfo = f.allocation(&parts.allocation, body)
		case 12:
			r.ProviderID = other[mesos.ResourceProviderID](f, body)
		case 13:
			f.reservation(f.reservations.add(&r.Reservations), body)
		}
	}
}

func (f *filler) rangeList(message []byte) *mesos.Value_Ranges {
	l := f.rangeLists.one()
	for at := 0; at < len(message); {
		_, _, body, after := next(message, at)
		at = after
		numbers, _ := both(body)
		*f.ranges.add(&l.Range) = mesos.Value_Range{Begin: numbers[0], End: numbers[1]}
	}
	return l
}

func (f *filler) allocation(a *allocation, message []byte) *mesos.Resource_AllocationInfo {
	if len(message) > 0 {
		a.role = f.value(message)
		a.info.Role = &a.role
	}
	return &a.info
}

func (f *filler) reservation(r *mesos.Resource_ReservationInfo, message []byte) {
	parts := f.reservationParts.one()
	for at := 0; at < len(message); {
		tag, number, body, after := next(message, at)
		switch at = after; tag >> 3 {
		case 1:
			r.Principal = f.optional(body)
		case 2:
			r.Labels = &parts.labels
			f.labelList(r.Labels, body)
		case 3:
			r.Role = f.optional(body)
		case 4:
			parts.kind = mesos.Resource_ReservationInfo_Type(number)
			r.Type = &parts.kind
		}
	}
}

func (f *filler) labelList(l *mesos.Labels, message []byte) {
	for at := 0; at < len(message); {
		_, _, body, after := next(message, at)
		at = after
		_, texts := both(body)
		label := f.labels.add(&l.Labels)
		label.Key = f.text(texts[0])
		if texts[1] != nil {
			label.Value = f.optional(texts[1])
		}
	}
}

func (f *filler) attribute(a *mesos.Attribute, message []byte) {
	for at := 0; at < len(message); {
		tag, number, body, after := next(message, at)
		switch at = after; tag >> 3 {
		case 1:
			a.Name = f.text(body)
		case 2:
			a.Type = mesos.Value_Type(number)
		case 3:
			a.Scalar = &mesos.Value_Scalar{Value: double(body)}
		case 4:
			a.Ranges = f.rangeList(body)
		case 5:
			a.Text = f.words[f.of].texts.one()
			a.Text.Value = f.value(body)
		case 6:
			a.Set = other[mesos.Value_Set](f, body)
		}
	}
}

func (f *filler) url(u *mesos.URL, message []byte) {
	for at := 0; at < len(message); {
		tag, _, body, after := next(message, at)
		switch at = after; tag >> 3 {
		case 1:
			u.Scheme = f.text(body)
		case 2:
			f.address(&u.Address, body)
		case 3:
			u.Path = f.optional(body)
		case 4:
			u.Query = append(u.Query, *other[mesos.Parameter](f, body))
		case 5:
			u.Fragment = f.optional(body)
		}
	}
}

func (f *filler) address(a *mesos.Address, message []byte) {
	for at := 0; at < len(message); {
		tag, number, body, after := next(message, at)
		switch at = after; tag >> 3 {
		case 1:
			a.Hostname = f.optional(body)
		case 2:
			a.IP = f.optional(body)
		case 3:
			a.Port = int32(number)
		}
	}
}

func (f *filler) domain(message []byte) *mesos.DomainInfo {
	parts := new(domainParts)
	if len(message) == 0 {
		return &parts.domain
	}
	_, names := both(only(message))
	parts.fault.Region.Name, parts.fault.Zone.Name = f.value(names[0]), f.value(names[1])
	parts.domain.FaultDomain = &parts.fault
	return &parts.domain
}
