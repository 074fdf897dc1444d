package main

import (
	"cmp"
	"time"

	"github.com/spf13/cobra"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func historyCommand() *cobra.Command {
	var r remote
	var o output
	cmd := &cobra.Command{
		Use:     "history ID",
		GroupID: groupUse,
		Short:   "Says what has become of a task, and when",
		Example: "  samplefw history web-1",
		Args:    oneID,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, o.rule()); err != nil {
				return err
			}
			c, err := r.client(cmd)
			if err != nil {
				return err
			}
			all, err := c.History(cmd.Context(), args[0])
			switch {
			case err != nil:
				return advised(err)
			case o.json():
				return printJSON(cmd.OutOrStdout(), all)
			}
			return historyTable(all).print(cmd.OutOrStdout())
		},
		ValidArgsFunction: r.firstID,
	}
	o.flags(cmd, "table")
	r.flags(cmd)
	return cmd
}

// historyTable returns the changes of a task as a table.
func historyTable(all []task.Transition) *table {
	t := &table{header: []string{"AT", "STATE", "HOST", "MESSAGE"}, states: 1}
	for _, c := range all {
		t.rows = append(t.rows, []string{c.At.Local().Format(time.DateTime), c.State.String(), cmp.Or(c.Hostname, c.AgentID, "-"), c.Message})
	}
	return t
}
