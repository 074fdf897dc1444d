// Package taskmatcher decides where tasks run: pure functions from pending tasks and offers to
// placements, and to the reasons why a task found no place.
//
// It promises that the outcome depends on its arguments alone and not on the order of the offers,
// that the arguments are not altered, that what is taken from an offer never exceeds what it
// holds (in exact arithmetic: Mesos' three decimal digits are integers inside), and that no offer,
// however odd, makes it panic.
//
// It does not build, launch or remember anything, and has no goroutine. A further strategy is a
// further type with the method Match.
package taskmatcher
