package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func explainCommand() *cobra.Command {
	var r remote
	var o output
	cmd := &cobra.Command{
		Use:     "explain ID",
		GroupID: groupUse,
		Short:   "Says why a task is pending, or how it is",
		Example: "  samplefw explain web-1\n  samplefw explain web-1 -o json",
		Args:    oneID,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, o.rule()); err != nil {
				return err
			}
			c, err := r.client(cmd)
			if err != nil {
				return err
			}
			why, err := c.Explain(cmd.Context(), args[0])
			switch {
			case err != nil:
				return advised(err)
			case o.json():
				return printJSON(cmd.OutOrStdout(), why)
			}
			return printExplanation(cmd.OutOrStdout(), why)
		},
		ValidArgsFunction: r.firstID,
	}
	o.flags(cmd, "text")
	r.flags(cmd)
	return cmd
}

// printExplanation writes an explanation for people, with a line for each reason.
func printExplanation(to io.Writer, e scheduler.Explanation) error {
	text := e.String()
	if e.Task.State != task.StatePending {
		_, err := fmt.Fprintln(to, text)
		return err
	}
	f, _ := e.Widest()
	var reasons []string
	for _, r := range f.Reasons {
		reasons = append(reasons, r.String())
	}
	before, after, apart := strings.Cut(text, ": "+strings.Join(reasons, "; "))
	if len(reasons) == 0 || !apart {
		_, err := fmt.Fprintln(to, text)
		return err
	}
	lines := []string{before + ":"}
	for _, r := range reasons {
		lines = append(lines, "  - "+plain("%s", r))
	}
	if after = strings.TrimPrefix(after, "; "); after != "" {
		lines = append(lines, after)
	}
	lines = append(lines, fmt.Sprintf("%s looked at it so far.", counted(e.Cycles, "cycle")))
	_, err := fmt.Fprintln(to, strings.Join(lines, "\n"))
	return err
}

// oneID refuses any number of arguments but one.
func oneID(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return misused(cmd, "the ID of one task is needed, not %q", args)
	}
	return nil
}
