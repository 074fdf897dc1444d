// Package detector finds the Mesos master to connect to: the next one of a list, or the one that leads according
// to ZooKeeper.
//
// It promises:
//   - New rejects what cannot be the address of a master or of ZooKeeper; no error and no log line has a password;
//   - of a list, each master gets its turn: Detector.Failed goes on to the next;
//   - with ZooKeeper, the master whose node has the smallest sequence number leads, whichever label the node
//     has, as among masters themselves;
//   - the last known leader stays the leader until another one is known. A lost connection to ZooKeeper, an empty
//     election or a node that cannot be decoded change nothing: the event stream of the leader shows whether it
//     still works, and Detector.Problem says what is wrong. While no leader is known yet, Detector.Leader says so;
//   - when the context of Run ends, so do dials, connections and waits, within a second.
//
// It does not contact the masters: those that do not lead redirect their callers. It trusts the ZooKeeper
// servers, but notices when something else answers in their place. The connection to ZooKeeper is not encrypted.
//
// Goroutines: for a list, none. For ZooKeeper, Detector.Run starts one that closes the connection at the end, and
// those of the ZooKeeper client; it returns when they have ended.
package detector
