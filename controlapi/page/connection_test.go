package page_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/internal/chromiumtest"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func reconnects(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 60)
	p := b.Open(t, chromiumtest.View{}) // time goes on, since it is counted down
	p.Go(f.URL)
	p.Until(`document.querySelector("#live").innerText === "Live" && document.querySelectorAll(".rows .row").length > 10`)
	f.set(func() { f.down = true })
	f.cut()
	p.Until(`/^Trying again in \d s$/.test(document.querySelector(".countdown").innerText)`)
	p.Until(`document.querySelector("#alerts").innerText.includes("Connection lost: the server stops.")`)
	require.Equal(t, "Not connected", p.Text("#live"))
	p.Until(`document.querySelectorAll(".rows .row").length > 10`) // what was known stays

	f.set(func() {
		f.down = false
		f.tasks = f.tasks[:3]
	})
	p.Click("#alerts button")
	p.Until(`document.querySelector("#live").innerText === "Live" && document.querySelector("#alerts").innerText === ""`)
	p.Until(`document.querySelector("#count-tasks").innerText === "3"`)
	require.Empty(t, p.Problems(f.URL, "503"))
}

func asksForToken(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 60)
	f.token = "s3cret"
	p := open(t, b, f, "#/tasks/web-1", "401")
	p.Until(`document.querySelector("dialog[open] input[type=password]") === document.activeElement`)
	p.Press("Escape", "Escape", "Escape")
	p.Until(`document.querySelector("dialog[open] input[type=password]") === document.activeElement`) // it is shown again
	p.Type("wrong")
	p.Press("Enter")
	p.Until(`document.querySelector("dialog[open]").innerText.includes("The server does not take this token.")`)
	p.Eval(`document.querySelector("dialog input").value = "s3cr\u00e9t\u202e"`, nil)
	p.Press("Enter")
	p.Until(`document.querySelector("dialog input").value === "" && document.querySelector("dialog[open]").innerText.includes("does not take")`)
	p.Type("s3cret")
	p.Press("Enter")
	p.Until(`!document.querySelector("dialog") && document.querySelector(".history li") && document.querySelectorAll(".rows .row").length > 10`)
	for _, r := range p.Requests() {
		require.NotContains(t, r, "s3cret", "a token in a URL is in logs")
	}
	var stored []string
	p.Eval(`[document.cookie, JSON.stringify(localStorage), sessionStorage.getItem("token")]`, &stored)
	require.Equal(t, []string{"", "{}", "s3cret"}, stored, "it is gone with the tab")
	p.Click("#forget-token")
	p.Until(`document.querySelector("dialog[open]") && sessionStorage.getItem("token") === null`)
}

func emptyStates(t *testing.T, b *chromiumtest.Browser) {
	f := newFake(t)
	f.overview = sampleOverview()
	f.overview.Agents = nil
	p := open(t, b, f, "")
	p.Until(`document.querySelector(".command")`)
	command := p.Text(".command")
	require.Contains(t, command, f.URL+"/v1/tasks")
	_, body, _ := strings.Cut(command, "-d '")
	var spec task.Spec
	require.NoError(t, json.Unmarshal([]byte(strings.TrimSuffix(body, "'")), &spec))
	require.NoError(t, spec.Validate())
	p.Eval(`location.hash = "#/agents"`, nil)
	p.Until(`document.querySelector("#view-agents").innerText.includes("No agents known")`)
	f.send("task", controlapi.SummaryEvent{Task: sampleTasks(1)[0]})
	p.Eval(`location.hash = "#/tasks"`, nil)
	p.Until(`document.querySelector(".row[data-id=web-1]") && !document.querySelector(".command")`)
}
