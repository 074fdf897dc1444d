package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// runMembers is "samplefw members": it asks a member who leads, who is there, and how the tasks are.
func runMembers(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("samplefw members", flag.ContinueOnError)
	at := f.String("at", "", "host:port of any member's API; several, with commas between, are tried in turn")
	asJSON := f.Bool("json", false, "print JSON")
	if err := parseFlags(f, args); err != nil {
		return err
	}
	if err := check(f, rule{*at != "", "-at %q (required)", *at}, noArguments(f)); err != nil {
		return err
	}
	r, err := askAny(ctx, strings.Split(*at, ","))
	if err != nil {
		return err
	}
	if *asJSON {
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
