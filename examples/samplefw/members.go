package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/ha"
)

// membersCommand asks a member who leads, who is there, and how the tasks are.
func membersCommand() *cobra.Command {
	var r remote
	var o output
	cmd := &cobra.Command{
		Use:     "members",
		GroupID: groupUse,
		Short:   "Says who leads, who is there, and how the tasks are",
		Example: "  samplefw members\n  samplefw members --at 10.0.0.1:8080,10.0.0.2:8080 -o json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := check(cmd, o.rule()); err != nil {
				return err
			}
			c, err := r.client(cmd)
			if err != nil {
				return err
			}
			now, err := c.Overview(cmd.Context())
			switch {
			case err != nil:
				return advised(err)
			case o.json():
				return printJSON(cmd.OutOrStdout(), now)
			}
			return printOverview(cmd.OutOrStdout(), now)
		},
	}
	o.flags(cmd, "table")
	r.flags(cmd)
	return cmd
}

// printOverview writes for people what a member says.
func printOverview(to io.Writer, o controlapi.Overview) error {
	lines := []string{connectionLine(o), taskLine(o)}
	if e := o.Election; e != nil {
		fmt.Fprintln(to, plain("%s", leaderLine(*e)))
		if err := membersTable(*e).print(to); err != nil {
			return err
		}
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(to, plain("%s", line)); err != nil {
			return err
		}
	}
	return nil
}

func membersTable(e ha.Status) *table {
	t := &table{header: []string{"MEMBER", "LEADS", "ALIVE", "VOTES", "SINCE", "API"}, states: -1}
	for _, m := range e.Members {
		since := ""
		if !m.Since.IsZero() {
			since = m.Since.Local().Format(time.TimeOnly)
		}
		t.rows = append(t.rows, []string{m.ID, yes(m.ID == e.Leader), yes(m.Alive), yes(m.Voter), since, m.API})
	}
	return t
}

func leaderLine(e ha.Status) string {
	if e.Leader == "" {
		return fmt.Sprintf("%s knows no leader: %s", e.Self, e.Reason)
	}
	return fmt.Sprintf("%s leads term %d since %s (%v), says %s: %s", e.Leader, e.Term,
		e.Since.Local().Format(time.TimeOnly), time.Since(e.Since).Round(time.Second), e.Self, e.Reason)
}

func connectionLine(o controlapi.Overview) string {
	c := o.Connection
	switch {
	case c == nil:
		return "master: not known, " + o.Error
	case c.Connected:
		return fmt.Sprintf("master: %s, framework %s", c.Master, c.FrameworkID)
	case c.Err != nil:
		return fmt.Sprintf("master: not subscribed, %v", c.Err)
	}
	return "master: not subscribed yet"
}

func taskLine(o controlapi.Overview) string {
	if o.Connection == nil {
		return "tasks: not known"
	}
	var states []string
	for _, state := range slices.Sorted(maps.Keys(o.Tasks)) {
		states = append(states, fmt.Sprint(o.Tasks[state], " ", state))
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

// lookTime is how long a member or a master may take to say how it is.
const lookTime = 4 * time.Second

// ask returns what one member says, and no other in its place, as a client may.
func ask(ctx context.Context, address string) (o controlapi.Overview, err error) {
	return o, get(ctx, address, "/v1/status", &o)
}

// get asks for a path at an address, "host:port", and decodes the answer into v.
func get(ctx context.Context, address, path string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		var text [200]byte
		n, _ := response.Body.Read(text[:])
		return fmt.Errorf("%s answers %s: %.*s", address, response.Status, n, text[:n])
	}
	return json.NewDecoder(response.Body).Decode(v)
}
