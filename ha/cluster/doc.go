// Package cluster elects one of several members of a framework, and keeps their state, with nothing but the members:
// gossip (memberlist) finds them and their addresses, Raft (hashicorp/raft) elects the leader and replicates the records.
//
// A [Member] is an ha.Elector. The store of each term that it gives to the function that leads is a scheduler.Store.
package cluster
