// Package tracing writes the launches and runs of tasks as spans of OpenTelemetry.
//
// [Follow] reads the events of a scheduler and writes, with the times of the events, these spans:
//
//	task.launch     from the submission until the task runs, ends, or is pending again
//	  task.pending  until a matcher found a place
//	  task.store    until the launch was stored, if there is a store
//	  task.accept   until the master accepted it
//	  task.start    until the task ran; with what comes before, if that is unknown
//	task.run        until the task ended
//
// A launch that comes to nothing is a task.launch of its own, with the status Error and the reason; the attribute
// mesos.launch.attempt counts them. A task that failed or was lost has the status Error in its last span. Phases whose
// times are unknown, see [scheduler.LaunchTimes], are left out. The attributes are in the comments of the constants.
//
// A program that traces its own requests calls [Inject] before it submits a task: the spans of the task are then children of
// its span. Otherwise they are a trace of their own, with an ID that is derived from the framework's ID, the task's ID and
// the time of its submission. So all spans of a task have the same trace ID, also those that another process writes after a
// failover.
//
// What it promises: nothing in the scheduler waits for a span, and package scheduler does not link OpenTelemetry. Only its
// API is linked here; the SDK is chosen by the program. While a task runs no span is open, and about 100 bytes are kept for
// it.
//
// What it does not: spans are lost with events that were missed, because the watcher was too slow or because the leader died
// between an event and the export of its span; what came before is then read from the task's history, so that the next spans
// are right. A span may be written twice after a failover, if two processes saw the same event. Nothing is written about
// tasks that ended while nobody followed.
//
// There are no goroutines: Follow works on that of its caller.
package tracing
