// Package ha has what a framework needs to outlive its process: stores that keep a scheduler's records, and what runs one
// scheduler in several processes, of which one leads.
//
// # Elections
//
// Several copies of a framework run at the same time. An [Elector] decides which of them leads, and [Run] has its scheduler
// lead:
//
//	err := ha.Run(ctx, elector, sched)
//
// A leader that dies, is cut off or stops is followed by another one, which finds all records in the store of its term,
// subscribes with the same framework ID and goes on. All members have the same scheduler.Config, but for what says where a
// member is: a leader refuses the records of another framework, or of one in another cluster. This package has the contract only, and decides nothing: packages
// ha/cluster and ha/zookeeper have electors, each with a store; electiontest has one for tests, and a suite for all of
// them.
//
// What Run promises, with an elector that keeps its own promises:
//
//   - Nothing is sent to Mesos, and nothing is written, that the election was not asked about: each term is on record
//     before its first SUBSCRIBE, leadership is proved before each SUBSCRIBE and again after SUBSCRIBED, and the store of a
//     term that is over refuses all writings.
//   - No launch without a record, so that the next leader knows of it.
//   - The framework goes on, whoever stops, until [scheduler.Scheduler.Teardown]: then it is on record as torn down, and
//     each member's Run ends.
//   - A member that is evicted by another scheduler ends its term and does not subscribe again in it. If that happens three
//     times within ten minutes although it led, that scheduler takes no part in the election: Run ends with a
//     [*ForeignSchedulerError].
//   - A leader that has reached no master for two minutes hands over: another member may reach one. Each further time takes
//     twice as long, up to an hour, until it is subscribed again.
//   - An error that another term would only repeat ends Run. Everything else ends the term.
//   - A member whose elector is a [Replica] has the records decoded when its term begins. It uses none that differs from
//     what the store of the term has.
//
// What it does not promise: that two members never believe to lead at the same time. A process that was paused may wake up
// and take the stream once more. It finds out before it has used it, and the next term takes it back; no call is
// accepted but from the stream that was opened last. Each member counts its own evictions only.
//
// # Stores
//
// [Memory] forgets everything when the process ends. [File] keeps its records in one file of the local
// disk, a bbolt database. Both have the methods of scheduler.Store; neither knows what the records mean.
// Package storetest has the suite that both pass, for the authors of other stores.
//
// What they promise:
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
// What they do not promise:
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
// Run has one that follows a [Replica] while this member does not lead, and in a term two that watch the subscription. It
// waits for them. Otherwise the package starts none. An elector has its own.
package ha
