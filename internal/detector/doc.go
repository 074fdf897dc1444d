// Package detector knows which Mesos master to ask: the next one of a list, or the one that leads according to
// ZooKeeper.
//
// It promises:
//   - what cannot be a master or a ZooKeeper is refused by New; no password is in an error or a log;
//   - of a list, each master gets its turn: Detector.Failed goes on to the next;
//   - with ZooKeeper, the master whose node has the smallest sequence number leads, whichever label the node
//     has, as among masters themselves;
//   - the leader last known stays the leader until another is known. A lost ZooKeeper, an empty election, or
//     a node that makes no sense change nothing: the leader's own stream tells whether it still works;
//   - when the context of Run ends, so do dials, connections and waits, within a second.
//
// It does not ask the masters anything: that one does not lead is told by its redirects. It trusts the
// ZooKeeper servers, apart from noticing when something else answers in their place. ZooKeeper is read in clear
// text.
//
// Goroutines: for a list, none. For ZooKeeper, Detector.Run starts one that closes the connection in the end, and
// those of the ZooKeeper client; it returns when they have ended.
package detector
