// Package virtualnet is a TCP-like network in memory, for servers and their clients in one process. A
// test that gives a [Network]'s Listen and DialContext to the code under test needs no real socket.
//
// # What it promises
//
// Inside a testing/synctest bubble everybody who waits on the network is durably blocked, so virtual time
// advances and deadlines end at exact instants. All errors are those that TCP has, wrapped in a net.OpError:
// ECONNREFUSED, EADDRINUSE, ECONNRESET, EPIPE, net.ErrClosed, os.ErrDeadlineExceeded. Bytes arrive in order
// and without delay. What is written before Close can still be read afterwards; what is written before
// [Conn.Reset] is lost.
//
// # What it does not
//
// Writes never block: what is written and not yet read is buffered without bound, as if the window of TCP
// were infinite. There are no packets (UDP), no name resolution and no latency. Addresses are compared as
// text, so "localhost:80" and "127.0.0.1:80" are two.
//
// # Goroutines
//
// None: everything happens on the goroutines of its callers. All methods may be called concurrently.
package virtualnet
