// Package httpapi serves an [invoker.Invoker] over HTTP, as routes of a [controlapi.Server]: with its listener, tokens, TLS and limits,
// and answered by the member that leads, whichever is asked.
//
// A process that sends activations uses [NewControl], which is an [invoker.Control] for an [invoker.Dispatcher].
//
// The package starts no goroutines. What a route does goes on no longer than its request.
package httpapi
