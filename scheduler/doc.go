// Package scheduler runs tasks on Apache Mesos through the v1 HTTP scheduler API.
//
// A program makes a [Scheduler] with [New] and calls [Scheduler.Run] on a goroutine of its own. It then submits,
// launches, watches and kills tasks with the other methods, from any goroutine.
//
// # What it promises
//
//   - It stays subscribed: it finds the leading master, and when the stream ends, breaks or goes silent it subscribes
//     again under the same framework ID, after random pauses that grow up to 15 s.
//   - Each task is launched on offers that it fits. Offers that no task fits are declined after 100 ms, or as
//     [OfferPolicy] says. For roles that no pending task can use, the master is told to send no offers.
//   - [Scheduler.Explain] says why a task is not launched. With [OfferPolicy.MaxWait] a task that finds no place fails
//     with a [*CapacityError] instead of waiting for ever.
//   - A task whose launch had no effect, because the offer was gone or the launch was lost, is launched again under the
//     same ID once Mesos has confirmed that, until [Config.MaxLaunches] launches were lost.
//   - The members of a pod are launched together or not at all, and end together.
//   - A kill is sent again until the task has ended.
//   - An ID is used once. IDs of ended tasks are refused for as long as [Config.RememberIDs] says, by default for ever.
//   - Each status update is applied, stored and sent to the watchers before it is acknowledged.
//   - A launch is stored before it is made. With a durable [Store], another process can go on with the framework and
//     its tasks. While the store fails, nothing is launched.
//   - After each subscription, and every 15 min, all tasks are compared with what Mesos knows.
//   - [Scheduler.Logs] reads what a task has written, exactly, or says why it cannot.
//   - Tasks keep running when Run ends. Only [Scheduler.Teardown] ends the framework.
//   - Whatever a master, ZooKeeper or a store does, subscriptions, calls, memory and log lines stay bounded, and Run ends
//     when it is told to. docs/security.md in this module's repository has all bounds.
//   - When another scheduler takes over the framework, Run ends with [ErrEvicted]; it does not take it back.
//
// # What it does not promise
//
// Without a [Store] the state is kept in memory: it outlives Run, but not the process. A store is for one scheduler at
// a time. A task that cannot be reached is not replaced: it is [task.StateUnreachable] until it comes back, Mesos gives
// it up, or [Scheduler.Forget] is called. A process that dies between registering its framework and storing the ID
// leaves an empty framework behind for a minute; that framework has the label mesos-actor-go/registration, whose value
// is on record. Events of [Scheduler.Watch] are for people and statistics: a watcher that is too slow misses some.
// [Scheduler.Wait] misses nothing.
//
// # Several processes
//
// If several processes could run the framework, an election picks one of them, which calls [Scheduler.Lead] with its
// [Term] instead of Run. Lead ends when its context does, or when the term's store or [Term.Confirm] says that another
// process leads; after that nothing is sent. Elections are in package ha, whose Run calls Lead.
//
// # Goroutines
//
// Run and Lead start one goroutine that does their work: matcher, builder and policies are called there. If user code ends
// it by [runtime.Goexit], as FailNow of a test does, Run ends with an error. They also start one goroutine that looks for
// the leading master, one or two for the present subscription, which also ask [Term.Confirm], one that makes calls in order,
// two that acknowledge updates, one that writes to the store, and one for each call of the store, of Confirm and of
// [Config.Token], and for each connection that is made. They wait for all of them before they return; only a call of your
// code that ignores its context is left behind, see [Store]. When they begin, they decode the records of a large store on
// several. [Scheduler.Watch] and [Scheduler.Logs] start none, but for those of net/http while output is read, and all other methods wait on the goroutine of their caller. If its context ends
// while a matcher, builder, policy or log handler does not return, one takes the request back when it has.
//
// # How it is made
//
// See docs/architecture.md in this module's repository.
package scheduler
