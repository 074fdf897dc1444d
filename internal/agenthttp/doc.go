// Package agenthttp reads files of sandboxes through the v1 API of Mesos agents.
//
// It promises:
//   - the bytes are exact: it calls READ_FILE, whose answers are in base64, and not /files/read, which replaces what is not UTF-8;
//   - of each agent at most two files are read at once; further calls wait for their turn in order, within their contexts;
//   - whatever an agent sends, a call ends within 10 s of its turn, and takes less than 256 KiB of memory: heads, bodies and the
//     amount of data are bounded;
//   - redirects are not followed, and credentials go to trusted hosts only (see mesoshttp.Client.Ask);
//   - an error is an AwayError, a RefusedError or ErrNoFile, or that of the call's context.
//
// It does not repeat calls, follow files or know what is in them. It does not ask /files/read of agents that have no READ_FILE:
// those are older than Mesos 1.1, and masters of the versions that package scheduler needs take no such agents.
//
// Goroutines: it starts none. net/http runs two for each open connection, until that is idle for a minute, or nobody uses the
// Client any more.
package agenthttp
