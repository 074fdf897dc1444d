// Package controlapi serves a framework over HTTP, on each of its members, and has a client for it.
//
// A [Server] has a route for each method of a scheduler, events as a stream, the output of tasks, and a page for people. A
// [Client] has the methods of [Framework], so that code need not know whether it runs beside the leader or in any other
// process:
//
//	client, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: []string{"10.0.0.1:8080"}, Token: token})
//	...
//	info, err := client.Launch(ctx, spec)
//
// # What the server promises
//
//   - A list has whatever was submitted, killed or forgotten before it was asked for, by anybody. Lists and events come from a
//     copy that the server keeps while [Server.Serve] runs, so that they cost the scheduler nothing.
//   - GET /v1/events begins with all tasks, in one or several events "snapshot", or with what has happened since the version of a
//     list or the id of an event: no change of a task is missed, also not by a reader who was away, though one may come twice.
//     Whoever is too slow is told so by the event "lag", and has to begin again.
//   - Repeating a submit with the same Idempotency-Key and body does nothing more than the first did.
//   - What it keeps for clients, and how long it waits for them, is bounded: docs/security.md in this module's repository.
//   - The description at /v1/openapi.json agrees with what is answered; tests compare the two.
//   - When its context ends, Serve ends those who wait or watch at once, and returns within 5 s.
//
// # Members
//
// With [Config.Elector] any member answers. One that does not lead passes requests on to the API address of the leader, as the
// election's status has it, with the client's token; between members that use TLS, see [Config.TLS]. While nobody leads it waits for
// the next leader until the time of the request is over: that in the header Request-Timeout, in seconds, 30 s without one, and 10
// min at most. A request that the leader has not answered when it dies, is cut off or hands over is made again at the next
// one, so that its client sees a slow answer and no error. Streams of events, and output that is followed, go on where they were.
//
// A request that is repeated has its effect once: a submission is recognized by its RequestID, which is taken from the spec or
// from the header Idempotency-Key, or else generated. A task that was submitted over HTTP is not withdrawn when its client
// disconnects, since the client may come back; a [Client] does withdraw it, see there.
//
// # What it does not promise
//
//   - Events other than those of tasks and removals may be missed in a break, and all may be repeated after one.
//   - Whoever has a token may do everything. There are no rights for single routes or tasks.
//   - A member that was cut off and does not know it yet answers reads with what it knew, for as long as its elector lets it
//     believe that it leads. It can change nothing.
//   - A request whose client goes away, or that runs out of time, may have had its effect.
//   - Answers of more than 1 MiB that come through a follower break off when the leader dies meanwhile. [Client] asks again.
//   - Of errors in fields, such as [task.Info].Err, only the texts are on the wire; values of secrets are not.
//
// # Goroutines
//
// [Server.Serve] has one that accepts connections and, while somebody lists or watches, one that follows the framework and one or two
// beside it; it waits for them. Each connection and each request has one of package net/http. A request that a follower passes on has
// one more while it takes long, and a stream of events that it passes on has another one; both end with the request. A Client starts
// none: calls, and the sequences that Watch and Logs return, run on the goroutines of their callers, with those that package
// net/http has for each connection. They end with the call, and those of idle connections a minute later or with [Client.Close].
package controlapi
