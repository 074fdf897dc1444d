package invoker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// with runs an invoker on an engine while use runs.
func with(engine invoker.Engine, pool invoker.PoolConfig, use func(context.Context, *invoker.Invoker)) {
	inv, err := invoker.New(invoker.Config{Owner: "example", Engine: engine, Pool: pool, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { _ = inv.Run(ctx) })
	use(ctx, inv)
	if err := inv.Close(ctx); err != nil { // removes the containers, since nothing is stored
		fmt.Println(err)
	}
	cancel()
	running.Wait()
}

// An action is invoked twice. The second time its container is warm.
func ExampleInvoker_Invoke() {
	hello := &invoker.Action{Namespace: "guest", Name: "/guest/hello", Revision: "1", Kind: "greeter", Image: "greeter", Code: "…"}
	with(newShelf(), invoker.PoolConfig{}, func(ctx context.Context, inv *invoker.Invoker) {
		for _, name := range []string{"Ann", "Bob"} {
			result, err := inv.Invoke(ctx, hello, invoker.Activation{Params: json.RawMessage(`{"name":"` + name + `"}`)})
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(result.Start, result.Status, string(result.Body))
			var logs *invoker.Logs = result.Logs
			for line, err := range logs.Lines(ctx) {
				var l invoker.LogLine = line
				fmt.Println(l.Stream, l.Log, err)
			}
		}
	})
	// Output:
	// cold success {"greeting":"Hello, Ann!"}
	// stdout greeted Ann <nil>
	// warm success {"greeting":"Hello, Bob!"}
	// stdout greeted Bob <nil>
}

// What the outcomes of an activation mean for its caller.
func ExampleResult() {
	answer := func(r *invoker.Result) string {
		var status invoker.Status = r.Status
		switch status {
		case invoker.Success:
			return "200 " + string(r.Body)
		case invoker.ApplicationError:
			return "502 the action returned an error: " + string(r.Body)
		case invoker.DeveloperError:
			return "502 the action failed: " + string(r.Body)
		default:
			return "500 the platform failed: " + string(r.Body)
		}
	}
	fmt.Println(answer(&invoker.Result{Status: invoker.ApplicationError, Body: json.RawMessage(`{"error":"no such user"}`)}))
	// Output: 502 the action returned an error: {"error":"no such user"}
}

// A caller that sends several activations one after the other keeps its container meanwhile.
func ExampleInvoker_Acquire() {
	hello := &invoker.Action{Namespace: "guest", Name: "/guest/hello", Kind: "greeter", Image: "greeter"}
	with(newShelf(), invoker.PoolConfig{}, func(ctx context.Context, inv *invoker.Invoker) {
		var lease *invoker.Lease
		lease, err := inv.Acquire(ctx, hello)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer lease.Release()
		var start invoker.StartKind = lease.Start()
		fmt.Println(start)
		for range 2 {
			result, err := lease.Run(ctx, invoker.Activation{Params: json.RawMessage(`{"name":"you"}`)})
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(string(result.Body))
		}
	})
	// Output:
	// cold
	// {"greeting":"Hello, you!"}
	// {"greeting":"Hello, you!"}
}

// Whose fault it is that an activation cannot be run, and whether to try again.
func ExampleStartError() {
	action := &invoker.Action{Namespace: "jane", Name: "/jane/own", Kind: "blackbox", Image: "jane/misspelt", UserImage: true}
	with(newShelf(), invoker.PoolConfig{}, func(ctx context.Context, inv *invoker.Invoker) {
		_, err := inv.Invoke(ctx, action, invoker.Activation{})
		var (
			start    *invoker.StartError
			capacity *invoker.CapacityError
			lost     *invoker.LostError
		)
		switch {
		case errors.As(err, &start):
			var fault invoker.Fault = start.Fault
			fmt.Println(fault, errors.Is(err, invoker.ErrImage))
		case errors.As(err, &capacity):
			fmt.Println("again in", capacity.RetryAfter)
		case errors.As(err, &lost):
			fmt.Println("may have run:", lost.Sent)
		}
	})
	// Output: developer true
}

// All that is wrong with a config is reported at once.
func ExampleConfigError() {
	_, err := invoker.New(invoker.Config{Owner: "a b", Pool: invoker.PoolConfig{Memory: -1}, Engine: newShelf()})
	var field *invoker.ConfigError
	fmt.Println(errors.As(err, &field))
	fmt.Println(err)
	// Output:
	// true
	// invoker: config: Owner: "a b": must have 1 to 63 letters, digits and "-"
	// invoker: config: Pool.Memory: -1: must not be negative
}

// Stem cells are ready before anybody asks for them.
func ExampleStemCells() {
	pool := invoker.PoolConfig{Stems: []invoker.StemCells{{Kind: "greeter", Image: "greeter", Memory: 256, Initial: 2}}}
	with(newShelf(), pool, func(ctx context.Context, inv *invoker.Invoker) {
		await(ctx, inv, invoker.StateStem, 2)
		var stats invoker.Stats
		stats, err := inv.Stats(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		var stems invoker.StemStats = stats.Stems[0]
		fmt.Println(stems.Kind, stems.Have, "of", stems.Want, "use", stats.Used, "MiB")
		for _, w := range stats.Waits {
			var wait invoker.WaitStats = w
			fmt.Println(wait.Callers, "wait for", wait.Action, "since", wait.Since, "because", wait.Reason)
		}
		hello := &invoker.Action{Namespace: "guest", Name: "/guest/hello", Kind: "greeter", Image: "greeter"}
		result, err := inv.Invoke(ctx, hello, invoker.Activation{Params: json.RawMessage(`{"name":"you"}`)})
		if err == nil {
			fmt.Println(result.Start)
		}
	})
	// Output:
	// greeter 2 of 2 use 512 MiB
	// prewarmed
}

// await waits until there are so many containers in a state.
func await(ctx context.Context, inv *invoker.Invoker, state invoker.State, n int) {
	for ; ctx.Err() == nil; time.Sleep(time.Millisecond) {
		found := 0
		for c := range inv.Containers(ctx) {
			if c.State == state {
				found++
			}
		}
		if found == n {
			return
		}
	}
}

// What happens to a container is told as it happens, after the containers that there are.
func ExampleInvoker_Events() {
	shelf := newShelf()
	hello := &invoker.Action{Namespace: "guest", Name: "/guest/hello", Kind: "greeter", Image: "greeter"}
	with(shelf, invoker.PoolConfig{}, func(ctx context.Context, inv *invoker.Invoker) {
		if _, err := inv.Invoke(ctx, hello, invoker.Activation{}); err != nil {
			fmt.Println(err)
			return
		}
		var warm invoker.Info
		for warm = range inv.Containers(ctx) {
			var key invoker.Key = warm.Key
			var shape invoker.Shape = warm.Shape
			fmt.Println(warm.State, key.Action, shape.Memory)
		}
		events := inv.Events(ctx)
		shelf.crash(warm.ID)
		for event := range events {
			var e invoker.Event = event
			var kind invoker.EventKind = e.Kind
			if kind == invoker.EventGone {
				fmt.Println(kind, e.Container.ID == warm.ID, e.Reason)
				return
			}
		}
	})
	// Output:
	// idle /guest/hello 256
	// gone true it was pulled off the shelf
}

// A caller that sends activations by itself reads what the container has printed.
func ExampleInvoker_Output() {
	hello := &invoker.Action{Namespace: "guest", Name: "/guest/hello", Kind: "greeter", Image: "greeter", LogLimit: -1}
	with(newShelf(), invoker.PoolConfig{}, func(ctx context.Context, inv *invoker.Invoker) {
		lease, err := inv.Acquire(ctx, hello)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer lease.Release()
		if _, err := lease.Run(ctx, invoker.Activation{Params: json.RawMessage(`{"name":"you"}`)}); err != nil {
			fmt.Println(err)
			return
		}
		var next invoker.LogCursor
		next, err = inv.Output(ctx, lease.Container(), invoker.OutputOptions{From: next, WaitForSentinels: true}, func(l invoker.LogLine) error {
			fmt.Println(l.Stream, l.Log)
			return nil
		})
		fmt.Println(next.Stdout > 0, err)
	})
	// Output:
	// stdout greeted you
	// true <nil>
}
