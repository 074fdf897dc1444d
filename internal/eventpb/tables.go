package eventpb

import (
	"reflect"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// table is what a message may have.
type table struct {
	fields   [32]field // by number, so that the first five bits of any tag are an index
	required uint16    // the bits of the fields that must be there
}

// field is a field of a message. The zero field is one that is not known.
type field struct {
	tag     byte
	slab    byte   // what each of it counts as
	letters byte   // what the bytes of a text count as
	bit     uint16 // of its own in the message; 0: it is a list
	size    uint32 // bytes that it, or each element of the list, takes outside of its message, without the contents of texts
	message *table // nil: it is none
}

// slabs returns what has a slab, and what is left to the generated code, with all that is in it: by the types of the fields, so that
// a list of messages and a pointer to one are told apart.
func slabs() map[reflect.Type]byte {
	return map[reflect.Type]byte{
		reflect.TypeFor[[]mesos.Resource]():                 resources,
		reflect.TypeFor[[]mesos.Attribute]():                attributes,
		reflect.TypeFor[[]mesos.Value_Range]():              ranges,
		reflect.TypeFor[*mesos.Value_Ranges]():              rangeLists,
		reflect.TypeFor[[]mesos.ExecutorID]():               executors,
		reflect.TypeFor[[]mesos.Resource_ReservationInfo](): reservations,
		reflect.TypeFor[[]mesos.Label]():                    labels,
		reflect.TypeFor[[]mesos.Parameter]():                generated,
		reflect.TypeFor[*mesos.Unavailability]():            generated,
		reflect.TypeFor[*mesos.Value_Set]():                 generated,
		reflect.TypeFor[*mesos.Resource_DiskInfo]():         generated,
		reflect.TypeFor[*mesos.Resource_ReservationInfo]():  generated,
		reflect.TypeFor[*mesos.Resource_RevocableInfo]():    generated,
		reflect.TypeFor[*mesos.Resource_SharedInfo]():       generated,
		reflect.TypeFor[*mesos.ResourceProviderID]():        generated,
	}
}

// builder makes tables of mesos-go's types, which have the numbers and encodings of their fields in tags, such as
//
//	protobuf:"varint,2,req,name=type,enum=mesos.Value_Type"
type builder struct {
	slabs          map[reflect.Type]byte
	texts, letters byte // what texts, if something points to them, and their bytes count as
}

// below returns the builder for the messages in a field of that type.
func (b builder) below(of reflect.Type) builder {
	switch {
	case b.slabs[of] == generated:
		return builder{}
	case of == reflect.TypeFor[[]mesos.Resource]():
		b.texts, b.letters = resourceTexts, resourceLetters
	case of == reflect.TypeFor[*mesos.Resource_AllocationInfo]():
		b.texts = uncounted // see type allocation
	}
	return b
}

func (b builder) table(message reflect.Type) *table {
	t := new(table)
	t.fields[0].tag = 0xff // no field has the number 0
	for i := range message.NumField() {
		of := message.Field(i)
		tag := strings.Split(of.Tag.Get("protobuf"), ",")
		number, err := strconv.Atoi(tag[1])
		const oneByte = 16 // of tags
		if err != nil || number >= oneByte {
			continue // so that it is not known
		}
		f := b.field(of.Type, tag[2] == "rep")
		f.tag |= byte(number) << 3
		if tag[2] != "rep" {
			f.bit = 1 << number
		}
		if tag[2] == "req" {
			t.required |= f.bit
		}
		t.fields[number] = f
	}
	return t
}

// field returns the field of a type, with a tag for the number 0.
func (b builder) field(of reflect.Type, isList bool) field {
	f := field{tag: prefixed, slab: b.slabs[of]}
	inner := of
	if isList || of.Kind() == reflect.Pointer {
		inner = of.Elem()
		f.size = max(uint32(inner.Size()), 8)
	}
	if of == reflect.TypeFor[*string]() || of == reflect.TypeFor[*mesos.Value_Text]() {
		f.slab = b.texts
	}
	switch inner.Kind() {
	case reflect.Struct:
		f.message = b.below(of).table(inner)
	case reflect.String:
		f.letters = b.letters
	case reflect.Slice: // bytes
	case reflect.Float64:
		f.tag = fixed64
	default:
		f.tag = varint
	}
	return f
}
