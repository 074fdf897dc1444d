// Package cluster elects a leader among the members of a framework and keeps the records among them. It needs no other
// service: gossip (memberlist) finds the members and their addresses, Raft (hashicorp/raft) elects the leader and
// replicates the records.
//
// A [Member] is an ha.Elector. It calls a function for each term in which it leads, with a scheduler.Term whose store has the
// records of all terms before:
//
//	member, err := cluster.New(cluster.Config{
//		Name:       "my-framework",
//		Dir:        "/var/lib/my-framework",
//		GossipBind: "10.0.0.1:7946",
//		RaftBind:   "10.0.0.1:7000",
//		Seeds:      []string{"members.example.com:7946"},
//	})
//	…
//	err = member.Run(ctx, s.Lead) // of a scheduler.Scheduler
//
// # What it promises
//
//   - As long as no process is paused, at most one member leads at a time: the context of a leader that is cut off ends
//     after half of the election timeout, and another one is elected after a whole one at the earliest.
//   - When a process is paused, two members may believe that they lead. The store then protects the records: the store
//     of a term has everything that a store of an earlier term has acknowledged, and once a term is on record the
//     stores of all earlier terms refuse every write, with an error whose method Fenced returns true.
//   - What Apply has acknowledged is on the disks of a majority of the voters, and is never lost while a majority of their
//     directories survives. Apply makes all of its changes or none.
//   - Term numbers rise, also across restarts of all members.
//   - A majority is enough: of three voters one may fail, of five two. Further members are in reserve: one of them gets
//     the vote of a voter that has been dead for DeadAfter, or that leaves for good, see [Member.Leave]. A rolling
//     restart does not change who votes.
//   - Members may move: addresses come from gossip, by ID. All of them may come back at other addresses at once.
//   - A cluster begins once: when as many members as are expected see one another, agree who they are, and none of them sees a
//     member of a cluster.
//   - A leader whose disk hangs gives up after StallAfter, and its Run ends: the process should end with it. A leader whose
//     disk is full loses the leadership; a member whose disk is full neither votes nor leads until there is room.
//   - A damaged file is refused, and the error names it. So is an entry of the log that was written by a later version
//     and cannot be read by this one.
//   - Members are identified by ID, not by address: a process at the former address of another member, or of a member
//     of another cluster, gets nothing that was meant for that one.
//   - A member needs about 1.3 times the size of the records in memory with a directory, and at most twice their size
//     without.
//
// # What it does not promise
//
//   - Without a directory the state is gone when a majority of the members ends at the same time. There can also be no
//     leader any more if one of three voters ends for good while another one, slow or paused, has not yet learned that
//     a member in reserve now votes: Raft does not elect a member that is not known to vote. Use directories where that
//     matters.
//   - A directory must not be copied or restored from a backup while others of the cluster live: a member that has
//     forgotten what it had acknowledged can lose what a majority has stored. Remove the directory; the member then comes
//     back as a new one and gets everything from the others. A copy that runs beside its original is noticed, and ends with
//     [ErrCopied], after two minutes, in which both could vote. If a majority of directories is lost, see [Recover].
//   - Six members of which two groups of three cannot reach each other, all new, begin two clusters. They never merge: none
//     takes in a member of the other, and the leaders say so in the log. Start the first members where they reach each other.
//   - Without Keys and TLS anybody who reaches the ports can join, read and write.
//   - Programs that are not members cannot see who leads. They have to ask a member, see [Member.Status].
//   - Members of different versions work together only as far as the versions in the log, the snapshots and the gossip are the
//     same. A member that meets an entry of a version that it does not know ends.
//
// # Goroutines
//
// New starts none. Run has, until it returns: its own, which owns the terms; one for the function that leads, one that
// watches the disk beside it; one that manages the membership; one that joins, with one for each address during an
// attempt; two that receive gossip; one that accepts connections for Raft, with one for each until it is known whom it
// is for; those of Raft and of memberlist; and one for each call that waits for Raft. It waits for all of them, except
// those of memberlist, which end within moments after their sockets were closed, and those that wait for a disk that
// hangs.
package cluster
