// Package virtualnet is a network in memory, for servers and their clients in one process. A
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
// Packets, as of UDP, arrive as they were sent. [Network.SetLink] cuts, delays and loses what one host sends to another, each
// direction for itself, and a [Host] is a process that can be paused and killed.
//
// # What it does not
//
// Writes never block, unless their process is paused: what is written and not yet read is buffered without bound, as if the
// window of TCP were infinite. A connection never gives up on a link that is cut. There is no name resolution. Addresses are
// compared as text, so "localhost:80" and "127.0.0.1:80" are two.
//
// # Goroutines
//
// None: everything happens on the goroutines of its callers, and packets that are delayed arrive by timers. All methods may be
// called concurrently.
package virtualnet
