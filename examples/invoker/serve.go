package main

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/httpapi"
)

// serve returns what serves an invoker with local containers until it is interrupted. To be reached from other machines it would need
// [controlapi.Config.Tokens].
func serve(address string) func(context.Context, io.Writer) error {
	return func(ctx context.Context, out io.Writer) error {
		return local(ctx, func(running context.Context, inv *invoker.Invoker) error {
			server, err := controlapi.New(controlapi.Config{Name: "invoker", Routes: httpapi.Routes(inv)})
			if err != nil {
				return err
			}
			listener, err := net.Listen("tcp", address)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "The API is at http://%s/v1/invoker/, the status page at http://%[1]s/. Ctrl-C ends it.\n", listener.Addr())
			err = server.Serve(running, listener)
			if ctx.Err() != nil { // it was interrupted
				return nil
			}
			return err
		})
	}
}
