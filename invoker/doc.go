// Package invoker runs serverless actions in containers: it starts containers, keeps them warm, finds them again after a crash,
// and collects the logs of each activation. It speaks the action protocol of Apache OpenWhisk (/init and /run).
//
// # What it promises
//
//   - A container serves one action: the binding is durable before /init is sent, and never changes.
//   - An activation is sent at most once.
//   - Nothing is left behind: each container that this package started is kept, adopted by the next run, or destroyed.
//   - What a container prints during an activation belongs to that activation.
//
// # What it does not
//
// It does not manage actions, namespaces or quotas, and does not queue activations durably: an activation whose caller's process dies
// is lost, and is not sent by anybody else.
//
// # Words
//
//   - A container runs the runtime of one [Shape]: a kind, an image and a size. An [Instance] is what the engine says of one that runs.
//     Start, create: the engine makes one. Initialise: /init. Run: an activation, /run; or a call of [Invoker.Run] or [Invoker.Lead].
//   - An [Action] is what is invoked, an [Activation] one invocation. Its [Key] says which containers can run it.
//   - A stem cell is a container that is bound to no key yet. To bind it is to put its key on record, for good.
//   - The owner ([Config].Owner) is the group of invokers that containers belong to. The agent is the machine where they run.
//   - A slot is the room of a container for one activation. A grant gives a holder one slot, or all slots of a container. The holder is
//     this process, which has it as a [Lease], or another one, which has a session: see [Control] and [Dispatcher].
//   - To recall a grant is to ask its holder to release it. To revoke it is to say that it is void.
//   - A marked container is removed by a sweep when its grace is over, unless it is revived because somebody needs it.
//   - A term is a run of the process that leads. Its epoch is a number by which it is told from others.
//
// # Goroutines
//
// [Invoker.Run] and [Invoker.Lead] have one each for the pool, the engine's Watch, its list of agents, the writes to the store, the logs
// and each reservation; and one for each call of the engine, each probe of a runtime, each container whose output is being read, and
// each lease that waits for room for its logs. They wait for all of these. Each call of the engine, the store and DialContext is made on
// a further goroutine, which is left behind if the call has not returned a second after its context ended.
//
// [Invoker.Acquire], [Invoker.Invoke] and the methods of a [Lease] work on the goroutine of the caller, which gets a warm container
// without waiting for any other goroutine. [Dispatcher.Run] waits for those that it starts.
package invoker
