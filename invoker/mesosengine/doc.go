// Package mesosengine runs the containers of package invoker as tasks of a Mesos framework: by Docker, by Mesos' own containerizer,
// or as plain commands, without an executor of its own.
//
// What it promises:
//
//   - a container is a task with the same ID, whose record is durable, if the scheduler has a store, before Mesos hears of it;
//   - a container that does not come up in time is killed, until Mesos confirms its end: nothing is left behind, and what is told
//     of it later changes nothing;
//   - what a container prints can be read byte for byte, while it runs and for as long as its agent keeps the sandbox;
//   - failures of the image, of the platform and for want of room are told apart, as far as Mesos does.
//
// What it does not: containers cannot be suspended, since Mesos has no way to do that. With Docker Mesos does not say that a
// container has run out of memory; one that was killed from outside counts as such.
//
// Goroutines: it starts none.
package mesosengine
