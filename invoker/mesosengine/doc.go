// Package mesosengine runs the containers of package invoker as tasks of a Mesos framework: by Docker, by Mesos' own containerizer,
// or as plain commands, without an executor of its own.
//
// # What it promises
//
//   - A container is a task with the same ID. If the scheduler has a store, its record is durable before Mesos hears of it.
//   - A container that does not come up in time is killed, until Mesos confirms its end. Nothing is left behind, and what Mesos says
//     of it later changes nothing.
//   - What a container prints can be read byte for byte, while it runs and for as long as its agent keeps the sandbox.
//   - Failures of the image, of the platform and for lack of room are told apart, as far as Mesos does that.
//
// # What it does not
//
// Containers cannot be suspended, since Mesos has no way to do that. With Docker, Mesos does not say that a container has run out of
// memory: one that was killed by a signal that nobody has sent through Mesos counts as such.
//
// # Goroutines
//
// It starts none.
package mesosengine
