package page_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/electiontest"
	"github.com/mesos-actor/mesos-actor-go/internal/chromiumtest"
	"github.com/mesos-actor/mesos-actor-go/mesosfake"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// live is a framework with two members, each with a server of the API, on a fake cluster. All of it is real but the cluster.
type live struct {
	election *electiontest.Election
	urls     []string
}

func startLive(t *testing.T) *live {
	cluster := mesosfake.Start(t, mesosfake.Config{Listen: "127.0.0.1:0"})
	var listeners []net.Listener
	var api []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		listeners, api = append(listeners, l), append(api, l.Addr().String())
	}
	f := &live{election: electiontest.New(electiontest.Config{Members: 2, API: api})}
	ctx, stop := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	t.Cleanup(func() {
		stop()
		ended.Wait()
	})
	for i, l := range listeners {
		s, err := scheduler.New(scheduler.Config{Master: cluster.Master(), Framework: scheduler.Framework{Name: "shop"}, Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		server, err := controlapi.New(controlapi.Config{Framework: s, Name: "shop", Elector: f.election.Member(i)})
		require.NoError(t, err)
		ended.Go(func() { _ = server.Serve(ctx, l) })
		ended.Go(func() { _ = ha.Run(ctx, f.election.Member(i), s) })
		f.urls = append(f.urls, "http://"+l.Addr().String())
	}
	return f
}

// follower returns the number of a member that does not lead, when one leads.
func (f *live) follower(t *testing.T) int {
	for status := range f.election.Member(0).Watch(t.Context()) {
		switch {
		case status.Leader == "":
		case status.Leads():
			return 1
		default:
			return 0
		}
	}
	require.Fail(t, "nobody leads")
	return -1
}

func submit(t *testing.T, url, body string) {
	response, err := http.Post(url, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusCreated, response.StatusCode)
}

// realFramework looks at all that the page shows of a real framework, at a member that does not lead, and has the leader change.
func realFramework(t *testing.T, b *chromiumtest.Browser) {
	f := startLive(t)
	here := f.follower(t)
	p := b.Open(t, chromiumtest.View{})
	p.Go(f.urls[here])
	p.Until(`document.querySelector(".command") && document.querySelector("#cards").innerText.includes("Connected")`)
	url, body, _ := strings.Cut(p.Text(".command"), "-d '")
	url, _, _ = strings.Cut(strings.TrimPrefix(url, "curl "), " ")
	submit(t, url, strings.TrimSuffix(body, "'"))
	p.Until(`document.querySelector(".row[data-id=hello]").innerText.startsWith("running")`)
	p.Click(".row[data-id=hello]")
	p.Until(`[...document.querySelectorAll(".history .badge")].map((b) => b.innerText).join(" ") === "running starting staging pending" || [...document.querySelectorAll(".history .badge")].map((b) => b.innerText).join(" ") === "running staging pending"`)
	p.Until(`document.querySelector(".facts").innerText.includes("echo hello; sleep 60")`)
	p.Click("#tab-output")
	p.Until(`document.querySelector(".output").textContent.includes("hello\n") && document.querySelector(".output-bar").innerText.includes("Following")`)

	submit(t, url, `{"id": "too big", "cpus": 1000, "mem": 32, "command": {"shell": "true"}}`)
	p.Until(`document.querySelector(".row[data-id='too big']").innerText.startsWith("pending")`)
	p.Eval(`location.hash = "#/tasks/too%20big"`, nil)
	p.Until(`document.querySelector(".reasons").innerText.includes("Not enough CPU on 1 agent. Closest: agent1.example, 996")`)

	p.Eval(`location.hash = "#/tasks/hello"`, nil)
	p.Until(`document.querySelector(".detail .title").innerText.includes("hello")`)
	p.Click("#detail .danger")
	p.Click("dialog .danger")
	p.Until(`document.querySelector(".result").innerText === "It has ended: killed." && document.querySelector(".row[data-id=hello]").innerText.startsWith("killed")`)

	p.Eval(`location.hash = "#/agents"`, nil)
	p.Until(`document.querySelector(".agent").innerText.includes("agent1.example")`)
	p.Eval(`location.hash = "#/members"`, nil)
	p.Until(`document.querySelectorAll("#view-members tbody a").length === 2`)

	term := p.Text("#cards .about")
	f.election.HandOver()
	p.Until(`document.querySelector("#cards .about").innerText.includes("this page is from it") && document.querySelector("#cards").innerText.includes("Connected")`)
	require.NotEqual(t, term, p.Text("#cards .about"))
	submit(t, url, `{"id": "later", "cpus": 0.1, "mem": 32, "command": {"shell": "sleep 60"}}`)
	p.Eval(`location.hash = "#/tasks"`, nil)
	p.Until(`document.querySelector(".row[data-id=later]").innerText.startsWith("running") && document.querySelector(".row[data-id='too big']")`)
	p.Until(`document.querySelector("#live").innerText === "Live"`)
	require.Empty(t, p.Problems(f.urls[here]))
}
