// Package task defines the types that the other packages share: the description of a task ([Spec]), the input of
// a matcher ([Cycle], [Offer]) and its output ([Placement], [Rejection]), and what is known about a task after
// it was submitted ([State], [Info]).
//
// All types are plain values; the package has no goroutines and no locks, reads no clock and does no I/O. It does not
// place, build or launch tasks: packages taskmatcher, taskbuilder and scheduler do.
package task
