package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// defaultAPI is where a process serves its API, and where clients look for one.
const defaultAPI = "127.0.0.1:8080"

// remote is a framework that runs in other processes, whose API is asked.
type remote struct {
	at []string
	tokens
}

func (r *remote) flags(cmd *cobra.Command) {
	grouped(cmd, "API to ask", func(f *pflag.FlagSet) {
		f.StringSliceVar(&r.at, "at", []string{defaultAPI}, "`HOST:PORT` of any member's API; several, with commas between, are tried in turn")
		r.tokens.flags(f)
	})
}

// client returns a client of the API, at which somebody listens. It says on the standard error if a command takes long because
// nobody leads.
func (r *remote) client(cmd *cobra.Command) (*controlapi.Client, error) {
	token, err := r.read()
	if err != nil {
		return nil, err
	}
	c, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: r.at, Token: token})
	if wrong := (*controlapi.ConfigError)(nil); errors.As(err, &wrong) && strings.HasPrefix(wrong.Field, "Addresses") {
		return nil, usageError{fmt.Errorf("--at %s: each %s", strings.Join(r.at, ","), wrong.Reason)}
	}
	if err != nil {
		return nil, err
	}
	if err := r.reachable(cmd.Context()); err != nil {
		return nil, err
	}
	patience := time.AfterFunc(leaderTime, func() {
		o, err := c.Overview(cmd.Context())
		if err == nil && o.Election != nil && o.Election.Leader == "" {
			fmt.Fprintln(cmd.ErrOrStderr(), "waiting for a leader:", plain("%s", o.Election.Reason))
		}
	})
	context.AfterFunc(cmd.Context(), func() { patience.Stop() })
	return c, nil
}

// leaderTime is after how long a command says that it waits for a leader. A change of it takes about a second.
const leaderTime = 3 * time.Second

// reachTime is how long it may take to find out whether anybody listens.
const reachTime = 5 * time.Second

// reachable returns an error if nobody listens at any address. The client alone would wait, as for a change of the leader.
func (r *remote) reachable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	errs := make([]error, len(r.at))
	first := each(len(r.at), func(i int) error {
		_, address, found := strings.Cut(r.at[i], "://")
		if !found {
			address = r.at[i]
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimRight(address, "/"))
		if err == nil {
			cancel() // one is enough
			err = conn.Close()
		}
		errs[i] = err
		return err
	})
	if slices.Contains(errs, nil) {
		return nil
	}
	return fmt.Errorf("nobody answers at --at %s (%w): \"samplefw run\" and \"samplefw ha\" say where their API is", strings.Join(r.at, ","), first)
}

// completionTime is how long completion waits for the API.
const completionTime = time.Second

// taskIDs completes the IDs of tasks, other than those that are there, by asking the API.
func (r *remote) taskIDs(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if settle(cmd) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	c, err := r.client(cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	page, err := c.List(ctx, controlapi.ListOptions{Limit: 1000})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []cobra.Completion
	for _, t := range page.Tasks {
		if printed := plain("%s", t.ID) == t.ID; printed && !slices.Contains(args, t.ID) { // shells take lines, and print them
			ids = append(ids, cobra.CompletionWithDesc(t.ID, plain("%s %s", t.State, t.Hostname)))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// firstID completes the ID of a task as the only argument.
func (r *remote) firstID(cmd *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return r.taskIDs(cmd, args, toComplete)
}

// advised returns the error of a request with what to do about it.
func advised(err error) error {
	if err == nil {
		return nil
	}
	advice := map[scheduler.Code]string{
		scheduler.CodeUnknownTask:        `"samplefw ls" lists the tasks that are on record`,
		scheduler.CodeDuplicateTask:      "take another --id",
		scheduler.CodeNotStarted:         `"samplefw explain ID" and "samplefw history ID" say why`,
		scheduler.CodeAgentAway:          "try again when the agent is back",
		scheduler.CodeOutputGone:         "agents keep the output of ended tasks for a week, or as their --gc_delay says",
		scheduler.CodeNotLeading:         `"samplefw members" says who is there`,
		controlapi.CodeLeaderUnreachable: `it may have been done, or be done yet: "samplefw ls" lists the tasks when a member leads`,
		controlapi.CodeUnauthorized:      "set SAMPLEFW_TOKEN, --token or --token-file to the token of the API",
	}[codeOf(err)]
	if advice == "" {
		return err
	}
	return fmt.Errorf("%w; %s", err, advice)
}

// codeOf returns the code of an error of the API, or of what it wraps.
func codeOf(err error) scheduler.Code {
	var of *controlapi.Error
	if errors.As(err, &of) {
		return of.Code
	}
	return scheduler.ErrorCode(err)
}
