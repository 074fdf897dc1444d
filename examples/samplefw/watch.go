package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// watching is what "samplefw watch" was asked for.
type watching struct {
	remote
	output
	cycles bool
}

func watchCommand() *cobra.Command {
	var w watching
	cmd := &cobra.Command{
		Use:     "watch [ID...]",
		GroupID: groupUse,
		Short:   "Prints what happens, as it happens",
		Long: `Prints what happens, as it happens, until it is interrupted: changes of tasks, of the connection with the master, and so on.
With IDs only the changes of these tasks. With "-o json" each event is a line: {"event": "task", "data": {...}}.`,
		Example: "  samplefw watch\n  samplefw watch web-1 -o json",
		RunE: func(cmd *cobra.Command, ids []string) error {
			if err := check(cmd, w.output.rule()); err != nil {
				return err
			}
			return w.run(cmd, ids)
		},
	}
	grouped(cmd, "Which events", func(f *pflag.FlagSet) {
		f.BoolVar(&w.cycles, "cycles", false, "also each time that offers are matched with tasks")
	})
	w.output.flags(cmd, "text")
	w.remote.flags(cmd)
	cmd.ValidArgsFunction = w.taskIDs
	return cmd
}

func (w *watching) run(cmd *cobra.Command, ids []string) error {
	c, err := w.client(cmd)
	if err != nil {
		return err
	}
	ctx, to := cmd.Context(), cmd.OutOrStdout()
	if _, err := c.Overview(ctx); err != nil { // watching says nothing of an address or a token that is wrong
		return advised(err)
	}
	var told connection
	for event := range c.Watch(ctx) {
		if !w.shows(event, ids) || !w.json() && !told.isNew(event) {
			continue
		}
		if w.json() {
			if err := printJSON(to, map[string]any{"event": controlapi.EventName(event), "data": event}); err != nil {
				return err
			}
			continue
		}
		line := event.String()
		if t, is := event.(scheduler.TaskEvent); is && coloured(to) {
			line = colourState(line, t.Task.State.String())
		}
		if _, err := fmt.Fprintln(to, time.Now().Format("15:04:05.000"), line); err != nil {
			return err
		}
	}
	if ctx.Err() == nil {
		return errors.New("the members send no more events")
	}
	return nil // interrupted
}

// shows reports whether an event is one of those asked for.
func (w *watching) shows(event scheduler.Event, ids []string) bool {
	switch e := event.(type) {
	case scheduler.TaskEvent:
		return len(ids) == 0 || slices.Contains(ids, e.Task.Spec.ID)
	case scheduler.OfferEvent:
		return w.cycles
	}
	return len(ids) == 0
}
