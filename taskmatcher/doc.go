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
// [Options.RandomPorts]; ports below 1024, on which usually only root can listen, come last. Quarantined ports are not
// used. Members of a pod may name the same port, for TCP and for UDP.
//
// Revocable scalar resources are used only by tasks that ask for them. Each amount is either all revocable or not
// at all, since Mesos refuses mixtures.
//
// Frameworks that share a role share its reservations as well. Reservations with labels, such as Marathon's, belong to
// one framework: they are not used, unless [Options.ReservationLabels] says that they belong to this one. The same
// holds for a reservation that refines one with labels.
//
// Never used are also volumes, disks with a source, shared resources, resources of resource providers, and revocable
// ports. What is never used does not count anywhere: not in the order of agents, not in what a filter or a score sees,
// and not in rejections. See [Options.Usable].
//
// # Order
//
// Tasks are placed one after the other, in the order of submission. Each goes to the best candidate at that moment: the
// one with the fewest preferences that do not hold, then the one whose maintenance is furthest away, see below, then
// the best one for the strategy, then the one that offered the least memory at the start of the cycle, then the one
// with the lowest agent ID and role. GROUP_BY comes before all of these: it chooses the values among whose agents the
// best one is found. A task that does not fit anywhere does not block later ones. A filter may accept a task later in
// the cycle that it refused at first, and so may GROUP_BY: tasks that were not placed for these reasons are tried
// again, until no more can be placed.
//
// Agents without planned maintenance come first, then those whose maintenance begins last, so that a service need not
// move soon. This counts less than the preferences of the task, and more than the strategy, including the score of
// [Scored]. Maintenance that is over does not count, nor does maintenance that begins after the
// [task.Spec.MaxCompletionTime] of the task.
//
// So a task that is not placed does not fit on any candidate, given what is left at the end of the cycle. There is one
// rejection for each class of such tasks, see [task.Demand]. It counts each candidate once.
//
// # Guarantees
//
// The result depends on the arguments alone, and not on the order of offers, running tasks and agents. The arguments are
// not modified. The results share messages inside the offers' resources, such as reservations, which must
// not be modified afterwards. No offer and no task makes a strategy panic: amounts that
// [task.Spec.Validate] refuses fit nowhere, and constraints that it refuses hold nowhere.
//
// # Cost
//
// A candidate is checked once for each class, and again only if something changed there. With c candidates, k
// classes and p placements, [FirstFit] and [Spread] make at most c·k checks of some nanoseconds, and p more; [BestFit]
// makes fewer: its classes share the order of the candidates, in which a placement moves one, and pass over most of
// them in blocks. A rejection costs c checks.
//
// [Scored] calls filter and score for each candidate that fits, once for each class: up to c·k times. It calls them again for
// each candidate that changed since the class's last turn: up to p·k times if tasks of different classes alternate.
// Nothing is known of a user's function, so the classes cannot share an order, and there is no candidate whose score
// need not be asked for. BestFit does the same for classes with several GROUP_BY constraints or a GROUP_BY preference.
//
// docs/benchmarks.md has measurements.
//
// # What it does not do
//
// It does not build or launch tasks, keeps no state between cycles, reads no clock and has no goroutines. It does not move
// running tasks, and does not reserve resources for tasks that are too large at the moment.
package taskmatcher
