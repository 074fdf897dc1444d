// Package conformance is a suite of named behaviours that a good Mesos scheduler shows, each with the Mesos
// document or the recording of a real master that demands it. It drives package scheduler through its
// public API and looks at the calls that it makes.
//
// Each behaviour runs against the fake master of internal/mesostest, in virtual time; with MESOS_MASTER set
// to the URL of a real one, those that a plain cluster can show run there as well: one or more agents with
// the mesos containerizer, which can be reached under the addresses in their offers, no authentication, and resources
// for a few small commands. The suite skips the others and says why. Between scheduler and master is a proxy
// (wire_test.go) that records all calls and events and, when a behaviour asks for it, loses, repeats or delays them or
// cuts connections, so that most faults can be shown with either master. Agents are asked without it. Behaviours wait for events, never for a time that only one of the masters keeps, and leave no
// framework behind.
//
// docs/conformance.md is the list, written by
//
//	go test ./internal/conformance -run Document -update
//
// It does not compare the fake master with a real one: the recordings in internal/mesostest do. All of it is test code.
//
// Goroutines: the proxy has those of its net/http server; a world has one for Run, one that watches, and
// those that a behaviour starts with it. All end with the behaviour.
package conformance
