package main

import (
	"cmp"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func historyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "history ID",
		Short:   "Says what has become of a task, and when",
		Example: "  samplefw history web-1",
	}
	return asksAboutTask(cmd, "table", (*controlapi.Client).History, func(to io.Writer, all []task.Transition) error {
		return historyTable(all).print(to)
	})
}

// historyTable returns the changes of a task as a table.
func historyTable(all []task.Transition) *table {
	t := &table{header: []string{"AT", "STATE", "HOST", "MESSAGE"}, states: 1}
	for _, c := range all {
		t.rows = append(t.rows, []string{c.At.Local().Format(time.DateTime), c.State.String(), cmp.Or(c.Hostname, c.AgentID, "-"), c.Message})
	}
	return t
}
