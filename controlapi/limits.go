package controlapi

import "time"

// What a client may ask for. docs/security.md has the same table, with the tests.
const (
	maxHeader      = 16 << 10 // bytes of a request's line and headers
	maxBody        = 1 << 20  // bytes
	maxDepth       = 32       // of JSON; a spec needs 5
	maxAnonymous   = 256      // requests at once that need no token
	maxRequests    = 256      // at once, that do not wait for anything
	maxWaiting     = 1000     // at once, that wait for something
	maxWatching    = 1000     // at once, that watch, or read output
	maxConnections = 4096     // at once; more are closed

	headerTimeout = 10 * time.Second // for the head of a request to arrive
	bodyTimeout   = 10 * time.Second // for its body
	writeTimeout  = 30 * time.Second // for the client to take an answer, or a part of a stream
	idleTimeout   = 2 * time.Minute  // between requests on a connection

	defaultTimeout = 30 * time.Second // for an answer, unless Request-Timeout says otherwise
	maxTimeout     = 10 * time.Minute
	shutdownTime   = 5 * time.Second // for requests to end when Serve does
	retryAfter     = "1"             // seconds, for a client that found the server busy
)
