// Package procengine runs the containers of an invoker as processes of this machine: for tests, laptops and the edge. It needs
// Linux 5.3, and nothing to be installed. An [Engine] is also an [invoker.Suspender], an [invoker.OutputReader] and an
// [invoker.AgentLister], of one agent: this machine.
//
// A container is a process of the program of its kind, in a session and a directory of its own, and everything that this process
// starts. It listens at $HOST:$PORT0. Its environment has that, PATH, HOME, the variables of its spec, and INVOKER_CONTAINER, the
// path of its directory; nothing else of the invoker's environment. What it prints goes to the files stdout and stderr of the
// directory. When its first process ends, the container has ended, and what is left of it is killed.
//
// # What it promises
//
//   - Containers outlive the invoker, also one that is killed, and are adopted by the next engine on the same directory. A process
//     is found again by its number and its start time, so that another process that has got the same number is not taken for it.
//   - At no moment does a kill -9 of the invoker leave behind a process that the next engine does not find: the container's
//     directory exists before its process does, and a process without a state file is found by its environment, its working
//     directory and its output, and is killed.
//   - Destroy kills all processes of a container, and returns when none of them runs.
//   - No two containers of engines on this machine have the same port.
//
// # What it does not
//
// It enforces no limits: memory is counted, so that containers are refused when there is no room, but a container may use more than it
// asked for, and all processors. Processes are not isolated from each other or from the invoker: run trusted code only. A
// process that leaves its container's session, environment, directory and output, as no program does by chance, is not
// found. Why an adopted container ended is not known.
//
// Containers do not outlive what kills them together with the invoker: systemd does so with all processes of a service, unless its unit
// says KillMode=process, and so does the end of a container in which the invoker itself runs.
//
// # Goroutines
//
// One for each running container, which waits for its end, and one that frees old output. [Engine.Close] ends them.
package procengine
