package main

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// What a member says of itself, and its leader and tasks of themselves, is one printable line each.
func TestReportOfHostileMembers(t *testing.T) {
	for _, text := range []string{"a\nb", "\x1b[2J", "\u009b31m", "\x9b", "\u202e", "\u200b", "\x7f\xff", strings.Repeat("x", 1<<20)} {
		o := controlapi.Overview{
			Election: &ha.Status{Self: text, Leader: text, Reason: text, Members: []ha.Member{{ID: text, API: text}}}, Error: text,
			Tasks: map[string]int{text: 1},
		}
		for _, o.Connection = range []*scheduler.Status{nil, {Err: errors.New(text)}, {Connected: true, Master: text, FrameworkID: text}} {
			var out strings.Builder
			require.NoError(t, printOverview(&out, o))
			requirePrintable(t, out.String(), 6)
		}
		var out strings.Builder
		require.NoError(t, tasksTable([]controlapi.Summary{{ID: text, Hostname: text, Group: text, Message: text}}, time.Now()).print(&out))
		requirePrintable(t, out.String(), 3)
		out.Reset()
		require.NoError(t, printExplanation(&out, scheduler.Explanation{
			Task:     task.Info{Spec: task.Spec{ID: text}, Hostname: text},
			Findings: []scheduler.Finding{{Offers: 1, Reasons: []task.Reason{{Resource: text, Hostname: text, Agents: 1}}}},
		}))
		requirePrintable(t, out.String(), 5)
	}
}

// requirePrintable requires that a text has at most so many lines, the last of them empty, that are printable and not too long.
func requirePrintable(t *testing.T, text string, most int) {
	t.Helper()
	lines := strings.Split(text, "\n")
	require.LessOrEqual(t, len(lines), most, "%.80q", text)
	for _, line := range lines {
		require.LessOrEqual(t, len(line), 5*longestLine)
		require.Equal(t, -1, strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }), "%.80q", line)
	}
}
