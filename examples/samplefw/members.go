package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// membersCommand asks a member who leads, who is there, and how the tasks are.
func membersCommand() *cobra.Command {
	var at, output string
	cmd := &cobra.Command{
		Use:     "members",
		GroupID: groupUse,
		Short:   "Says who leads, who is there, and how the tasks are",
		Example: "  samplefw members --at 127.0.0.1:7301\n  samplefw members --at 10.0.0.1:8080,10.0.0.2:8080 -o json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := check(cmd, rule{at != "", "--at %q (required)", at}); err != nil {
				return err
			}
			return printMembers(cmd.Context(), at, output)
		},
	}
	grouped(cmd, "Where the API is", func(f *pflag.FlagSet) {
		f.StringVar(&at, "at", "", "host:port of any member's API; several, with commas between, are tried in turn")
	})
	grouped(cmd, outputGroup, func(f *pflag.FlagSet) {
		f.StringVarP(&output, "output", "o", "table", "table or json")
	})
	return cmd
}

func printMembers(ctx context.Context, at, output string) error {
	r, err := askAny(ctx, strings.Split(at, ","))
	if err != nil {
		return err
	}
	if output == "json" {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	return r.print(os.Stdout)
}

// askAny returns what the first member says that answers.
func askAny(ctx context.Context, addresses []string) (report, error) {
	failed := errors.New("no member answers")
	for _, address := range addresses {
		r, err := ask(ctx, address)
		if err == nil {
			return r, nil
		}
		failed = fmt.Errorf("%w; %w", failed, err)
	}
	return report{}, failed
}

// ask returns what a member says.
func ask(ctx context.Context, address string) (r report, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*apiTimeout) // it may have to ask the leader itself
	defer cancel()
	return r, get(ctx, address, "/status", &r)
}

// print writes the report for people.
func (r report) print(to io.Writer) error {
	fmt.Fprintln(to, plain("%s", r.summary()))
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MEMBER\tLEADS\tALIVE\tVOTES\tSINCE\tAPI")
	for _, m := range r.Members {
		since := ""
		if !m.Since.IsZero() {
			since = m.Since.Local().Format(time.TimeOnly)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", plain("%s", m.ID), yes(m.ID == r.Leader), yes(m.Alive), yes(m.Voter), since, plain("%s", m.API))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(to, plain("%s", r.taskLine()))
	return err
}

func (r report) summary() string {
	if r.Leader == "" {
		return fmt.Sprintf("%s knows no leader: %s", r.Self, r.Reason)
	}
	return fmt.Sprintf("%s leads term %d since %s (%v), says %s: %s", r.Leader, r.Term,
		r.Since.Local().Format(time.TimeOnly), time.Since(r.Since).Round(time.Second), r.Self, r.Reason)
}

func (r report) taskLine() string {
	if r.Untold != "" {
		return "tasks: not known, " + r.Untold
	}
	var states []string
	for _, state := range slices.Sorted(maps.Keys(r.Tasks)) {
		states = append(states, fmt.Sprint(r.Tasks[state], " ", state))
	}
	if states == nil {
		return "tasks: none"
	}
	return "tasks: " + strings.Join(states, ", ")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
