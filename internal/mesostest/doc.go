// Package mesostest is a fake Mesos master with its agents and their tasks, for tests, examples and
// benchmarks of frameworks. A [Master] speaks the v1 scheduler API over real HTTP/1.1 and RecordIO
// on any net.Listener: loopback TCP, or a virtualnet.Network in memory, on which whole clusters run in
// virtual time inside a testing/synctest bubble. On several listeners it is as many masters, of
// which one leads.
//
// # What it promises
//
// Statuses, texts, events and their order are those of a real master (Mesos 1.11) as far as the
// recordings in testdata show them: subscription and its errors, stream IDs, failover and its
// timeout, offers by role with filters, suppress and revive, ACCEPT with LAUNCH and LAUNCH_GROUP
// and their validation, status updates that are resent until acknowledged, kill and its grace
// period, health checks, reconciliation, offer constraints, agents that get lost and come back, and
// masters that fail over: redirects, elections, recovery, and what a new leader does not know until
// the agents have registered with it. So are what operators do as far as schedulers see it: agents that
// are deactivated, drained or marked gone, maintenance with unavailability and inverse offers, quota,
// weights, TEARDOWN, and what a master answers to such calls. A call has taken effect before its response
// is written.
//
// So are /state, /state-summary, /frameworks, /tasks, /slaves, /roles, /quota, /weights, /maintenance and /machine, /flags,
// /redirect and /version, the calls of the operator API that only ask, and, with Config.ListenAgents, the agents' own API:
// their state, their containers, and the files of their sandboxes, in which the output of echo and printf can be read.
//
// With Config.Credentials or Config.Tokens requests must say who sends them, by HTTP basic
// authentication or a bearer token. Behind a tls.NewListener the master speaks TLS; it speaks
// HTTP/1.1 only, so the tls.Config must not offer anything else.
//
// Given a seed and the same calls at the same times, everything is the same again, IDs included.
// Times are exact: in a bubble, an event comes at the very instant that the Config says. A decline
// or a task's end at the instant of an allocation is too late for that allocation, while a filter
// that ends then is over.
//
// [Master.Observe] tells of each call that was handled. Faults are scripted: [Master.Intercept], [Master.CutStreams],
// [Master.Silence], [Master.RescindOffers], [Master.LoseAgent] and [Master.LoseMaster] with their siblings,
// [Master.LoseZooKeeper], [Master.KillExecutor], [Master.EndTask], [Master.Update], [Master.SetHealth], [Master.SetTokens].
// They also come by seeded chance: [Master.Disturb]. What custom executors do is up to Config.Executors. What operators do
// is scripted as well: [Master.DrainAgent], [Master.MarkAgentGone], [Master.StartMaintenance], [Master.UpdateQuota] and
// their siblings do what the calls of their names to /api/v1 do, and return an [OperatorError] where these answer one.
//
// # What it does not
//
// Nothing is executed, except for the Go functions of Config.Programs. They handle no signals, and their network is what
// Config.ListenTasks makes of it: a machine that is cut off cannot be had there. The commands of tasks are read by an interpreter of a small part of sh
// (sleep, exit, kill, trap, loops, tests of files) that knows time but no machine; a program that
// it does not know is not found (status 127), in a container image it runs until killed. HTTP and
// TCP health checks of a running task succeed, unless SetHealth says otherwise or the task is a
// "python -c" that does nothing but bind, listen, close and sleep. Of files only what is written to
// them is there; their owner is always root, and stderr lacks what real executors log. Custom
// executors without a script never register, and there is no executor API.
//
// A request body of more than 64 MiB, also unzipped, is answered 413, which a real master never does.
// A client that sends more behind a SUBSCRIBE and leaves is missed only at the next event.
//
// There is no ZooKeeper server, only its effect on masters; [Master.WatchElection] shows what it would hold.
// A single master leads as soon as it runs, whoever may remember its predecessor. The registry is
// never too old or too large, nor does a leader lose its quorum once it has recovered. When a task was launched again while its
// agent was away, the older one ends without a word.
//
// Of what makes a real master fail a check and end, the fake knows an UNKNOWN call, a resource of type TEXT, a LAUNCH_GROUP
// with one task ID twice, and a task that was launched again while its agent was away. Calls are answered 400 then, with a word
// about it, and [Snapshot].Deadly keeps it; the master goes on.
//
// /metrics/snapshot has only what tells of agents, frameworks, offers, tasks and resources, and counts ended tasks no longer
// than they are remembered. The web UI at "/" is an empty page. GET_LOGGING_LEVEL, the files of the master, GET_FRAMEWORKS'
// offer_constraints and GET_AGENTS' checkpoint are missing, and quota is changed by UPDATE_QUOTA alone. A command may run as
// the framework's user or as one of a small Linux (root, nobody, www-data and so on); other users are unknown to the agents.
//
// Authorization, volumes that grow, and the calls of the operator API that change something else than
// the methods above and UPDATE_WEIGHTS are missing. An agent that is reactivated takes tasks at once, though
// a real one drops them until its last executor has ended. The flags that /state shows are only those that
// Config and Agent have. It is no yardstick of speed either: its agents start a task after Config.Launch,
// however many there are.
//
// # Packages
//
// This package has all state, that of masters, agents and tasks, and is one because every part of it needs the
// others. What needs no master is beside it, as functions of their arguments: shell interprets the commands of tasks,
// resources has the arithmetic of offers, validate and constraints answer what a master refuses, wirejson reads and
// writes JSON.
//
// # Goroutines
//
// [Master.Run] owns all of them and returns when they have ended:
//   - the loop, on the goroutine that called Run, owns all state; everything else hands it functions;
//   - one per listener, which accepts for the master that runs there;
//   - one of net/http per master process, until that is killed;
//   - one per connection, of net/http. That of a SUBSCRIBE writes what the loop queued for it; the
//     queue has no bound, so a slow reader holds up nobody;
//   - with Config.ListenAgents, the same two kinds for each agent;
//   - one per program of a task. It uses the loop for all that is not its own connections.
package mesostest
