package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// What a member says is printed as a table, with or without an election, a leader and a master.
func TestPrintOverview(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	o := controlapi.Overview{
		Framework: "samplefw",
		Election: &ha.Status{Self: "b-2", Leader: "a-1", Term: 7, Since: time.Now().Add(-time.Minute), Reason: "member a-1 was elected", Members: []ha.Member{
			{ID: "a-1", API: "10.0.0.1:80", Alive: true, Voter: true, Since: since}, {ID: "b-2", API: "10.0.0.2:80", Alive: true, Since: since}, {ID: "c-3", Voter: true},
		}},
		Connection: &scheduler.Status{FrameworkID: "f-1", Connected: true, Master: "http://m:5050"},
		Tasks:      map[string]int{"running": 2, "pending": 1},
	}
	var text strings.Builder
	require.NoError(t, printOverview(&text, o))
	first, rest, _ := strings.Cut(text.String(), "\n")
	require.Regexp(t, `^a-1 leads term 7 since \d\d:\d\d:\d\d \(1m0s\), says b-2: member a-1 was elected$`, first)
	require.Equal(t, `MEMBER  LEADS  ALIVE  VOTES  SINCE     API
a-1     yes    yes    yes    03:04:05  10.0.0.1:80
b-2     no     yes    no     03:04:05  10.0.0.2:80
c-3     no     no     yes
master: http://m:5050, framework f-1
tasks: 1 pending, 2 running
`, rest)
	text.Reset()
	require.NoError(t, printOverview(&text, controlapi.Overview{Error: "nobody leads", Election: &ha.Status{Self: "b-2", Reason: "no leader is known"}}))
	require.Equal(t, "b-2 knows no leader: no leader is known\nMEMBER  LEADS  ALIVE  VOTES  SINCE  API\nmaster: not known, nobody leads\ntasks: not known\n", text.String())
	text.Reset()
	require.NoError(t, printOverview(&text, controlapi.Overview{Connection: &scheduler.Status{}}))
	require.Equal(t, "master: not subscribed yet\ntasks: none\n", text.String())
}

// What the demonstration cannot tell is refused before anything is started.
func TestDemoOptions(t *testing.T) {
	for args, text := range map[string]string{
		"--preset wan": `--preset "wan" (local or lan)`, "--tasks 0": "--tasks 0 (at least 1)", "--pause -1s": "--pause -1s (not negative)", "more": `arguments ["more"] (none)`,
	} {
		err := perform(t.Context(), append([]string{"demo"}, strings.Fields(args)...))
		require.ErrorContains(t, err, text)
		require.Equal(t, exitUsage, exitCode(err))
	}
}

func TestMemberOptions(t *testing.T) {
	t.Setenv("SAMPLEFW_DEAD_AFTER", "7s")
	var o haOptions
	cmd := memberCommand(&o)
	require.NoError(t, cmd.ParseFlags([]string{"--preset", "wan", "--tasks", "2", "--image", "nginx"}))
	require.NoError(t, settle(cmd))
	require.NoError(t, o.check(cmd))
	require.Equal(t, "wan", o.preset.String())
	require.Equal(t, 7*time.Second, o.deadAfter)
	require.Len(t, o.specs(), 2)
	require.Equal(t, "nginx", o.specs()[1].Container.Image)
	for args, text := range map[string]string{
		"--preset fast": "must be lan, local or wan", "--tasks -1": "--tasks -1 (at least 0)", "--log xml": `--log "xml" (text or json)`, "more": `arguments ["more"] (none)`,
		"--api 0.0.0.0:80": `--api "0.0.0.0:80" (host:port`, "--api [::]:80": `--api "[::]:80" (host:port`, "--api :80": `--api ":80" (host:port`, "--api 80": `--api "80" (host:port`,
	} {
		err := perform(t.Context(), append([]string{"ha"}, strings.Fields(args)...))
		require.ErrorContains(t, err, text)
		require.Equal(t, exitUsage, exitCode(err))
	}
}
