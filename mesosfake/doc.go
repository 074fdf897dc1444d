// Package mesosfake is a fake Mesos cluster, masters and agents, for tests of frameworks: those that are written with
// package scheduler, and any other. It speaks the v1 scheduler API over HTTP, needs no Mesos, and starts within a millisecond.
//
//	cluster := mesosfake.Start(t, mesosfake.Config{})
//
// is one master with one agent until the end of the test. A framework reaches it by [Cluster.Master] and
// [Cluster.DialContext]:
//
//	s, err := scheduler.New(scheduler.Config{
//		Master:      cluster.Master(),
//		DialContext: cluster.DialContext,
//		Framework:   scheduler.Framework{Name: "shop"},
//	})
//
// A test can then lose agents, kill tasks, let calls fail ([Cluster.LoseAgent], [Cluster.KillTask], [Cluster.Intercept]
// and so on), and check in a [Snapshot] what the framework did about it.
//
// # Virtual time
//
// The network is in memory, so that a test can run in a bubble of testing/synctest, in which an hour passes at once and every
// event comes at an exact time. The first example does that. In a bubble everything begins at the start of the year 2000.
//
// # Other languages
//
// With Config.Listen the cluster is on the real network, for programs in any language, and time is real. [New] and
// [Cluster.Run] are for programs that are no tests, such as
//
//	go run github.com/mesos-actor/mesos-actor-go/examples/samplefw@latest cluster --listen 127.0.0.1:5050
//
// # What is faithful
//
// The fake is tested against recordings of a real master (Mesos 1.12.0-dev, which is 1.11.0 with later commits): the
// statuses and texts of answers, the order and times of events, and their fields. They cover subscriptions and their
// failover, offers by role with their filters, suppressed and revived roles, offer constraints, ACCEPT with LAUNCH and
// LAUNCH_GROUP and their validation, updates that are sent again until they are acknowledged, kills and their grace
// periods, health checks, reconciliation, quota, agents that get lost and come back, maintenance and draining, and
// masters that fail over and redirect. The operator API has the calls that change the above and those that
// tools ask with, and there are /state, /tasks, /slaves, /roles, /metrics/snapshot and so on. Agents serve
// /state, /containers, the files of sandboxes, and the calls of their v1 API that ask for something, so that the output of
// tasks can be read as from a real one.
//
// # What is not
//
// Nothing is executed, except the Go functions of Config.Programs, which stand for the programs of tasks. The fake interprets a small part of sh in a task's command: sleep, exit, kill, trap, loops, echo
// and tests of files; sleep takes its time. Any other program is not found, which ends the task with status 127. A task
// with a container image runs until it is killed or ended by [Cluster.EndTask]. Health checks over HTTP and TCP succeed
// unless [Cluster.SetHealth] says otherwise. An agent takes a task 100 ms after its launch, however many there are, so
// that the fake says nothing about speed.
//
// There is no ZooKeeper server; several masters elect a leader as if there was one. Authorization, TLS, custom
// executors, volumes that grow, and the calls that tell agents to do something are missing. A sandbox has only what
// echo, printf and redirections of the task write, and agents ask nobody for credentials. A cluster never forgets a
// task or what it has written, so that a long test needs memory.
//
// # Goroutines
//
// [Cluster.Run] waits for all of them: one that owns the state, one for each master, one for each connection, and one for each
// program.
package mesosfake
