// Package actionruntime is a small runtime for tests and demonstrations: what runs in a container for an action. It speaks /init and
// /run as the runtimes of Apache OpenWhisk do, prints the line that marks the end of an activation on both streams, and misbehaves
// on demand. The same code runs as a process of its own ([Main]), as a server on any listener ([Runtime.Serve]), and as an
// http.Handler, also in a bubble of testing/synctest: it has no clock or randomness but package time.
//
// # The code of an action
//
// What /init receives as code is the name of a function of [Config], or a script with one step per line. A script without a step that
// sets the result returns {}. Empty lines, and lines that begin with #, are skipped. A step behind "init" is taken by /init, all
// others by each /run.
//
// Results, of which the last one counts:
//
//	echo                 the parameters
//	hello                {"greeting":"Hello, NAME!"} with the parameter name, or stranger; prints the greeting too
//	env                  an object with the action's environment: __OW_… and what /init brought
//	count                {"runs":N}, with how many times /run was called so far
//	return JSON          this JSON. Neither an object nor an array: the runtime answers with status 502
//	error TEXT           {"error":TEXT}; of an init step: that it fails, with status 502
//	big N                {"big":"xx…"}, N bytes in all
//	status CODE TEXT     an answer with this status and body
//	body TEXT            status 200 and this body, which need not be JSON
//	http NAME            an answer that no runtime should give, see below
//
// Output:
//
//	out TEXT, err TEXT   a line on stdout, or stderr
//	raw STREAM QUOTED    exactly these bytes on that stream, written as a string of Go: raw stdout "\xff no newline"
//	lines N [BYTES]      N lines on stdout: the action's name, the activation's ID and a number, filled up with dots to BYTES
//	                     with the newline
//	sentinel             the line that marks the end of an activation, on both streams: a forged one
//	no-sentinel [STREAM] there will be none at the end of this activation, on this stream or both
//	late-sentinel TIME   it will come that long after the answer, such as 50ms
//
// Time, and the end:
//
//	sleep TIME           waits
//	hang                 waits until the connection, or the process, ends
//	reset                breaks the connection
//	die                  the action's process ends, and the runtime lives on: status 400, and 500 for each /run from then on
//	exit CODE            the runtime's own process ends; 137 is what running out of memory looks like
//	do                   takes the steps in the parameter "do", a script as well, so that activations of one action may differ
//
// Of http there are
//
//	endless-head         header lines without end
//	endless-body         a body without end
//	huge-body            a Content-Length of 10 GB, and a body without end
//	endless-1xx          provisional answers without end
//	drip                 an answer that is sent a byte a second
//	redirect             status 307 to another path of this runtime
//	gzip-bomb            a compressed body of 100 KB that becomes 100 MB
//	short-body           less than the Content-Length says, then the end
//	long-body            more than the Content-Length says
//	extra                a second answer behind the first one
//	chunked, trailers    a good answer in chunks, or with trailers
//	http10               a good answer of HTTP/1.0, which ends with the connection
//	garbage              what is not HTTP
//	nothing              the end of the connection
//
// # What it does not
//
// It isolates nothing, and runs no code but Go functions that it was given.
//
// # Goroutines
//
// Those of net/http's server, and one for each late sentinel. Serve returns when all of them have ended.
package actionruntime
