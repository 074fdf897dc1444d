// Package eventpb decodes OFFERS events that are encoded in protobuf into mesos-go's messages. A master sends thousands of offers at
// once, each of some thirty small messages, and mesos-go's generated code allocates each of these, and each text, by itself. What
// comes out is the same.
//
// It promises that what it takes on is decoded as by the generated code; that it takes on all that masters send; and that no two
// offers share memory. It decodes no other events, and does not say what is wrong with one that it does not take on: both is for
// the generated code.
//
// # The wire format
//
// A message is a sequence of fields in any order. Each field begins with a tag, a number of which the last three bits say how the
// field's value is encoded and the others which field of the message it is:
//
//	tag 0x08 = 1<<3 | 0   field 1, a varint: seven bits a byte, the lowest first; the highest bit says that more follow
//	tag 0x09 = 1<<3 | 1   field 1, eight bytes: here a float64
//	tag 0x0a = 1<<3 | 2   field 1, a varint that says how many bytes follow: a text, or another message
//
// An Attribute {name: "rack", type: TEXT, text: {value: "r1"}} has the fields 1, 2 and 5, and the number of TEXT is 3:
//
//	0a 04 "rack"  10 03  2a 04 0a 02 "r1"
//
// A list is a field that comes more than once. The rules of protobuf allow more than masters make use of: a message that is not in a
// list may come in pieces, to be merged; fields may be unknown, have other encodings than expected, or tags that are longer than
// they need be. A required field may be missing, which is an error.
//
// # Two passes and slabs
//
// The first pass, Decoder.Survey, goes over the event and counts what is in each offer, by tables that are made from mesos-go's types
// (tables.go). It gives up as soon as it meets anything that masters do not send. So the second pass, Survey.Decode, has nothing
// to check, and there is no second opinion on what is malformed or how pieces are merged. Between the two, the caller knows how
// much memory the event will take.
//
// For each offer the second pass makes one slice of each type, a slab, with as many elements as the offer has of that type in all of
// its messages, and hands them out in order: as lists, and for pointers to point to. Its texts are parts of two strings. Some nine
// allocations take the place of fifty. Messages that few offers have, such as those of disks, are left to the generated code.
//
// What points into a slab keeps all of it from being freed, and a text the texts beside it. That is why offers share nothing: who
// keeps the ID of an offer keeps some hundred bytes of that offer, and not those of thousands. Who keeps it for long should
// copy it (strings.Clone).
package eventpb
