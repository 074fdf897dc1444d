// Package ha is for frameworks that outlive their process: it has stores for a scheduler's records, and runs a
// framework as several processes of which one leads.
//
// # Elections
//
// Several processes run the same program. An [Elector] decides which of them leads, and [Run] runs the scheduler of
// that one:
//
//	err := ha.Run(ctx, elector, sched)
//
// A leader that dies, is cut off or stops is followed by another one, which finds all records in the store of its term,
// subscribes with the same framework ID and goes on. All members need the same scheduler.Config: a leader refuses the
// records of another framework, or of a framework in another cluster. This package has the interface only. Packages
// ha/cluster and ha/zookeeper implement it, each with a store; package electiontest has an implementation for tests,
// and a test suite for all of them.
//
// Run promises, if the elector keeps its promises:
//
//   - Only the leader writes and talks to Mesos: each term is on record before its first SUBSCRIBE, the elector
//     confirms the leadership before each SUBSCRIBE and again after SUBSCRIBED, and the store of a term that is over
//     refuses every write.
//   - Each launch is stored before it is made, so that the next leader knows of it.
//   - The framework lives on, whichever member stops, until [scheduler.Scheduler.Teardown]. Then it is on record as
//     torn down, and Run returns in each member.
//   - A member that is evicted by another scheduler ends its term and does not subscribe again in it. If that happens three
//     times within ten minutes although it led, that scheduler takes no part in the election: Run ends with a
//     [*ForeignSchedulerError].
//   - A leader that has not reached a master for two minutes hands over, since another member may reach one. That time
//     doubles with each attempt, up to an hour, until the leader is subscribed again.
//   - An error that would come again in another term ends Run. Any other error ends only the term.
//   - A member whose elector is a [Replica] decodes the records before its term begins. It uses a decoded record only
//     if the store of the term still has the same.
//
// It does not promise that two members never believe that they lead at the same time. A process that was paused may
// subscribe once more when it wakes up. It finds out before it makes any other call, and the real leader subscribes
// again; the master accepts calls only from the latest subscription. Each member counts only its own evictions.
//
// # Stores
//
// [Memory] forgets everything when the process ends. [File] keeps its records in one file of the local disk, a bbolt
// database. Both have the methods of scheduler.Store; neither knows what the records mean. Package storetest has a test
// suite that both pass, for authors of other stores.
//
// What they promise:
//
//   - Apply is all or nothing. When File's Apply has returned nil, the records survive a crash of the process or the
//     machine, and a loss of power: data pages are synced before the page that makes them valid, and so is that page.
//   - A file can be open once, in one process; another OpenFile returns [ErrLocked] at once.
//   - After a crash during an Apply, the next OpenFile finds all of its changes or none.
//   - A damaged file is refused with [ErrCorrupt], a file of another program with [ErrFormat], and neither is changed.
//     OpenFile reads the whole file (100 MB take a fraction of a second) and verifies the structure of its pages and a
//     checksum over all records, which each Apply keeps up to date. A file that it accepts is as the last Apply left it
//     that returned nil, or a later one that was interrupted: never a mixture, and never an older state.
//   - A file that is removed, renamed or replaced while it is open, or its directory, is noticed by the next call, which returns
//     [ErrMoved]. One that another program cuts or overwrites is damaged.
//   - A call returns when its context ends, also if the disk hangs. Close returns within ten seconds.
//   - A full disk fails the Apply and leaves the records as they were; once there is room, Apply works again.
//   - All methods may be called from any goroutine. Calls of a File run one at a time.
//
// What they do not promise:
//
//   - If the power fails within seconds after an Apply, before a mark that it leaves without a sync is on the disk, and its
//     final page is damaged later, before the file is opened again, it cannot be distinguished from an Apply that was
//     interrupted: the file opens with the records from before it. The same holds if both pages at the head of the file are
//     damaged in a certain way.
//   - A call that has begun to use the disk cannot be interrupted: when its context ends it returns, and its goroutine stays
//     until the disk answers. Nobody knows until then whether an Apply has written; other calls wait, and the file stays
//     locked, even if the process is killed, as long as the kernel does not let it go. [OpenFile] has no context, and hangs
//     with the disk.
//   - The file does not shrink; the space of deleted records is used again.
//   - It trusts fsync: a disk that reports a write as done and has not made it durable can lose records. Network
//     file systems often do that, and their locks are unreliable: use a local disk.
//   - On systems other than Unix the file's directory is not synced when the file is created.
//
// # Goroutines
//
// Run starts one that follows a [Replica] while this member does not lead, and two in each term that watch the
// subscription. It waits for them. A File has one for each call, and one for Close, which end before the call returns unless the
// disk hangs. Electors start goroutines of their own.
package ha
