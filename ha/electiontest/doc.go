// Package electiontest has an election among members of one process, and a suite for every [ha.Elector].
//
// [Election] elects one of several members on one store in memory. It is for tests, and for trying out what a framework
// does when another member leads: members can be cut off, paused, and made to hand over. Its members are electors, with
// everything that package ha promises: the store of a term refuses all calls once the term is over, and the proof of
// leadership fails.
//
// [Run] checks an elector of any kind. Its author says how to start a cluster of three members and how to cut one off:
//
//	func TestElector(t *testing.T) {
//		electiontest.Run(t, func(t *testing.T, check func(t *testing.T, c electiontest.Cluster)) {
//			check(t, start(t))
//		})
//	}
//
// A cluster that lives in virtual time calls check in a bubble, with testing/synctest.
//
// # What it does not promise
//
//   - An Election knows no majority: any member that is not cut off can lead. It sends no messages, so that none is lost.
//   - A member that is paused goes on running: only its calls of the store and its proofs wait, and what asks
//     [Member.Awake].
//   - The suite cannot stop a process: that is left to the elector's own tests.
//
// # Goroutines
//
// A member's Run has one beside it in each term, and waits for it. Run of this package waits for all that it starts.
package electiontest
