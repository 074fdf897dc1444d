package page_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/internal/chromiumtest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// TestPage has all tests with a browser, since they share one. It is skipped without Chromium, see package chromiumtest.
func TestPage(t *testing.T) {
	b := chromiumtest.Start(t)
	for name, run := range map[string]func(*testing.T, *chromiumtest.Browser){
		"overview: leader, term, master, offers":                          overviewCards,
		"members: alive, votes, link to the API":                          membersView,
		"agents: bars, attributes, offers at hand":                        agentsView,
		"alerts: nobody leads, no master, the store fails":                alertsShown,
		"keyboard: search, move, open, sort, close":                       keyboard,
		"filters: states and words, kept in the URL":                      filters,
		"10,000 tasks: only the rows in sight exist":                      tenThousand,
		"details: facts, history, spec, a URL to share":                   details,
		"pending: why, with the nearest miss":                             pending,
		"output: the end first, follows, pauses when scrolled, goes back": output,
		"output: gone, away, not started":                                 noOutput,
		"kill: asks, and says what has happened":                          kill,
		"the server restarts: says so, and reconnects":                    reconnects,
		"401: asks for a token, and again if it is refused":               asksForToken,
		"empty: says so, and how to submit":                               emptyStates,
		"360 px: nothing is wider than the window":                        narrow,
		"accessible: names, contrast, landmarks, language":                accessible,
		"real servers: launch, output, why, kill, another leader":         realFramework,
		"invoker: figures, who waits, stem cells, containers":             invokerView,
		"invoker: 10,000 containers":                                      tenThousandContainers,
		"invoker: without a framework":                                    onlyAnInvoker,
		"screenshots: as in docs":                                         screenshots,
		"hostile texts: stay text":                                        hostileTexts,
		"hostile texts: the checker sees a page that does it wrong":       hostileControl,
	} {
		t.Run(name, func(t *testing.T) { run(t, b) })
	}
}

// open opens the page on a fake, and checks at the end that it had no problem but those that are expected.
func open(t *testing.T, b *chromiumtest.Browser, f *fake, fragment string, expected ...string) *chromiumtest.Page {
	t.Helper()
	p := b.Open(t, chromiumtest.View{Now: now})
	t.Cleanup(func() { require.Empty(t, p.Problems(f.URL, expected...)) })
	p.Go(f.URL + "/" + fragment)
	return p
}

// sample is a fake with n tasks.
func sample(t testing.TB, n int) *fake {
	f := newFake(t)
	f.overview = sampleOverview()
	f.tasks = sampleTasks(n)
	for _, s := range f.tasks[:min(n, 300)] {
		f.details[s.ID] = detailOf(s)
		f.explain[s.ID] = explanationOf(s)
	}
	return f
}

func overviewCards(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 60)
	p := open(t, b, f, "")
	p.Until(`document.querySelectorAll(".card").length === 4`)
	require.Equal(t, "shop", p.Text("#framework"))
	cards := p.Text("#cards")
	for _, text := range []string{"member-1", "Term 7, for 3 h", "Connected", "10.0.0.5:5050", "Offers at hand\n2", "Tasks\n60"} {
		require.Contains(t, cards, text)
	}
	var href string
	p.Eval(`document.querySelector("#cards a").href`, &href)
	require.Equal(t, "http://10.0.0.5:5050/#/frameworks/d1b5b8a4-6f0c-4d2e-9c43-0c6f6f2ad7c1-0003", href)
	var title string
	p.Eval(`document.querySelector("#cards time").title`, &title)
	require.Equal(t, "2026-11-29 09:00:00 UTC", title)

	// The leader changes, and the page says so.
	next := *f.overview.Election
	next.Leader, next.Term, next.Since = "member-2", 8, now
	f.send("election", next)
	p.Until(`document.querySelector("#cards").innerText.includes("Term 8")`)
	require.Contains(t, p.Text("#cards"), "member-2")

	// A master that is no http URL is no link.
	o := sampleOverview()
	o.Connection.Master = "javascript:alert(1)//"
	f.send("overview", o)
	p.Until(`document.querySelector("#cards").innerText.includes("javascript")`)
	p.Until(`document.querySelectorAll("#cards a").length === 0`)
}

func membersView(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 1)
	p := open(t, b, f, "#/members")
	p.Until(`document.querySelectorAll("tbody tr").length === 3`)
	var rows []string
	p.Eval(`[...document.querySelectorAll("tbody tr")].map((r) => [...r.children].map((c) => c.innerText.replace(/\s+/g, " ")).join(" | "))`, &rows)
	require.Equal(t, []string{
		"member-1 | leader | alive for 26 h | yes | 10.0.0.11:8080", "member-2this one | follower | alive for 26 h | yes | 10.0.0.12:8080",
		"member-3 | follower | not heard from for 3 h | yes | 10.0.0.13:8080",
	}, rows)
	var links []string
	p.Eval(`[...document.querySelectorAll("tbody a")].map((a) => a.href + " " + a.rel)`, &links)
	require.Equal(t, "http://10.0.0.11:8080/ noopener noreferrer", links[0])
	require.Contains(t, p.Text("#view-members .facts"), "member-3 was not heard from for 2 s")

	alone := sampleOverview()
	alone.Election = nil
	f.send("overview", alone)
	p.Until(`document.querySelector("#view-members").innerText.includes("One process, no election")`)
}

func agentsView(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 1)
	f.offers = []scheduler.OfferAtHand{{ID: "o1", Agent: task.Agent{Hostname: "agent1.example.com"}, Role: "shop", Resources: scheduler.Amounts{CPUs: 3.5, Mem: 2048}, Since: ago(4 * time.Second)}}
	p := open(t, b, f, "#/agents")
	p.Until(`document.querySelectorAll(".agent").length === 6`)
	first := p.Text(".agent")
	for _, text := range []string{"agent1.example.com", "rack: r1", "disks: 4", "16 free, 2.5 taken", "64 GiB free, 10 GiB taken", "1 task", "offered 2 s ago"} {
		require.Contains(t, first, text)
	}
	var width float64
	p.Eval(`parseFloat(getComputedStyle(document.querySelector(".track"), "::before").width) / document.querySelector(".track").clientWidth`, &width)
	require.InDelta(t, 2.5/18.5, width, 0.01)
	p.Until(`document.querySelector("#view-agents table")?.innerText.includes("3.5 CPU, 2 GiB memory")`)

	p.Press("/")
	p.Type("rack:r2")
	p.Until(`document.querySelectorAll(".agent").length === 2`)
	p.Type("zz")
	p.Until(`document.querySelector("#view-agents").innerText.includes("No agent matches")`)
	none := sampleOverview()
	none.Agents = []scheduler.AgentStats{}
	f.send("overview", none) // without the field, as the server says it
	p.Until(`document.querySelector("#view-agents").innerText.includes("No agents known") || document.querySelector("#view-agents").innerText.includes("No agent matches")`)
}

func alertsShown(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 1)
	p := open(t, b, f, "")
	p.Until(`document.querySelectorAll(".card").length === 4`)
	require.Empty(t, p.Text("#alerts"))

	f.send("store", map[string]any{"err": errStoreFull.Error(), "nextAttempt": now.Add(3 * time.Second)})
	p.Until(`document.querySelector("[data-alert=store]")`)
	require.Contains(t, p.Text("#alerts"), "The store fails: write /var/lib/shop/records.db: no space left on device.")
	require.Contains(t, p.Text("#cards"), "Next attempt in 3 s")
	f.send("store", map[string]any{})
	p.Until(`!document.querySelector("[data-alert=store]")`)
	failing := sampleOverview() // who comes later learns of it as well
	failing.Connection.StoreErr = errStoreFull
	f.send("overview", failing)
	p.Until(`document.querySelector("[data-alert=store]").innerText.includes("no space left on device")`)
	f.send("overview", sampleOverview())
	p.Until(`!document.querySelector("[data-alert=store]")`)

	o := sampleOverview()
	o.Connection = &scheduler.Status{Err: fmt.Errorf("10.0.0.5:5050: connection refused"), Since: ago(time.Minute), Dropped: 3}
	f.send("overview", o)
	p.Until(`document.querySelector("[data-alert=master]")`)
	require.Contains(t, p.Text("#alerts"), "connection refused")
	require.Contains(t, p.Text("#alerts"), "3 calls could not be made")
	require.Contains(t, p.Text("#cards"), "Not connected")

	o.Connection, o.Election.Leader, o.Election.Reason, o.Error = nil, "", "2 of 3 have to run", "no leader"
	f.send("overview", o)
	p.Until(`document.querySelector("[data-alert=leader]")`)
	require.Contains(t, p.Text("#cards"), "No member leads")
	require.Contains(t, p.Text("#alerts"), "No member leads (2 of 3 have to run). Tasks run on")
	o.Election.Leader = "member-1"
	o.Error = "connection refused"
	f.send("overview", o)
	p.Until(`document.querySelector("[data-alert=answer]")`)
	require.Contains(t, p.Text("#alerts"), "The leader does not answer: connection refused.")
}

func keyboard(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 240)
	p := open(t, b, f, "")
	p.Until(`document.querySelectorAll(".rows .row").length > 10`)
	p.Press("/")
	p.Type("search-2")
	p.Until(`document.querySelector(".found").innerText.startsWith("11 of")`)
	p.Press("Enter", "ArrowDown")
	p.Until(`document.getElementById(document.querySelector("[role=grid]").getAttribute("aria-activedescendant")).dataset.id === "search-20"`)
	p.Press("Enter")
	p.Until(`!document.querySelector("#detail").hidden && document.activeElement.innerText === "search-20"`)
	p.Until(`location.hash === "#/tasks/search-20?q=search-2"`)
	p.Press("Escape")
	p.Until(`document.querySelector("#detail").hidden && document.activeElement.getAttribute("role") === "grid"`)
	p.Press("ArrowUp", "Enter")
	p.Until(`document.querySelector("#detail h2").innerText === "search-2"`)
	p.Press("Escape", "/", "Escape")
	p.Until(`document.querySelector(".found").innerText === "" && document.querySelector("#search").value === ""`)

	p.Click(`[data-key=updated]`)
	p.Until(`document.querySelector("[aria-sort=descending] button").dataset.key === "updated"`)
	p.Until(`document.querySelector("#row-0").dataset.id === "web-1"`)
	p.Click(`[data-key=updated]`)
	p.Until(`document.querySelector("#row-0").dataset.id === "thumbnails-40"`)
	p.Click(`[data-key=id]`)
	var ids []string
	p.Until(`document.querySelector("#row-0").dataset.id === "api-1"`)
	p.Eval(`[...document.querySelectorAll(".rows .row")].map((r) => [Number(r.ariaRowIndex), r.dataset.id]).sort((a, b) => a[0] - b[0]).map((r) => r[1]).slice(8, 11)`, &ids)
	require.Equal(t, []string{"api-9", "api-10", "api-11"}, ids, "numbers are in order")
	p.Eval(`document.querySelector("[role=grid]").focus()`, nil)
	p.Press("End")
	p.Until(`document.querySelector(".cursor").dataset.id === "web-40" && document.querySelector(".cursor").getBoundingClientRect().bottom < innerHeight`)
	p.Press("Home")
	p.Until(`document.querySelector(".cursor").dataset.id === "api-1" && document.querySelector(".cursor").getBoundingClientRect().top > document.querySelector(".heads").getBoundingClientRect().bottom - 2`)
}

func filters(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 240)
	p := open(t, b, f, "#/tasks?state=failed,pending&q=AGENT1.example&sort=-id")
	p.Until(`document.querySelector("#search").value === "AGENT1.example"`)
	p.Until(`[...document.querySelectorAll(".rows .row:not([hidden])")].every((r) => r.innerText.includes("failed") && r.innerText.includes("agent1"))`)
	p.Until(`[...document.querySelectorAll(".chip[aria-pressed=true]")].map((c) => c.dataset.state).join() === "pending,failed"`)
	p.Click(".chip[data-state=failed]")
	p.Until(`document.querySelector("#view-tasks").innerText.includes("No task matches")`)
	p.Click(".empty button")
	p.Until(`document.querySelector(".chip[data-state='']").getAttribute("aria-pressed") === "true" && location.hash === "#/tasks?sort=-id"`)
	p.Click(".chip[data-state=running]")
	p.Until(`location.hash === "#/tasks?state=running&sort=-id"`)

	// A task that changes goes to where it belongs, and one that leaves the record is gone.
	s := f.tasks[0]
	s.State, s.Version = task.StateFinished, 5000
	f.send("task", controlapi.SummaryEvent{Task: s, Previous: task.StateRunning})
	p.Until(`!document.querySelector(".row[data-id=web-1]:not([hidden])")`)
	f.send("task", controlapi.SummaryEvent{Task: f.tasks[0], Previous: task.StateFinished}) // an older one, which means nothing
	p.Click(".chip[data-state=finished]")
	p.Click(".chip[data-state=running]")
	p.Until(`document.querySelector(".row[data-id=web-1]:not([hidden])")`)
	f.send("removed", map[string]any{"tasks": []string{"web-1"}, "version": 5001})
	p.Until(`!document.querySelector(".row[data-id=web-1]:not([hidden])") && document.querySelector("#count-tasks").innerText === "239"`)
}

func tenThousand(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 10_000)
	p := open(t, b, f, "", "404")
	p.Until(`document.querySelector("#count-tasks").innerText === "10,000"`)
	var rows int
	p.Eval(`document.querySelectorAll(".rows .row").length`, &rows)
	require.Less(t, rows, 60)
	p.Until(`document.querySelector("[role=grid]").getAttribute("aria-rowcount") === "10001"`)
	p.Eval(`document.querySelector("[role=grid]").focus()`, nil)
	p.Press("End")
	p.Until(`document.querySelector(".cursor")?.dataset.id === "web-1667"`)
	p.Eval(`scrollTo(0, document.querySelector(".rows").offsetHeight / 2)`, nil)
	p.Until(`(() => { const rows = [...document.querySelectorAll(".rows .row:not([hidden])")].map((r) => r.getBoundingClientRect()); return Math.min(...rows.map((r) => r.top)) < 100 && Math.max(...rows.map((r) => r.bottom)) > innerHeight; })()`)
	p.Press("/")
	p.Type("thumbnails-1234")
	p.Until(`document.querySelector(".found").innerText === "1 of 10,000 tasks"`)
	p.Press("Enter", "Enter")
	p.Until(`document.querySelector("#detail h2").innerText === "thumbnails-1234"`)
	p.Until(`document.querySelector("#panel").innerText.includes("There is no task of this ID on record")`)
}
