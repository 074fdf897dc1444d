// Package scheduler runs tasks on Apache Mesos through the v1 HTTP scheduler API.
//
// A program makes a [Scheduler] with [New], keeps [Scheduler.Run] going, and submits, launches,
// watches and kills tasks with its methods, from any goroutine.
//
// # What it promises
//
//   - It stays subscribed: when the stream ends, breaks or goes silent it subscribes again under the
//     same framework ID, after a random pause that doubles up to 15 s.
//   - Each task is launched on an offer that fits it; offers that nothing fits are declined; while
//     nothing is pending the master is told to send none.
//   - A kill is sent again until the task has ended.
//   - Each status update is applied, told to the watchers and only then acknowledged.
//   - Tasks live on when Run ends. Only [Scheduler.Teardown] ends the framework.
//   - When another scheduler takes the framework over, Run ends with [ErrEvicted] and stays ended.
//
// # What it does not promise
//
// State is kept in memory: it outlives Run, but not the process. Tasks whose launch was cut off by a
// lost connection stay in state staging until Mesos tells of them; no reconciliation is asked for.
// Redirects of a master that does not lead are reported, not followed.
//
// # How it is made
//
// All state and every decision is in the machine (machine.go), a calculation without goroutines,
// clock or I/O: an input and the time go in, actions come out. The loop (loop.go) owns it, feeds it,
// and performs its actions through the edges (edges.go), which do the I/O. To add a call: an action
// or another use of send in machine_*.go. To add a matcher or builder: implement [TaskMatcher] or
// [TaskBuilder]. To add a task field: task.Spec, its Validate, and the builder.
//
// # Goroutines
//
// Run itself is the loop. It starts one goroutine that reads the present subscription, one that
// makes calls in order, and a few that acknowledge updates, and waits for all of them before it
// returns. Matcher and builder run on the loop. [Scheduler.Watch] starts none.
package scheduler
