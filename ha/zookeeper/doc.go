// Package zookeeper elects a leader among members, and keeps its records, on a ZooKeeper ensemble that is there
// already. Members need to know nothing but its address.
//
// Each member has an ephemeral, sequential node in the election; the first one leads, and each watches the one before
// its own. The records are a log: each Apply adds a node that has all its changes, by a transaction with the condition that
// the leader's node is still there. Every member has all records in memory, and reads what the log has more.
//
// # What it promises
//
//   - The context of a term has ended before the servers let another member lead, as long as the process runs: the term
//     ends three quarters of a session timeout after the begin of the last request by which a majority of the servers
//     has agreed that this member leads. Such a request is made every sixth of it.
//   - A process that was paused, and does not know yet that another one leads, cannot write: the servers refuse its
//     transactions as a whole, and it gets a [*FencedError].
//   - Term numbers grow: they are the numbers of the transactions that created the members' nodes. The first
//     transaction of a term records who leads, under the key "ha/epoch".
//   - A lost connection changes nothing by itself: if the session survives, the same term goes on.
//   - A planned end, by the end of Run's context or by the return of lead, deletes the node after lead has returned:
//     another member leads within milliseconds.
//   - An Apply that has returned nil is on the disks of a majority of the servers. Of one that has failed all is there
//     or nothing; the same records can be written again.
//   - Load returns what the last Apply of all terms has left. A member that has taken part for a while has all of it but
//     the last tenth of a second: with 100,000 records of 700 bytes it takes over in 0.2 s more than with none. One
//     that has just begun reads them first, which takes half a second with a server on the same machine.
//   - The log takes twice the bytes of the records, and few MiB more. Small nodes of it are put together, and records that
//     count are written anew so that old nodes can go, all with the same condition.
//   - A log in which a node is missing between others, or is not the library's, is an error that names it.
//   - A term ends when its log was deleted, or has less than this member knows. The next one begins with what is there.
//   - No error, no log line and no text of a value has the password. All methods may be called from any goroutine.
//   - Run leaves no goroutine and no connection behind.
//
// # What it does not promise
//
//   - That no two members believe at the same time that they lead: a process that was paused, or a machine whose clock
//     stood still, learns of it when it goes on. It is Confirm and the store that hold then. Nor if somebody deletes a
//     member's node by hand: the member learns of it by a watch.
//   - That lead has returned before another member leads. A planned end waits for that, and while it does nobody leads;
//     a term that was lost waits for half a session timeout at most. The context of lead has ended by then.
//   - That members notice when servers are set back to a backup, if others have written more since: stop all members before.
//   - Records of any size: key and value together take a little less than 1 MiB, see [RecordError] and BatchLimit of
//     the term's store. Servers with a smaller jute.maxbuffer than the usual one drop the connection over less.
//   - Encryption: see [Config].DialContext.
//   - That the path is this framework's alone: that is for the scheduler to check.
//
// # Goroutines
//
// [New] starts none. [Elector.Run] starts those of the ZooKeeper client, one for lead, one that waits for a lead which is
// slow to return, one that reads the log of a member that does not lead, and one for each call of the client, which takes
// no context: they end when the session is closed. Reading the log takes up to 8 more. Run returns when all have ended.
package zookeeper
