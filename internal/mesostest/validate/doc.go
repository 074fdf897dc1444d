// Package validate refuses what a Mesos master refuses: calls, frameworks, tasks, groups of tasks and their
// executors, in the order in which a master looks and in its words.
//
// # What it promises
//
// Every function returns the text of the first fault, "" if there is none. The texts are those of the recordings of a
// real master and, where there is none, of Mesos' sources.
//
// # What it does not
//
// It knows no master: whatever a check must know of frameworks, tasks and agents comes in as an argument, such as a
// [Site]. Whether a call fits the state of its framework is for the master to see.
//
// # Goroutines
//
// None; nothing is kept between calls, and no argument is changed.
package validate
