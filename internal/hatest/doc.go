// Package hatest tests high availability as a whole: members of ha/cluster, each with a scheduler under ha.Run, a network
// whose links are cut, slow and lossy, processes that are killed, stopped and paused, and the fake master, all in one
// bubble of virtual time. All of it is test code.
//
// What is checked, all the time:
//
//   - I1: at most one lead function runs at a time, but for two seconds on lossy links; a member that is paused, or was and does
//     not know yet, does not count;
//   - I2: nothing is launched whose intent is not committed, and a SUBSCRIBE comes after a proof of leadership of its own;
//   - I3: no task runs twice, and none runs after Kill has returned;
//   - I4: whatever runs is on record, and known to a leader that is subscribed for ten seconds;
//   - I5: terms rise, from leader to leader and in the store;
//   - I6: an update is acknowledged after it was committed;
//   - I7: what a store has acknowledged is there in all later terms;
//   - in the end, when nothing is disturbed any more, one member leads, what is wanted runs, and nothing else does.
//
// # What it does not show
//
// A pause is not quite SIGSTOP, since goroutines cannot be stopped: whatever a member sends and receives stands still, and so
// do its store, its proofs and the end of its term, which it learns of some time after the pause. Its timers go on. Clocks
// do not jump. Real processes are needed for both.
//
// Raft and memberlist draw their timeouts themselves, so that a seed repeats the faults and the times at which they come,
// and not each of their effects: run a seed that has failed with -count.
package hatest
