// Package taskmatcher decides where tasks run: pure functions from pending tasks, offers and running tasks to
// placements, and to the reasons why tasks found no place.
//
// The strategies are [FirstFit], [BestFit] and [Spread]; a [Matcher] is made of a filter and a score of one's own.
// All keep to the same rules.
//
// # Where a task may run
//
// The offers of one agent for one role are one room, which is taken from as a whole; an offer given twice counts
// once. A room serves a task if
//
//   - its role is the task's, or the task names none;
//   - maintenance of the agent does not begin before the task must have ended, which is now for a
//     task without [task.Spec.MaxCompletionTime];
//   - it offers no GPUs, or the task asks for some, or [Options.ShareGPUAgents] is set;
//   - all constraints hold, with the tasks counted that run and those placed before in this cycle;
//   - what is left there suffices.
//
// # What is taken
//
// Scalar resources of any name, in exact arithmetic: Mesos' three decimal digits are integers inside. Reserved
// resources come before unreserved ones; what an agent offers to a role includes reservations for the role's
// ancestors. What is taken keeps reservations, allocation and role, so an amount may consist of several
// resources. Host ports are those that the task names, and otherwise the lowest that are free or, with
// [Options.RandomPorts], any; never a quarantined one, and one port may serve TCP and UDP. Revocable scalars
// go to tasks that ask for them, of each kind all of it or nothing, since Mesos refuses mixtures. Volumes,
// disks with a source, shared resources, those of resource providers and revocable ports are not touched.
//
// # In which order
//
// Tasks take their places one after the other as they were submitted, each the best room at that moment: the one
// with the fewest preferences that do not hold, then the best for the strategy, then the one that offered
// the least memory at the start, then by agent ID and role. A task that fits nowhere holds up no other. Only
// GROUP_BY and a filter may have a place later for a task that had none: when all had their turn those that
// are left have another, until nobody finds a place.
//
// So a task that is not placed fits nowhere that is left. It belongs to a rejection, together with all that ask
// for the same; the reasons are about what is left in the end, one for each room.
//
// # Promises
//
// The outcome depends on the arguments alone and not on the order of offers and running tasks. The arguments are
// not altered; the results share the messages inside the offers' resources, such as reservations, which must
// not be altered afterwards. No offer and no task, however odd, makes a strategy panic: amounts that
// [task.Spec.Validate] refuses fit nowhere, constraints that it refuses hold nowhere.
//
// # Costs
//
// Tasks that ask for the same are tried once on each agent, and again only where something changed. With r rooms, s
// kinds of task and p placements, [FirstFit] and [Spread] cost at most r·s room visits of some nanoseconds
// and p more, [BestFit] less for tasks that come once, a [Matcher] r·s scores and, if kinds take turns, up to
// p·s more. A rejection costs r. docs/benchmarks.md has figures.
//
// It does not build, launch or remember anything, looks at no clock and has no goroutine. It does not move tasks
// that run, nor hold places for tasks that are too large today.
package taskmatcher
