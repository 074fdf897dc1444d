package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// listing is what "samplefw ls" was asked for.
type listing struct {
	remote
	output
	controlapi.ListOptions
	states []string
}

func lsCommand() *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use:     "ls",
		GroupID: groupUse,
		Short:   "Lists tasks",
		Example: `  samplefw ls
  samplefw ls --state pending,staging --sort -updated
  samplefw ls --group web -o id | xargs samplefw kill
  samplefw ls -o json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return l.run(cmd) },
	}
	grouped(cmd, "Which tasks", func(f *pflag.FlagSet) {
		f.StringSliceVar(&l.states, "state", nil, "`STATE` such as running; several with commas between")
		f.StringVar(&l.Group, "group", "", "the `GROUP` of the tasks")
		f.StringVar(&l.Role, "role", "", "the `ROLE` of the tasks")
		f.StringVar(&l.Pod, "pod", "", "the `POD` that the tasks are members of")
		f.StringVar(&l.Agent, "agent", "", "the `AGENT` of the tasks, by ID or host name")
		f.StringArrayVar(&l.Labels, "label", nil, "`NAME` or NAME=VALUE of a label; may be repeated")
		f.StringVar(&l.Text, "text", "", "`TEXT` in ID, name, group or host, in upper or lower case")
		f.StringVar(&l.Sort, "sort", "submitted", "`ORDER`: submitted, updated, id, state, group or agent; with - before it the other way round")
		f.IntVar(&l.Limit, "limit", 0, "how many at most; 0: all")
	})
	l.output.flags(cmd, "table", "id")
	l.remote.flags(cmd)
	var names []string
	for s := task.StatePending; s <= task.StateUnknown; s++ {
		names = append(names, s.String())
	}
	completeFixed(cmd, "state", names...)
	completeFixed(cmd, "sort", "submitted", "updated", "id", "state", "group", "agent", "-updated")
	return cmd
}

func (l *listing) run(cmd *cobra.Command) error {
	if err := check(cmd, l.output.rule(), rule{l.Limit >= 0, "--limit %d (not negative)", l.Limit}); err != nil {
		return err
	}
	for _, name := range l.states {
		state, err := task.ParseState(name)
		if err != nil {
			return misused(cmd, "--state: %w", err)
		}
		l.States = append(l.States, state)
	}
	c, err := l.client(cmd)
	if err != nil {
		return err
	}
	all, err := l.all(cmd.Context(), c)
	if err != nil {
		return advised(err)
	}
	to := cmd.OutOrStdout()
	switch l.format {
	case "json":
		return printJSON(to, all)
	case "id":
		for _, t := range all {
			fmt.Fprintln(to, plain("%s", t.ID))
		}
		return nil
	}
	return tasksTable(all, time.Now()).print(to)
}

// mostOnPage is the largest page of the API.
const mostOnPage = 1000

// all returns the tasks of all pages, or as many as were asked for.
func (l *listing) all(ctx context.Context, c *controlapi.Client) ([]controlapi.Summary, error) {
	o, all := l.ListOptions, []controlapi.Summary{}
	for {
		o.Limit = mostOnPage
		if l.Limit > 0 {
			o.Limit = min(mostOnPage, l.Limit-len(all))
		}
		page, err := c.List(ctx, o)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Tasks...)
		if o.After = page.Next; o.After == "" || len(all) == l.Limit {
			return all, nil
		}
	}
}

// tasksTable returns the tasks as a table.
func tasksTable(tasks []controlapi.Summary, now time.Time) *table {
	t := &table{header: []string{"ID", "STATE", "FOR", "HOST", "CPUS", "MEM", "GROUP", "MESSAGE"}, states: 1}
	for _, s := range tasks {
		message := s.Message
		if s.Healthy != nil && !*s.Healthy {
			message = strings.TrimSpace("unhealthy " + message)
		}
		t.rows = append(t.rows, []string{
			s.ID, s.State.String(), age(now.Sub(s.Updated)), cmp.Or(s.Hostname, s.AgentID, "-"),
			amount(s.CPUs), amount(s.Mem), cmp.Or(s.Group, "-"), message,
		})
	}
	return t
}

// amount returns a number of cores or MiB, without an exponent.
func amount(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// age returns a duration in its largest unit.
func age(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
