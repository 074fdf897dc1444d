// Package mesoshttp is the client of a Mesos master's v1 scheduler endpoint, /api/v1/scheduler: it subscribes,
// reads the event stream, sends calls, and returns a typed error for each way in which a master refuses one. Of the operator
// API, /api/v1, it asks for a framework with a label, and passes on calls to other servers that have that API, which are agents.
//
// It promises:
//   - a subscription has a connection of its own, which is never reused;
//   - a call is written to at most one connection (see Client.Call; a Pipeline may write a call twice), and calls
//     that are sent one after the other by a Client with one connection reach the master in that order, as long
//     as none fails: a failed one may still arrive after later ones;
//   - a subscription follows redirects to the leading master (see Client.Subscribe), calls never do: only the
//     master of their subscription would accept them;
//   - credentials are sent to the given masters and to those that they redirect to, over the same scheme, to other servers
//     only if Config.Hosts has them, and are in no error;
//   - whatever the other side sends, memory and the stack stay bounded: the bytes of an event by Config.MaxFrame, what it
//     takes as a message by eight times that (while it is decoded lists may take as much again), its nesting by 100, as
//     protobuf's C++ decoder has it; the list of frameworks by 64 MiB, answers of other servers as the caller says, other bodies by 4 KiB, response heads by 64 KiB;
//   - events that lack a part are skipped, as are those of an unknown type: what Stream.Next returns has all that every
//     event of its type has; a stream of which a hundred frames in a row are skipped ends;
//   - a subscription that cannot be opened fails within 15 s for each master asked, with an error that names the URL and what
//     is likely wrong with it; to find that out, it may ask the server another time, without credentials;
//   - calls may have what mesos-go has no types for: offer constraints, and infinity in JSON;
//   - when a context ends, dialling, TLS handshake, writing and reading under it end at that instant.
//
// It does not retry (except once with a new bearer token), back off, watch heartbeats, find masters or look into
// calls and events beyond their type. It ignores the proxy settings of the environment: schedulers run in the
// network of their masters.
//
// Goroutines: it starts one for each connection that is being made, one for each token that is fetched, and briefly one to
// close a connection of a Pipeline; the first two outlive the request only if the dialer, a TLS callback or the source of
// tokens ignores its context. net/http runs two per open connection and one per dial; those of a subscription end with it,
// those of calls after a failed call, a minute without calls, or Client.Close.
package mesoshttp
