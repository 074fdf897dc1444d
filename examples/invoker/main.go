// Invoker runs serverless actions on this machine, without any cluster:
//
//	go run ./examples/invoker
//
// It runs one action cold, warm and prewarmed, and prints how long each phase took, and what the action logged. The containers
// are processes of this same program, which is the runtime of its actions as well. With -cluster they are tasks on a fake Mesos
// cluster in this process. With -members 3 there are three invokers on that cluster, the leader of which is ended: the others go on.
//
// With -listen 127.0.0.1:8080 it runs nothing by itself, and serves its HTTP API and status page until it is interrupted.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/procengine"
)

func main() {
	onCluster := flag.Bool("cluster", false, "run the containers on a fake Mesos cluster")
	members := flag.Int("members", 1, "how many invokers there are: 1, or 3 on a fake Mesos cluster")
	address := flag.String("listen", "", "serve the HTTP API at this address, such as 127.0.0.1:8080, with local containers")
	flag.Parse()
	if flag.Arg(0) == "runtime" { // this process is a container
		fatal(listen(os.Getenv("HOST"), os.Getenv("PORT0")))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	slog.SetLogLoggerLevel(slog.LevelWarn) // a scheduler logs what becomes of each task
	run := runLocally
	switch {
	case *address != "" && (*onCluster || *members != 1):
		fatal(errors.New("-listen goes with neither -cluster nor -members"))
	case *address != "":
		run = serve(*address)
	case *members == 3:
		slog.SetLogLoggerLevel(slog.LevelError) // that there is no leader, and that a term is over, is what is shown
		run = runMembers
	case *members != 1:
		fatal(fmt.Errorf("-members %d: must be 1 or 3", *members))
	case *onCluster:
		run = runOnCluster
	}
	if err := run(ctx, os.Stdout); err != nil {
		fatal(err)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// runLocally runs the demonstration with containers that are processes.
func runLocally(ctx context.Context, out io.Writer) error {
	return local(ctx, func(ctx context.Context, inv *invoker.Invoker) error { return demonstrate(ctx, inv, out) })
}

// local runs an invoker with containers that are processes, while do uses it.
func local(ctx context.Context, do func(context.Context, *invoker.Invoker) error) error {
	dir, err := os.MkdirTemp("", "invoker")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program, err := os.Executable()
	if err != nil {
		return err
	}
	engine, err := procengine.New(procengine.Config{Dir: dir, Kinds: map[string][]string{"template": {program, "runtime"}}})
	if err != nil {
		return err
	}
	defer engine.Close()
	inv, err := invoker.New(invoker.Config{Owner: "demo", Engine: engine, Pool: pool()})
	if err != nil {
		return err
	}
	return use(ctx, inv, do)
}

// image is what containers run on a cluster. Processes have none.
const image = "example/template"

// pool has a container ready for actions of 256 MiB.
func pool() invoker.PoolConfig {
	return invoker.PoolConfig{Stems: []invoker.StemCells{{Kind: "template", Image: image, Memory: 256, Initial: 1}}}
}

// use runs the invoker while do uses it.
func use(ctx context.Context, inv *invoker.Invoker, do func(context.Context, *invoker.Invoker) error) error {
	running, cancel := context.WithCancelCause(ctx)
	go func() { cancel(inv.Run(running)) }()
	err := do(running, inv)
	// Without a store nobody could find the containers again: they are removed.
	closing, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	return errors.Join(err, inv.Close(closing))
}

// demonstrate runs the action three times.
func demonstrate(ctx context.Context, inv *invoker.Invoker, out io.Writer) error {
	small := invoker.Action{
		Namespace: "guest", Name: "/guest/hello", Kind: "template", Image: image,
		Memory: 128, // there are no stem cells of this size
		Code:   `{{log "greeting" .name}}{"greeting": "Hello, {{.name}}!"}`,
	}
	large := small
	large.Name, large.Memory = "/guest/hello2", 256
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "START\tWAIT\tINIT\tRUN\tRESULT\tLOGS")
	for _, action := range []*invoker.Action{&small, &small, &large} {
		if action == &large {
			if err := awaitStem(ctx, inv); err != nil {
				return err
			}
		}
		result, err := inv.Invoke(ctx, action, invoker.Activation{Params: json.RawMessage(`{"name": "world"}`)})
		if err != nil {
			return err
		}
		logs, err := read(ctx, result.Logs)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n",
			result.Start, short(result.Wait), short(result.Init), short(result.Duration), result.Body, logs)
	}
	return table.Flush()
}

// read returns what an activation has printed.
func read(ctx context.Context, logs *invoker.Logs) (string, error) {
	if logs == nil {
		return "", nil
	}
	var lines []string
	for line, err := range logs.Lines(ctx) {
		if err != nil {
			return "", err
		}
		lines = append(lines, line.Log)
	}
	return strings.Join(lines, "; "), nil
}

// awaitStem waits until a container is ready for an action that nobody has called yet.
func awaitStem(ctx context.Context, inv *invoker.Invoker) error {
	for ; ctx.Err() == nil; time.Sleep(time.Millisecond) {
		for c := range inv.Containers(ctx) {
			if c.State == invoker.StateStem {
				return nil
			}
		}
	}
	return context.Cause(ctx)
}

func short(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
