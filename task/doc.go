// Package task holds the nouns that the other packages share: what a user asks for ([Spec]),
// what a master offers ([Offer]), which task goes where and why another does not
// ([Placement], [Rejection]), and how a task fares ([State], [Info]).
//
// It promises that all its types are plain values: no goroutine, no lock, no clock, no I/O.
// It does not place, build or launch anything; packages taskmatcher, taskbuilder and scheduler do.
package task
