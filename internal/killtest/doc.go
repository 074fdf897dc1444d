// Package killtest kills, stops and restarts invokers: members in processes of their own on loopback, with a scheduler, an invoker and
// a dispatcher each, on a fake cluster, while all of them run activations. All of it is test code, with the build tag integration,
// and needs Linux.
//
// The containers are programs of the test's own process. A witness in it writes down which /init and /run each container gets, and
// what runs, so that nothing is counted by the library that is tested:
//
//   - mix-ups: a container that was initialised for one action and gets a request for another, or is initialised twice;
//   - doubled: an activation whose /run arrives more than once;
//   - overlapping: a /run that arrives while the container, which serves one at a time, runs another;
//   - orphans: a container that runs, and that the leader does not know when everything is calm;
//   - failures: an activation that fails at a member that lives;
//   - cooled: an activation at a member that lives, of an action that it had a warm container for, and which needed another one.
//
// How long it takes until a new container can be had is printed, and not asserted.
package killtest
