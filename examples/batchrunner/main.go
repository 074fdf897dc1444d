// Batchrunner runs shell commands on Mesos, one of each line of its input, each until it has succeeded once:
//
//	batchrunner -master http://master.example:5050 -store batch.db < commands.txt
//
// Killed at any moment and started again with the same input and store, it goes on: no command that has succeeded runs again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func main() {
	master := flag.String("master", "", "Mesos master, such as http://host:5050 (default: a fake cluster in this process, to try it)")
	store := flag.String("store", "", "file that keeps what has run, so that the program can be killed; with -master only (default: memory)")
	parallel := flag.Int("parallel", 50, "how many commands run at a time")
	attempts := flag.Int("attempts", 3, "how often a command is tried")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := batch{parallel: *parallel, attempts: *attempts}
	if err := b.run(ctx, *master, *store); err != nil {
		fmt.Fprintln(os.Stderr, "batchrunner:", err)
		os.Exit(1)
	}
}

type batch struct {
	scheduler          *scheduler.Scheduler
	parallel, attempts int
}

// run runs the commands and ends the framework.
func (b *batch) run(ctx context.Context, master, store string) error {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var running sync.WaitGroup
	config := scheduler.Config{
		Master: master, Framework: scheduler.Framework{Name: "batchrunner"},
		RenewFramework: true, // when this program was down for longer than Mesos waits, what ran is lost and tried again
	}
	if master == "" {
		cluster, err := mesosfake.New(mesosfake.Config{})
		if err != nil {
			return err
		}
		running.Go(func() { _ = cluster.Run(ctx) })
		config.Master, config.DialContext = cluster.Master(), cluster.DialContext
	} else if store != "" {
		file, err := ha.OpenFile(store)
		if err != nil {
			return err
		}
		defer file.Close()
		config.Store = file
	}
	if b.scheduler, err = scheduler.New(config); err != nil {
		return err
	}
	running.Go(func() { end(b.scheduler.Run(ctx)) })
	defer func() { end(nil); running.Wait() }() // before the store is closed
	err = b.all(ctx, strings.Split(strings.TrimSpace(string(text)), "\n"))
	if ctx.Err() != nil {
		return context.Cause(ctx) // an interrupt, or the error of the scheduler
	}
	return errors.Join(err, b.scheduler.Teardown(ctx))
}

// all runs all commands, so many at a time. The error says which have not succeeded.
func (b *batch) all(ctx context.Context, commands []string) error {
	var workers sync.WaitGroup
	places, results := make(chan struct{}, b.parallel), make([]error, len(commands))
	for i, command := range commands {
		places <- struct{}{}
		workers.Go(func() {
			results[i] = b.one(ctx, fmt.Sprint("line-", i+1), command)
			<-places
		})
	}
	workers.Wait()
	return errors.Join(results...)
}

// one runs a command until it succeeds. Each attempt is a task with an ID of its own; what is on record, from before this
// program was killed, is not run again.
func (b *batch) one(ctx context.Context, name, command string) error {
	for n := 1; ; n++ {
		id := fmt.Sprint(name, "-attempt-", n)
		if _, err := b.scheduler.Ensure(ctx, task.Spec{ID: id, CPUs: 0.1, Mem: 32, Command: task.Command{Shell: command}}); err != nil {
			return err
		}
		info, err := b.scheduler.Wait(ctx, id, scheduler.UntilEnded)
		if err != nil || info.State == task.StateFinished {
			return err
		}
		if n == b.attempts {
			return &scheduler.TaskError{Task: info}
		}
	}
}
