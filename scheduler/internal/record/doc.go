// Package record defines the form in which a scheduler's records are stored. Of tasks it writes version 2, and reads
// versions 1 and 2; of the framework it writes version 3, and reads versions 1 to 3.
//
// A store maps keys to records, each a JSON object that begins with its version:
//
//	framework    {"version":3,"id":…,"state":…}: the framework's ID, how far it has come, and who it is
//	spec/<ID>    {"version":2,"spec":{…}}: the spec of a task, without its ID; written once
//	task/<ID>    {"version":2,"state":…}: the state of a task, its history and RequestID; written at each change
//	ended/<ID>   {"version":1,"state":…}: what is left of a task that has ended, in place of the two others
//
// All other keys are ignored. Names are fixed by JSON tags, in this package and on [task.Spec] and the types of its
// fields; fields that are zero are left out. The golden files in testdata pin all versions.
//
// In version 1 the record of a task held its spec as well, and all names were those of Go fields. A tag of version 2
// equals the name in version 1 but for case, which package encoding/json ignores, so that the same types read both.
//
// What is read equals what was written, except that times are in UTC and planned maintenance of agents is
// not kept. A record of a later version is an error, since to overwrite it could lose something.
// [Decode] starts goroutines, which have ended when it returns. All functions may be called concurrently.
package record
