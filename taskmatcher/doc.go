// Package taskmatcher decides where tasks run: its matchers are pure functions from pending tasks, offers and
// running tasks to placements, and to the reasons why the other tasks were not placed.
//
// The strategies are [FirstFit], [BestFit] and [Spread]; [Scored] takes a user-defined filter and score. All follow the
// rules below. How they are implemented is described in match.go.
//
// # Where a task may run
//
// All offers of one agent for one role together are one candidate, and are used as a whole; an offer that is given twice
// counts once. A task may run on a candidate if
//
//   - the candidate's role is the task's, or the task has no role;
//   - maintenance of the agent does not begin before the task must have ended; for a
//     task without [task.Spec.MaxCompletionTime], maintenance must not have begun;
//   - it offers no GPUs, or the task asks for some, or [Options.ShareGPUAgents] is set;
//   - all constraints hold, counting the tasks that run and those placed earlier in this cycle, see [task.Operator];
//   - enough resources are left.
//
// # Which resources are used
//
// Scalar resources of any name. Arithmetic is exact: amounts are integers, in thousandths, as Mesos keeps three
// decimal digits. Reserved resources are used before unreserved ones; what an agent offers to a role includes
// reservations for ancestors of the role. Resources in placements keep their reservations, allocation and role, so
// one amount may be made up of several resources.
//
// Host ports are those that the task names. Others are the lowest ports from 1024 on that are free, or random ones with
// [Options.RandomPorts]; only where there are no more of these are they below 1024, where a task of no special user cannot
// listen. Quarantined ports are not used. A task may name one port twice, for TCP and for UDP.
//
// Revocable scalar resources are used only by tasks that ask for them. Each amount is either all revocable or not
// at all, since Mesos refuses mixtures.
//
// Frameworks that share a role share its reservations as well. Those with labels, such as Marathon's, are somebody's: they
// are not used, unless [Options.ReservationLabels] says that they are ours. A reservation that refines others counts
// as somebody's if any of them does.
//
// Never used are also volumes, disks with a source, shared resources, resources of resource providers, and revocable ports.
// What is never used does not count anywhere: not for the order of agents, nor as what a filter or a score sees, nor
// in rejections. [Options.Usable] tells.
//
// # Order
//
// Tasks are placed one after the other, in the order of submission. Each goes to the best candidate at that moment: the
// one with the fewest preferences that do not hold, then one that is not going to be drained, then the best one for the
// strategy, then the one that offered the least memory at the start of the cycle, then the one with the lowest agent ID and
// role. GROUP_BY comes before all of these: it chooses the values among whose agents the best one is found. A task that does
// not fit anywhere does not block later ones. A filter may accept a task later in the cycle that it refused at first, and
// GROUP_BY one that waits for a known agent: tasks that were not placed for these reasons are tried again, until no more
// can be placed.
//
// An agent with planned maintenance comes after those without, and the later it begins the better: so a service is not moved
// soon. The preferences of the task weigh more, the strategy, also a user's score, weighs less. Maintenance that is over does not
// count, and a task whose [task.Spec.MaxCompletionTime] ends before the maintenance begins takes the agent for any other.
//
// So a task that is not placed does not fit on any candidate, given what is left at the end of the cycle. There is one
// rejection for each class of such tasks, see [task.Demand]. It counts each candidate once.
//
// # Guarantees
//
// The result depends on the arguments alone, and not on the order of offers and of running tasks. The arguments are
// not modified. The results share messages inside the offers' resources, such as reservations, which must
// not be modified afterwards. No offer and no task makes a strategy panic: amounts that
// [task.Spec.Validate] refuses fit nowhere, and constraints that it refuses hold nowhere.
//
// # Cost
//
// A candidate is checked once for each class, and again only if something changed there. With c candidates, k
// classes and p placements, [FirstFit] and [Spread] make at most c·k checks of some nanoseconds, and p more; [BestFit]
// makes fewer for classes of few tasks; [Scored] calls the score c·k times and, if tasks of different classes alternate, up to
// p·k times more. A rejection costs c checks. docs/benchmarks.md has measurements.
//
// # What it does not do
//
// It does not build or launch tasks, keeps no state between cycles, reads no clock and has no goroutines. It does not move
// running tasks, and does not reserve resources for tasks that are too large at the moment.
package taskmatcher
