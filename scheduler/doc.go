// Package scheduler runs tasks on Apache Mesos through the v1 HTTP scheduler API.
//
// A program makes a [Scheduler] with [New], keeps [Scheduler.Run] going, and submits, launches,
// watches and kills tasks with its methods, from any goroutine.
//
// # What it promises
//
//   - It stays subscribed: it finds the leading master, and when the stream ends, breaks or goes
//     silent it subscribes again under the same framework ID, after a random pause that doubles up to 15 s.
//   - Each task is launched on an offer that fits it; an offer that nothing fits is declined after
//     100 ms, or what [OfferPolicy] says; for a role that no pending task can use the master is told to
//     send none.
//   - Why a task is not launched can be asked with [Scheduler.Explain]; if it should not wait for ever, it
//     fails with a [*CapacityError].
//   - What was launched and came to nothing, because the offer was gone or the launch was lost, is
//     launched again under the same ID, once Mesos has said so, until [Config.MaxLaunches] were lost.
//   - The members of a pod are launched together or not at all, and end together.
//   - A kill is sent again until the task has ended.
//   - An ID is used once. Those of ended tasks are refused for as long as [Config.RememberIDs] says, by default for ever.
//   - Each status update is applied, stored, told to the watchers and only then acknowledged.
//   - A launch is stored before it is made. With a durable [Store], another process takes up the
//     framework and its tasks. While the store fails, nothing is launched.
//   - After each subscription, and every 15 min, all tasks are compared with what Mesos knows.
//   - Tasks live on when Run ends. Only [Scheduler.Teardown] ends the framework.
//   - When another scheduler takes the framework over, Run ends with [ErrEvicted] and stays ended.
//
// # What it does not promise
//
// Without a [Store] state is kept in memory: it outlives Run, but not the process. A store is for one
// scheduler at a time. A task that is out of reach is not replaced: it is [task.StateUnreachable] until
// it comes back, Mesos gives it up, or [Scheduler.Forget] takes it off the record. A process that dies between
// the registration of its framework and the storing of the ID leaves an empty framework behind, for a minute; it
// has a label mesos-actor-go/registration, whose value is on record. Events of [Scheduler.Watch] are for people and
// statistics: a watcher that is too slow misses some. [Scheduler.Wait] misses nothing.
//
// # Several processes
//
// Of several processes that could run the framework an election picks one, which calls [Scheduler.Lead] with its
// [Term] in place of Run. Lead ends with the term: with its context, or as soon as the term's store or
// [Term.Confirm] says that another process leads, after which nothing is sent. This package has no election.
//
// # Goroutines
//
// Run, like Lead, is itself the loop: matcher, builder and policies run on its caller's goroutine. It starts one goroutine
// that looks for the leading master, one or two for the present subscription, which also ask [Term.Confirm], one that
// makes calls in order, two that acknowledge updates, and one that writes to the store, and waits for all of
// them before it returns. When it begins, it decodes the records of a large store on several. [Scheduler.Watch] starts
// none, and all other methods wait on the goroutine of their caller.
//
// # How it is made
//
// See docs/architecture.md in this module's repository.
package scheduler
