package page_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/internal/chromiumtest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func details(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 60)
	p := open(t, b, f, "#/tasks/api-2")
	p.Until(`document.querySelectorAll(".history li").length === 7`)
	facts := p.Text(".facts")
	for _, text := range []string{
		"Command exited with status 1", "Exit status\n1", "agent2.example.com", "http 31004", "1 CPU, 4 GiB memory, 1 GiB disk, 1 port", "registry.example.com/shop/api:1.42.0",
		"exec /usr/local/bin/api --listen :$PORT_HTTP", "rack GROUP_BY 3", "team: storefront", "26 h ago",
	} {
		require.Contains(t, facts, text)
	}
	var history []string
	p.Eval(`[...document.querySelectorAll(".history li")].map((li) => li.innerText.replace(/\s+/g, " "))`, &history)
	require.Equal(t, "failed on agent2.example.com 11:59:06 Command exited with status 1", history[0], "newest first")
	require.Equal(t, "staging on agent3.example.com for 2 s 11-28 10:00:02", history[5])
	require.Equal(t, "pending for 2 s 11-28 10:00:00", history[6])
	p.Until(`document.querySelector("#detail .danger").hidden`) // it has ended
	p.Until(`document.title === "api-2 \u00b7 shop"`)

	p.Click("#tab-spec")
	p.Until(`JSON.parse(document.querySelector(".spec").textContent).id === "api-2" && location.hash === "#/tasks/api-2/spec"`)
	p.Eval(`document.querySelector("#tab-spec").focus()`, nil)
	p.Press("ArrowRight")
	p.Until(`document.activeElement.id === "tab-overview" && document.querySelector(".facts")`)

	// What changes is shown.
	s := f.tasks[1]
	f.set(func() {
		s.State, s.Version = task.StateLost, 9000
		f.details[s.ID] = detailOf(s)
	})
	require.Equal(t, "api-1", s.ID)
	p.Eval(`location.hash = "#/tasks/api-1"`, nil)
	p.Until(`document.querySelector(".detail .title").innerText.startsWith("running")`)
	f.send("task", controlapi.SummaryEvent{Task: s})
	p.Until(`document.querySelector(".detail .title").innerText.startsWith("lost") && document.querySelectorAll(".history li").length === 7`)
	p.Eval(`history.back()`, nil)
	p.Until(`document.querySelector("#detail h2").innerText === "api-2"`)
}

func pending(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 60)
	p := open(t, b, f, "#/tasks/mail-1")
	p.Until(`document.querySelectorAll(".reasons li").length === 3`)
	why := p.Text(".why")
	for _, text := range []string{
		"Of 43 offers 3 s ago, none fits. 17 rounds of offers so far.", "Not enough memory on 31 agents. Closest: agent7.example.com, 112 MiB short.",
		"9 agents do not satisfy rack LIKE r[12].", "Port 8080 is taken on 3 agents.", "The master does not send offers that no pending task can use",
	} {
		require.Contains(t, why, text)
	}
	f.set(func() {
		f.explain["mail-1"] = scheduler.Explanation{
			Subscribed: false, SubscribeErr: fmt.Errorf("connection refused"), StoreErr: errStoreFull, NeverOffered: &task.FieldError{Field: "Role", Value: "gone", Reason: "is no role of the framework"},
			MatcherErr: fmt.Errorf("it panicked"), TearingDown: true, NotBefore: now.Add(5 * time.Second), Maintenance: 2,
		}
	})
	s := f.tasks[4]
	s.Version = 9000
	f.send("task", controlapi.SummaryEvent{Task: s})
	p.Until(`document.querySelector(".why").innerText.includes("torn down")`)
	why = p.Text(".why")
	for _, text := range []string{
		"There is no connection with a master: connection refused.", "The store fails, and nothing is launched until it works again: write", "It will never be offered what it needs",
		"is no role of the framework", "The matcher failed: it panicked.", "The next one is made in 5 s, at 2026-11-29 12:00:05 UTC.", "No offers have been looked at for it yet.",
		"Offers of 2 agents are declined because of maintenance.",
	} {
		require.Contains(t, why, text)
	}
	// Each kind of reason has words of its own.
	var texts []string
	p.Eval(`import("./assets/explain.js").then(({ reason }) => [
		{ kind: "no_offers" }, { kind: "role", agents: 1 }, { kind: "gpu_agent", agents: 2 }, { kind: "maintenance", agents: 1 }, { kind: "filter", agents: 3 },
		{ kind: "constraint", agents: 2, missing: true, constraint: { attribute: "rack" } }, { kind: "constraint", agents: 1, awaited: "r2", constraint: { attribute: "rack", operator: "GROUP_BY" } },
		{ kind: "shortage", resource: "cpus", agents: 1, short: 0.1 }, { kind: "shortage", resource: "ports", agents: 1, short: 1, hostname: "a" }, { kind: "later", agents: 1 },
	].map((r) => reason(r)).map((r) => r.text + (r.near ? " " + r.near : "")))`, &texts)
	require.Equal(t, []string{
		"No offers were at hand.", "1 agent offers to other roles than the task's.", "2 agents have GPUs, and are kept for tasks that ask for some.",
		"1 agent is to be taken down for maintenance while the task would run.", "The framework's own filter refuses 3 agents.", "No agent has the attribute rack.",
		"rack GROUP_BY waits for an agent with r2, which has fewer tasks and should be offered within seconds.", "Not enough CPU on 1 agent. Closest: 0.1 CPU short.",
		"Not enough ports on 1 agent. Closest: a, 1 short.", "later: 1 agent.",
	}, texts)
}

func output(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 60)
	var lines strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&lines, "line %04d of the output\n", i)
	}
	f.output["web-1 stdout"], f.output["web-1 stderr"] = lines.String(), "a warning\n"
	p := open(t, b, f, "#/tasks/web-1/output", "ERR_INCOMPLETE_CHUNKED_ENCODING")
	p.Until(`document.querySelector(".output").textContent.endsWith("line 4999 of the output\n")`)
	p.Until(`(() => { const o = document.querySelector(".output"); return o.scrollTop > 0 && o.scrollHeight - o.scrollTop - o.clientHeight < 2; })()`)
	var shown int
	p.Eval(`document.querySelector(".output").textContent.length`, &shown)
	require.LessOrEqual(t, shown, 64<<10, "only the end of it")
	require.NotContains(t, p.Text(".output"), "line 0000")

	f.write("web-1", "stdout", "the next line \x1b[31mred\x1b[0m \x07\n")
	p.Until(`document.querySelector(".output").textContent.endsWith("the next line red \u2407\n")`)
	p.Eval(`document.querySelector(".output").scrollTop = 100`, nil)
	p.Until(`document.querySelector(".paused")`)
	f.write("web-1", "stdout", "one more\nand another\n")
	p.Until(`document.querySelector(".jump").innerText === "2 new lines, to the end"`)
	p.Until(`document.querySelector(".output").scrollTop === 100`)
	p.Click(".jump")
	p.Until(`!document.querySelector(".paused") && document.querySelector(".jump").hidden`)
	f.write("web-1", "stdout", "la")
	f.write("web-1", "stdout", "st\n")
	p.Until(`(() => { const o = document.querySelector(".output"); return o.textContent.endsWith("last\n") && o.scrollHeight - o.scrollTop - o.clientHeight < 2; })()`)

	p.Click(".output-bar .quiet")
	p.Until(`document.querySelector(".output").textContent.includes("line 0000 of the output")`)
	p.Until(`document.querySelector(".output-bar .quiet").hidden`)
	var whole string
	p.Eval(`document.querySelector(".output").textContent`, &whole)
	require.Equal(t, lines.String(), whole[:lines.Len()], "nothing is missing or there twice")
	var copied string
	p.Eval(`(() => { getSelection().selectAllChildren(document.querySelector(".output")); const text = getSelection().toString(); getSelection().empty(); return text; })()`, &copied)
	require.Equal(t, strings.TrimSpace(whole), strings.TrimSpace(copied), "and it is copied as it is")

	f.write("web-1", "stdout", strings.Repeat("much more of it\n", 3<<19/16)+"the end\n")
	p.Until(`document.querySelector(".output").textContent.endsWith("the end\n")`)
	p.Eval(`document.querySelector(".output").textContent.length`, &shown)
	require.Less(t, shown, 1<<20+64<<10, "what is kept is bounded")

	p.Click(".choices button:last-child")
	p.Until(`document.querySelector(".output").textContent === "a warning\n" && location.hash.endsWith("/output?stream=stderr")`)

	// The connection is lost: it goes on where it was.
	f.CloseClientConnections()
	f.write("web-1", "stderr", "after the loss\n")
	p.Until(`document.querySelector(".output").textContent === "a warning\nafter the loss\n"`)
}

func noOutput(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 60)
	p := open(t, b, f, "#/tasks/web-1/output", "410")
	p.Until(`document.querySelector(".output-bar").innerText.includes("Its agent has removed the files of this task.")`)
}

func kill(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 60)
	killed := make(chan string, 10)
	status, answer := http.StatusOK, any(map[string]any{"state": "killed"})
	f.killed = func(id string) (int, any) {
		killed <- id
		return status, answer
	}
	p := open(t, b, f, "#/tasks/web-1", "503", "504")
	p.Click("#detail .danger")
	p.Until(`document.querySelector("dialog[open]").innerText.includes("web-1")`)
	p.Until(`document.activeElement.innerText === "Cancel"`) // Enter alone kills nothing
	p.Press("Escape")
	p.Until(`!document.querySelector("dialog")`)
	require.Empty(t, killed)
	p.Click("#detail .danger")
	p.Click("dialog .danger")
	require.Equal(t, "web-1", <-killed)
	p.Until(`document.querySelector(".result").innerText === "It has ended: killed." && !document.querySelector("dialog")`)

	f.set(func() {
		status, answer = http.StatusServiceUnavailable, map[string]any{"error": map[string]string{"code": "not_leading", "message": "nobody leads"}}
	})
	p.Click("#detail .danger")
	p.Click("dialog .danger")
	p.Until(`document.querySelector(".result").innerText === "It was not killed: nobody leads."`)
	f.set(func() { status = http.StatusGatewayTimeout })
	p.Click("#detail .danger")
	p.Click("dialog .danger")
	p.Until(`document.querySelector(".result").innerText === "The kill was sent. The task has not ended yet."`)
}
