// Package zookeeper elects a leader among members, and keeps the records, in an existing ZooKeeper ensemble. Members
// need to know only its address.
//
// Each member has an ephemeral, sequential node in the election; the first one leads, and each watches the one before
// its own. The records are a log: each Apply adds a node with all its changes, in a transaction that requires the
// leader's node to be there still. Every member has all records in memory, and follows the log.
//
// # What it promises
//
//   - As long as the process is not paused, the context of a term ends before the servers let another member lead:
//     three quarters of a session timeout after the start of the last request in which a majority of the servers agreed
//     that this member leads. Such a request is made every sixth of a session timeout.
//   - A process that was paused and does not know yet that another one leads cannot write: the servers refuse its
//     transactions, and it gets a [*FencedError].
//   - Term numbers rise: they are the numbers of the transactions that created the members' nodes. The first
//     transaction of a term records who leads, under the key "ha/epoch".
//   - A lost connection changes nothing by itself: if the session survives, the same term goes on.
//   - When Run's context ends or lead returns, the node is deleted after lead has returned: another member leads within
//     milliseconds.
//   - An Apply that has returned nil is on the disks of a majority of the servers. A failed Apply has written all or
//     nothing; the same records can be written again.
//   - Load returns the records as the last Apply of any term left them. A member that has taken part for a while is at
//     most a tenth of a second behind: with 100,000 records of 700 bytes a takeover takes 0.2 s longer than with none.
//     A member that has just started reads all of them first, which takes half a second with a server on the same
//     machine.
//   - The log takes twice the size of the records, and a few MiB more. It is compacted by the leader, under the same
//     condition as any write.
//   - A node of the log that is missing or was not written by this package is an error, which names it.
//   - A term ends when its log was deleted, or has less than this member knows. The next one begins with what is there.
//   - The password appears in no error, log line or printed value. All methods may be called from any goroutine.
//   - Run leaves no goroutine and no connection behind.
//
// # What it does not promise
//
//   - That no two members believe at the same time that they lead. A process that was paused, or a machine whose clock
//     stood still, finds out when it goes on, and so does a member whose node was deleted by hand. Until then Confirm
//     fails and the store refuses its writes.
//   - That lead has returned before another member leads. When Run's context ends, the member waits for lead, and
//     nobody leads meanwhile. When a term was lost, it waits for half a session timeout at most. The context of lead
//     has ended by then.
//   - That members notice when the servers are restored from a backup: stop all members before that.
//   - Records of any size: key and value together take a little less than 1 MiB, see [RecordError] and BatchLimit of
//     the term's store. Servers with a smaller jute.maxbuffer than the usual one drop the connection over less.
//   - Encryption: see [Config].DialContext.
//   - That the path is this framework's alone: that is for the scheduler to check.
//
// # Goroutines
//
// [New] starts none. [Elector.Run] starts those of the ZooKeeper client, one for lead, one that waits for a lead that
// is slow to return, one that follows the log while the member does not lead, and one for each call of the client,
// which knows no contexts: they end when the session is closed. Reading the log takes up to 8 more. Run returns when
// all have ended.
package zookeeper
