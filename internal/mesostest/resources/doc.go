// Package resources has the resources of agents, offers and tasks with the arithmetic of a Mesos master: adding,
// subtracting, comparing, reading them from the flags of an agent and printing them as a master does.
//
// # What it promises
//
// Scalars are counted in thousandths, ranges are joined and sorted, and what is reserved, allocated, revocable or
// on a disk of its own is only added to its like. Entries keep the order in which a master would print or offer
// them. A [List] is never changed once made: every method returns a new one, and lists may be kept and shared. The
// texts of faults are the master's.
//
// # What it does not
//
// It does not know which agent has what, nor who may use it: offers, quota and the validation of tasks are built on
// it elsewhere. Shared resources, such as a volume that several tasks use at once, are counted like all others.
//
// # Goroutines
//
// None. A List may be used by several at once; the map [Scalars] may not.
package resources
