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
//   - A file is opened by one process at a time, and once in it; another gets [ErrLocked] at once.
//   - An Apply that a crash cut off anywhere is found at the next OpenFile as if it had never begun, or complete.
//   - A damaged file is refused with [ErrCorrupt], another's file with [ErrFormat], and neither is touched.
//     OpenFile reads the whole file (100 MB take a fraction of a second) and compares its pages'
//     structure and a checksum over all records, which each Apply keeps up to date. What it accepts is
//     the outcome of one Apply, never a mixture.
//   - A full disk fails the Apply and leaves the records as they were; once there is room, Apply works again.
//   - All methods may be called from any goroutine. One call at a time has the file.
//
// # What it does not promise
//
//   - A last Apply whose final page was damaged later, on the disk, cannot be told from one that a crash
//     cut off: the file opens with the records before it.
//   - An Apply that has begun to write cannot be interrupted: a context that ends meanwhile is not noticed,
//     and a disk that hangs makes it hang. A context that ends before, also while another call has the
//     file, is obeyed.
//   - The file does not shrink; room that deleted records leave is used again.
//   - A disk that says it wrote what it did not is believed. Network file systems often do, and
//     lock badly: use a local disk.
//   - Where the system is not a Unix, the file's directory is not synced when the file is made.
//
// # Goroutines
//
// The package starts none.
package ha
