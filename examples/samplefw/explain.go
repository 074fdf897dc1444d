package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func explainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "explain ID",
		Short:   "Says why a task is pending, or how it is",
		Example: "  samplefw explain web-1\n  samplefw explain web-1 -o json",
	}
	return asksAboutTask(cmd, "text", (*controlapi.Client).Explain, printExplanation)
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
