// Package httpapi serves an [invoker.Invoker] over HTTP, as routes of a [controlapi.Server]: with its listener, tokens, TLS and limits,
// and answered by the member that leads, whichever is asked.
//
// A process that sends activations uses [NewControl], which is an [invoker.Control] for an [invoker.Dispatcher].
//
// A program that has a pool of its own, such as OpenWhisk's invoker, opens a session and has containers started for it, see
// [invoker.Factory]. It sends /init and /run to them by itself: no activation passes through this package.
//
// What a route does goes on no longer than its request. There is one goroutine for each client that reads events.
package httpapi
