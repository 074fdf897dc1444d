package httpapi

import (
	"slices"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// prefix is where all routes are.
const prefix = "/v1/invoker/"

// Routes returns the routes by which a server gives access to an invoker, see [controlapi.Config]. Their paths begin with
// "/v1/invoker/".
func Routes(inv *invoker.Invoker) []controlapi.Route {
	a := &api{invoker: inv, control: inv.Control(), factory: inv.Factory()}
	return slices.Concat(a.sessions(), a.containers(), a.operator())
}

// api is what the routes use.
type api struct {
	invoker *invoker.Invoker
	control invoker.Control
	factory *invoker.Factory
}

// answer returns a handler, whose errors are those of package invoker.
func answer(handle func(*controlapi.Request) (any, error)) func(*controlapi.Request) (any, error) {
	return func(r *controlapi.Request) (any, error) {
		body, err := handle(r)
		if err != nil {
			return nil, asError(err)
		}
		return body, nil
	}
}
