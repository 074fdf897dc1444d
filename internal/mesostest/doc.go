// Package mesostest is a fake Mesos master with its agents and their tasks, for tests, examples and
// benchmarks of frameworks. A [Master] speaks the v1 scheduler API over real HTTP/1.1 and RecordIO
// on any net.Listener: loopback TCP, or a [Network] in memory, on which whole clusters run in
// virtual time inside a testing/synctest bubble.
//
// # What it promises
//
// Statuses, texts, events and their order are those of a real master (Mesos 1.11) as far as the
// recordings in testdata show them: subscription and its errors, stream IDs, failover and its
// timeout, offers by role with filters, suppress and revive, ACCEPT with LAUNCH and LAUNCH_GROUP
// and their validation, status updates that are resent until acknowledged, kill and its grace
// period, health checks, reconciliation, offer constraints, and agents that get lost and come back.
// A call has taken effect before its response is written.
//
// Given a seed and the same calls at the same times, everything is the same again, IDs included.
// Times are exact: in a bubble, an event comes at the very instant that the Config says. A decline
// or a task's end at the instant of an allocation is too late for that allocation, while a filter
// that ends then is over.
//
// Misfortune is scripted: [Master.Intercept], [Master.CutStreams], [Master.Silence],
// [Master.RescindOffers], [Master.LoseAgent] and its siblings, [Master.KillExecutor],
// [Master.Update].
//
// # What it does not
//
// Nothing is executed. The commands of tasks are read by an interpreter of a small part of sh
// (sleep, exit, kill, trap, loops, tests of files) that knows time but no machine; a program that
// it does not know is not found (status 127), in a container image it runs until killed. HTTP and
// TCP health checks of a running task succeed. Custom executors never register.
//
// A request body of more than 64 MiB, also unzipped, is answered 413, which a real master never does.
// A client that sends more behind a SUBSCRIBE and leaves is missed only at the next event.
//
// There is one master: no registry, election or failover. Quota, maintenance, authorization,
// volumes that grow, the operator API and the agents' own API are missing. It is no yardstick of
// speed either: its agents start a task after Config.Launch, however many there are.
//
// # Goroutines
//
// [Master.Run] owns all of them and returns when they have ended:
//   - the loop, on the goroutine that called Run, owns all state; everything else hands it functions;
//   - the accepting one of net/http;
//   - one per connection, of net/http. That of a SUBSCRIBE writes what the loop queued for it; the
//     queue has no bound, so a slow reader holds up nobody.
package mesostest
