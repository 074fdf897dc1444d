package eventpb

import (
	"encoding/binary"
	"iter"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// smallOffer returns an event of an offer with one of each message, as short as can be.
func smallOffer() *scheduler.Event {
	text := "x"
	labels := &mesos.Labels{Labels: []mesos.Label{{Key: "k", Value: &text}, {Key: "l"}}}
	rangeList := &mesos.Value_Ranges{Range: []mesos.Value_Range{{Begin: 1, End: 1000}, {Begin: 2000, End: 1 << 40}}}
	return &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: []mesos.Offer{{
		ID: mesos.OfferID{Value: "o"}, FrameworkID: mesos.FrameworkID{Value: "f"}, AgentID: mesos.AgentID{Value: "a"}, Hostname: "h",
		URL:            &mesos.URL{Scheme: "s", Address: mesos.Address{Hostname: &text, IP: &text, Port: 1}, Path: &text, Query: []mesos.Parameter{{Key: "q"}}, Fragment: &text},
		Domain:         &mesos.DomainInfo{FaultDomain: &mesos.DomainInfo_FaultDomain{}},
		Unavailability: &mesos.Unavailability{Duration: &mesos.DurationInfo{Nanoseconds: 1}},
		AllocationInfo: &mesos.Resource_AllocationInfo{Role: &text},
		ExecutorIDs:    []mesos.ExecutorID{{Value: "e"}, {Value: "d"}},
		Resources: []mesos.Resource{
			{Name: "r", Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: 1}, Role: &text, AllocationInfo: &mesos.Resource_AllocationInfo{Role: &text}},
			{Name: "p", Type: mesos.RANGES.Enum(), Ranges: rangeList, AllocationInfo: &mesos.Resource_AllocationInfo{}},
			{
				Name: "d", Type: mesos.SET.Enum(), Set: &mesos.Value_Set{Item: []string{"i", "j"}}, ProviderID: &mesos.ResourceProviderID{Value: "v"},
				Disk:         &mesos.Resource_DiskInfo{Persistence: &mesos.Resource_DiskInfo_Persistence{ID: "p"}, Source: &mesos.Resource_DiskInfo_Source{Metadata: labels}},
				Shared:       &mesos.Resource_SharedInfo{},
				Revocable:    &mesos.Resource_RevocableInfo{},
				Reservation:  &mesos.Resource_ReservationInfo{Principal: &text, Labels: labels},
				Reservations: []mesos.Resource_ReservationInfo{{Type: mesos.Resource_ReservationInfo_STATIC.Enum(), Role: &text}, {Labels: labels, Principal: &text}},
			},
		},
		Attributes: []mesos.Attribute{
			{Name: "t", Type: mesos.TEXT, Text: &mesos.Value_Text{Value: "v"}},
			{Name: "s", Type: mesos.SCALAR, Scalar: &mesos.Value_Scalar{Value: 2}},
			{Name: "r", Type: mesos.RANGES, Ranges: rangeList},
			{Name: "u", Type: mesos.SET, Set: &mesos.Value_Set{Item: []string{"m"}}},
		},
	}}}}
}

// variants returns what may become of an event, if one field of one of its messages is changed. The sizes of the messages around it
// are right.
func variants(frame []byte) iter.Seq[[]byte] {
	list := &table{}
	list.fields[1] = field{message: New().offers}
	event := &table{}
	event.fields[3] = field{message: list}
	return func(yield func([]byte) bool) { vary(frame, event, yield) }
}

func vary(message []byte, t *table, yield func([]byte) bool) bool {
	for at := 0; at < len(message); {
		begin := at
		tag, number, body, after := next(message, at)
		at = after
		for _, changed := range versions(message[begin:at], tag, number, body) {
			if !yield(slices.Concat(message[:begin], changed, message[at:])) {
				return false
			}
		}
		if below := t.fields[tag>>3].message; below != nil && !vary(body, below, func(changed []byte) bool {
			return yield(slices.Concat(message[:begin], withSize(tag, changed), message[at:]))
		}) {
			return false
		}
	}
	return true
}

// versions returns what may become of a field.
func versions(field []byte, tag byte, number uint64, body []byte) [][]byte {
	group, end := []byte{15<<3 | 3}, []byte{15<<3 | 4}
	all := [][]byte{
		nil,
		slices.Concat(field, field),
		field[:len(field)-1],
		append([]byte{tag | 0x80, 0}, field[1:]...),                      // a tag that is longer than need be
		append([]byte{tag | 0x80, 0x80, 0x80, 0x80, 0x10}, field[1:]...), // which generated code takes for the same number
		append([]byte{15<<3 | varint, 1}, field...),                      // unknown fields
		append([]byte{15<<3 | prefixed, 2, 1, 1}, field...),
		append([]byte{15<<3 | 5, 1, 2, 3, 4}, field...),
		append([]byte{0x82, 0x01, 0}, field...), // number 16
		append([]byte{0, 1}, field...),          // number 0
		slices.Concat(group, end, field),
		slices.Concat(group, field, end),
		slices.Concat(group, field),
		slices.Concat(end, field),
	}
	for encoding := range byte(8) {
		all = append(all, append([]byte{tag&^7 | encoding}, field[1:]...))
	}
	if tag&7 == prefixed {
		long := binary.AppendUvarint([]byte{tag}, uint64(len(body))|1<<40)
		return append(all,
			withSize(tag, nil),
			slices.Concat(withSize(tag, nil), field),
			slices.Concat(field, withSize(tag, nil)),
			withSize(tag, slices.Concat(body, body)),
			withSize(tag, slices.Repeat([]byte("y"), 200)), // a size of two bytes
			slices.Concat([]byte{tag, byte(len(body)) | 0x80, byte(len(body) >> 7)}, body),
			slices.Concat([]byte{tag, byte(len(body)) | 0x80, byte(len(body)>>7) | 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}, body),
			slices.Concat([]byte{tag, byte(len(body)) | 0x80, byte(len(body)>>7) | 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0}, body),
			slices.Concat(long, body),
		)
	}
	for _, other := range []uint64{0, 127, 128, 1 << 31, 1<<32 + number, 1<<63 + number, ^uint64(0)} {
		all = append(all, binary.AppendUvarint([]byte{tag}, other))
	}
	return append(all,
		append([]byte{tag}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), // more than 64 bits
		append([]byte{tag}, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0),
		append([]byte{tag}, 0x81, 0x80, 0),
	)
}

func withSize(tag byte, body []byte) []byte {
	return append(binary.AppendUvarint([]byte{tag}, uint64(len(body))), body...)
}
