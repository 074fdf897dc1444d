// Package conformance is a suite of named behaviours that a good Mesos scheduler shows, each with the Mesos
// document or the recording of a real master that demands it. It drives package scheduler through its
// public API and looks at what it does on the wire.
//
// Each behaviour runs against the fake master of internal/mesostest, in virtual time; with MESOS_MASTER set
// to the URL of a real one, those that a plain cluster can show run there as well: one or more agents with
// the mesos containerizer, no authentication, and resources for a few small commands. The suite says which
// it left out, and why. Between scheduler and master stands a proxy (wire_test.go) that writes down what
// is said and, when a behaviour asks for it, loses, repeats, holds back or cuts, so that most faults can be
// shown on either. Behaviours wait for events, never for a time that only one of the masters keeps, and
// leave no framework behind.
//
// docs/conformance.md is the list, written by
//
//	go test ./internal/conformance -run Document -update
//
// It does not test the fake master against the real one: that is what the recordings in internal/mesostest
// are for. All of it is test code.
//
// Goroutines: the proxy has those of its net/http server; a world has one for Run, one that watches, and
// those that a behaviour starts with it. All end with the behaviour.
package conformance
