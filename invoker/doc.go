// Package invoker runs serverless actions in containers: it starts containers, keeps them warm, finds them again after a crash,
// and collects the logs of each activation. It speaks the action protocol of Apache OpenWhisk (/init and /run).
//
// # What it promises
//
//   - A container serves one action: the binding is durable before /init is sent, and never changes.
//   - An activation is sent at most once.
//   - Nothing is left behind: each container that this package started is on record, adopted or destroyed.
//   - What a container prints during an activation belongs to that activation.
//
// # What it does not
//
// It does not manage actions, namespaces or quotas, and does not queue activations durably: an activation whose process dies
// is lost, and its caller sees that.
//
// # Goroutines
//
// Run and Lead have one for the pool, for the engine's Watch, its list of agents, the store's writes, the logs and each
// reservation, and one for each call of the engine, each probe of a runtime and each lease that waits for its logs. Calls of engine, store and
// DialContext are made on goroutines of their own besides, and are left behind if they have not returned a second after their context
// ended. Run waits for all others. Acquire, Invoke and the methods of a [Lease] do their work on the caller's goroutine: nobody else has
// to run for a warm container to be had.
package invoker
