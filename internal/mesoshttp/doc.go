// Package mesoshttp is the client of a Mesos master's v1 scheduler endpoint, /api/v1/scheduler: it subscribes,
// reads the event stream, sends calls, and tells apart all the ways in which a master says no.
//
// It promises:
//   - a subscription has a connection of its own, which is never reused;
//   - a call is written to at most one connection (see Client.Call; a Pipeline is for calls of which this need
//     not be so), and calls of a Client with one
//     connection that are sent one after the other reach the master in that order, as long as none fails: a
//     failed one may still arrive after later ones;
//   - a subscription follows redirects to the leading master (see Client.Subscribe), calls never do: no master
//     but that of their subscription would take them;
//   - credentials go to the masters asked for and to those that they redirect to, over the same scheme; they
//     are in no error;
//   - whatever the other side sends, memory stays bounded: the bytes of an event by Config.MaxFrame (as a message,
//     one made to do harm can take some fifty times as much), other bodies by 4 KiB, response heads by 64 KiB;
//   - calls may say what mesos-go has no words for: offer constraints, and in JSON infinity;
//   - when a context ends, dialling, TLS handshake, writing and reading under it end at that instant.
//
// It does not retry (but once with a new bearer token), back off, watch heartbeats, find masters or look into
// calls and events beyond their type. It does not use the proxy settings of the environment: a scheduler stands beside its masters.
//
// Goroutines: it starts none itself, but for the instant that it takes to close a connection of a Pipeline. net/http runs two per open connection and one per dial; those of a
// subscription end with it, those of calls after a failed call, a minute of idleness, or Client.Close.
package mesoshttp
