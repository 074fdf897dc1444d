package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
)

// asksAboutTask completes a command that asks something about one task, and prints the answer for people in a form that
// the help of -o names.
func asksAboutTask[T any](cmd *cobra.Command, form string, ask func(*controlapi.Client, context.Context, string) (T, error), print func(io.Writer, T) error) *cobra.Command {
	var r remote
	var o output
	cmd.GroupID, cmd.Args, cmd.ValidArgsFunction = groupUse, oneID, r.firstID
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, o.rule()); err != nil {
			return err
		}
		c, err := r.client(cmd)
		if err != nil {
			return err
		}
		answer, err := ask(c, cmd.Context(), args[0])
		switch {
		case err != nil:
			return advised(err)
		case o.json():
			return printJSON(cmd.OutOrStdout(), answer)
		}
		return print(cmd.OutOrStdout(), answer)
	}
	o.flags(cmd, form)
	r.flags(cmd)
	return cmd
}

// oneID refuses any number of arguments but one.
func oneID(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return misused(cmd, "the ID of one task is needed, not %q", args)
	}
	return nil
}
