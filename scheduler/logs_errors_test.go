package scheduler_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
	"github.com/mesos-actor/mesos-actor-go/internal/virtualnet"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// refuses checks that Logs returns an error with this code and reason at once.
func (w *logWorld) refuses(id string, o scheduler.LogOptions, code scheduler.Code, reason string) {
	w.Helper()
	began := time.Now()
	got, err := w.logs(w.Context(), id, o)
	require.Empty(w, got)
	var e *scheduler.LogError
	require.ErrorAs(w, err, &e)
	require.Equal(w, code, e.Code)
	require.Equal(w, code, scheduler.ErrorCode(err))
	require.Equal(w, id, e.ID)
	require.Equal(w, reason, e.Reason)
	require.LessOrEqual(w, time.Since(began), 10*time.Second)
}

// Of a task that has no output it is said why.
func TestLogsOfTasksThatNeverRan(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{RememberIDs: scheduler.Retention{Count: 2}, History: 3}, func(w *logWorld) {
		for _, follow := range []bool{false, true} {
			o := scheduler.LogOptions{Follow: follow}
			_, err := w.logs(w.Context(), "nobody", o)
			require.ErrorIs(w, err, scheduler.ErrUnknownTask)

			large := logSpec("large", "true")
			large.CPUs = 1000
			require.NoError(w, w.Submit(w.Context(), large))
			w.refuses("large", o, scheduler.CodeNotStarted, "it has not been launched: it is pending")
			_, err = w.Kill(w.Context(), "large")
			require.NoError(w, err)
			w.refuses("large", o, scheduler.CodeNotStarted, "it never ran: it is killed")
			require.NoError(w, w.Forget(w.Context(), "large"))
		}
		for _, o := range []scheduler.LogOptions{{Stream: "stdin"}, {Stream: "../../etc/passwd"}, {Limit: -1}} {
			var field *task.FieldError
			_, err := w.logs(w.Context(), "nobody", o)
			require.ErrorAs(w, err, &field)
		}
		for i := range 5 {
			w.launch(fmt.Sprint("t", i), "echo out")
			time.Sleep(time.Minute)
		}
		w.refuses("t1", scheduler.LogOptions{}, scheduler.CodeOutputGone, "it has ended, and is no longer in the history, so that its agent is not known any more")
		_, err := w.logs(w.Context(), "t2", scheduler.LogOptions{})
		require.NoError(w, err)
		ended, cancel := context.WithCancel(w.Context())
		cancel()
		_, err = w.logs(ended, "t2", scheduler.LogOptions{})
		require.ErrorIs(w, err, context.Canceled)
	})
}

// An agent that cannot be reached, or does not answer, is away, and a sandbox may be gone.
func TestLogsThatAreNotThere(t *testing.T) {
	withLogs(t, mesosfake.Config{}, scheduler.Config{}, func(w *logWorld) {
		host := w.launch("t", "echo out; sleep 36000").Hostname
		w.launch("u", "echo out; sleep 36000")
		require.NoError(w, w.SetAgentAPI(host, false))
		w.refuses("t", scheduler.LogOptions{}, scheduler.CodeAgentAway, "its agent is away: dial tcp agent1.example:5051: connection refused")
		w.refuses("t", scheduler.LogOptions{Follow: true}, scheduler.CodeAgentAway, "its agent is away: dial tcp agent1.example:5051: connection refused")
		require.NoError(w, w.SetAgentAPI(host, true))

		require.NoError(w, w.FreezeAgent(host))
		w.refuses("t", scheduler.LogOptions{}, scheduler.CodeAgentAway, "its agent is away: no whole answer within 10s")
		time.Sleep(3 * time.Minute)
		w.refuses("t", scheduler.LogOptions{}, scheduler.CodeAgentAway, "its agent is away, and the task unreachable: no whole answer within 10s")
		require.NoError(w, w.ReturnAgent(host))
		time.Sleep(time.Minute)

		f := w.follow(w.Context(), "t", scheduler.LogOptions{})
		f.at(time.Second)
		f.takes("0:out\n 0s")
		gone := "its agent has no such file (any more): it may have removed the sandbox"
		require.NoError(w, w.RemoveSandbox("t"))
		w.refuses("t", scheduler.LogOptions{}, scheduler.CodeOutputGone, gone)
		f.at(10 * time.Minute)
		f.takes("end 1m31.5s")
		require.ErrorContains(w, f.err, gone)

		_, err := w.Kill(w.Context(), "u")
		require.NoError(w, err)
		require.NoError(w, w.RemoveSandbox("u"))
		w.refuses("u", scheduler.LogOptions{Follow: true}, scheduler.CodeOutputGone, gone)
		require.ErrorIs(w, w.RemoveSandbox("u"), mesosfake.ErrNotFound)
		require.NoError(w, w.StopAgent(host))
		time.Sleep(time.Minute)
		w.refuses("t", scheduler.LogOptions{}, scheduler.CodeAgentAway, "its agent is away: dial tcp agent1.example:5051: connection refused")
	})
}

// Agents get credentials as masters do, if their hosts are trusted. What to do about a refusal is in the error.
func TestLogsWithCredentials(t *testing.T) {
	const refused = "its agent answers 401 Unauthorized: go away: "
	token := func(context.Context) (string, error) { return "t0ken", nil }
	for why, test := range map[string]struct {
		config       scheduler.Config
		sent, reason string
	}{
		"no credentials": {scheduler.Config{}, "", refused + "it wants credentials, see Config.Credential and Config.Token"},
		"an untrusted host": {scheduler.Config{Credential: credential()}, "", refused +
			"it was asked without credentials, since it is not trusted: if it is one of your agents, add its host to Config.TrustedHosts, or use https"},
		"a trusted host": {scheduler.Config{Credential: credential(), TrustedHosts: []string{"*.example"}}, "Basic bWU6czNjcmV0", refused +
			"the credentials that masters take are not those of the agent"},
		"a token": {scheduler.Config{Token: token, TrustedHosts: []string{"*"}}, "Bearer t0ken", refused +
			"the credentials that masters take are not those of the agent"},
	} {
		network := &virtualnet.Network{}
		cluster := mesostest.Config{Agents: []mesostest.Agent{{}}, ListenAgents: func(mesostest.Agent) (net.Listener, error) {
			return network.Listen("elsewhere.example:5051")
		}}
		withAgents(t, network, cluster, test.config, func(_ *mesostest.Master, w *logWorld) {
			sent := make(chan string, 10)
			l, err := network.Listen("agent1.example:5051")
			require.NoError(w, err)
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent <- r.Header.Get("Authorization")
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = io.WriteString(w, "go away")
			})}
			go func() { _ = server.Serve(l) }()
			defer server.Close()
			w.launch("t", "sleep 3600")
			w.refuses("t", scheduler.LogOptions{}, scheduler.CodeRefused, test.reason)
			require.Equal(w, test.sent, <-sent, why)
		})
	}
}
