// Package constraints has the offer constraints of Mesos 1.11, which mesos-go v0.0.11 lacks: their messages under
// Mesos' names and numbers, what a master finds wrong with them, and which agents they admit.
//
// # What it promises
//
// The messages are read and written as protobuf and, with package wirejson, as JSON. [Offer.Fault] answers in a
// master's words, in the order in which it looks. Expressions have the syntax of RE2, which Go's regexp shares, and
// match whole texts.
//
// # What it does not
//
// A master refuses an expression by the size of its RE2 program. The size of Go's program for it is alike, not
// equal, so that an expression close to the limit may be judged differently.
//
// # Goroutines
//
// None. Messages may be used by several at once as long as nobody changes them.
package constraints
