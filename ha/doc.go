// Package ha has what a framework needs to outlive its process: stores that keep a scheduler's records.
//
// [Memory] forgets everything when the process ends. [File] keeps its records in one file of the local
// disk, a bbolt database. Both have the methods of scheduler.Store; neither knows what the records mean.
// Package storetest has the suite that both pass, for the authors of other stores.
//
// # What it promises
//
//   - Apply is all or nothing. When File's Apply has returned nil, the records survive the end of the
//     process, of the machine, and of its power: data pages are synced before the page that makes them
//     valid, and that one is synced as well.
//   - A file can be open once, in one process; another OpenFile returns [ErrLocked] at once.
//   - After a crash during an Apply, the next OpenFile finds all of its changes or none.
//   - A damaged file is refused with [ErrCorrupt], a file of another program with [ErrFormat], and neither is
//     changed. OpenFile reads the whole file (100 MB take a fraction of a second) and verifies the structure of its
//     pages and a checksum over all records, which each Apply keeps up to date. A file that it accepts has the
//     result of one Apply, never a mixture of several.
//   - A full disk fails the Apply and leaves the records as they were; once there is room, Apply works again.
//   - All methods may be called from any goroutine. Calls of a File run one at a time.
//
// # What it does not promise
//
//   - A last Apply whose final page was damaged later, on the disk, cannot be distinguished from one that a crash
//     interrupted: the file opens with the records from before it.
//   - An Apply that has begun to write cannot be interrupted: the end of its context has no effect then, and a disk
//     that hangs makes it hang. A context that ends earlier, also while Apply waits for another call, ends it.
//   - The file does not shrink; the space of deleted records is used again.
//   - It trusts fsync: a disk that reports a write as done and has not made it durable can lose records. Network
//     file systems often do that, and their locks are unreliable: use a local disk.
//   - On systems other than Unix the file's directory is not synced when the file is created.
//
// # Goroutines
//
// The package starts none.
package ha
