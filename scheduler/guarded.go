package scheduler

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
	"github.com/mesos-actor/mesos-actor-go/internal/printable"
)

// errTokenHangs is what Token gets that takes too long.
var errTokenHangs = fmt.Errorf("scheduler: Token took longer than %v", callTimeout)

// guardedToken returns the user's Token, one call at a time and limited by callTimeout. Its panics are errors.
func guardedToken(fetch func(context.Context) (string, error)) func(context.Context) (string, error) {
	turn := newTurn()
	return func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, errTokenHangs)
		defer cancel()
		token := make(chan string, 1) // of a call that may be left behind
		err := turn.call(ctx, "Token", func(ctx context.Context) error {
			text, err := fetch(ctx)
			token <- text
			return err
		})
		if err != nil {
			return "", err
		}
		return <-token, nil
	}
}

// dialFunc opens connections.
type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// guardedDial returns the user's dialer, whose panics, and those of its connections, are errors. They are used on goroutines
// of net/http and of the client library of ZooKeeper, where a panic would end the process. When ctx ends, a call that does
// not return is left behind.
func guardedDial(dial dialFunc) dialFunc {
	if dial == nil {
		return nil
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		opened := make(chan net.Conn, 1)
		err := newTurn().call(ctx, "DialContext", func(ctx context.Context) error {
			conn, err := dial(ctx, network, address)
			if err == nil && conn == nil {
				err = errNoConn
			}
			if err == nil && ctx.Err() != nil {
				err = errors.Join(context.Cause(ctx), conn.Close()) // too late, nobody may wait any more
			}
			opened <- conn
			return err
		})
		if err != nil {
			return nil, err
		}
		return guardedConn{<-opened}, nil
	}
}

var errNoConn = errors.New("scheduler: DialContext returned no connection and no error")

// guardedConn is a connection of the user's dialer.
type guardedConn struct{ net.Conn }

func (c guardedConn) Read(b []byte) (n int, err error) {
	defer asError("DialContext", &err)
	return c.Conn.Read(b)
}

func (c guardedConn) Write(b []byte) (n int, err error) {
	defer asError("DialContext", &err)
	return c.Conn.Write(b)
}

func (c guardedConn) Close() (err error) {
	defer asError("DialContext", &err)
	return c.Conn.Close()
}

// asError turns a panic of user code into the error that a call returns. It is deferred.
func asError(whose string, err *error) {
	if p := recover(); p != nil {
		*err = panicked(whose, p)
	}
}

// fromOutside returns an error of one printable line, in which a panic of a TLS callback is a PanicError.
func fromOutside(err error) error {
	if p := (*mesoshttp.PanicError)(nil); errors.As(err, &p) {
		err = fmt.Errorf("scheduler: no connection: %w", &PanicError{Who: "a callback of TLS", Value: p.Value, Stack: p.Stack})
	}
	return printable.Error(err)
}
