// Package record has the form in which a scheduler's store keeps what it knows: version 2, and how
// version 1 is read.
//
// A store maps keys to records, each a JSON object that begins with its version:
//
//	framework    {"version":2,"id":…}: the framework's ID
//	spec/<ID>    {"version":2,"spec":{…}}: what was submitted as the task, without its ID; written once
//	task/<ID>    {"version":2,"state":…}: how the task fares; written at each change
//
// All other keys are somebody else's and are ignored. Names are fixed by JSON tags, in this package and on
// [task.Spec] and what it consists of; what is zero is left out. The golden files in testdata pin both versions.
//
// In version 1 the task's record held its spec as well, and all names were those of Go fields. A tag of version 2
// equals the name of version 1 but for case, which package encoding/json ignores, so that the same types read both.
//
// What was read is what was written, except that times are in UTC and planned maintenance of agents is
// not kept. A record of a later version is an error: this package does not know what it would overwrite.
// [Decode] uses goroutines of its own, which have ended when it returns. All functions may be called concurrently.
package record
