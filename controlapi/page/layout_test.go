package page_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/internal/chromiumtest"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// places are the fragments of all that the page shows, each with what is there when it is drawn.
var places = []struct{ fragment, drawn string }{
	{"#/tasks", `document.querySelectorAll(".rows .row").length > 5`},
	{"#/agents", `document.querySelectorAll(".agent").length > 5`},
	{"#/members", `document.querySelectorAll("#view-members tbody tr").length === 3`},
	{"#/invoker", `document.querySelectorAll("#view-invoker .rows .row").length > 5`},
	{"#/tasks/api-2", `document.querySelector(".history li")`},
	{"#/tasks/mail-1", `document.querySelector(".reasons li")`},
	{"#/tasks/web-1/output", `document.querySelector(".output div")`},
	{"#/tasks/web-1/spec", `document.querySelector(".spec")`},
}

func narrow(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 60)
	addInvoker(f, 60)
	long := strings.Repeat("very-long-name-", 16)
	f.overview.Framework, f.overview.Agents[0].Agent.Hostname, f.overview.Election.Leader, f.overview.Election.Members[0].ID = long, long, long, long
	f.tasks[0].ID, f.tasks[0].Message, f.tasks[0].Hostname = long, long, long
	f.boxes[0]["id"], f.boxes[0]["action"], f.boxes[0]["agent"] = long, long, long
	f.stats["waits"].([]map[string]any)[0]["reason"], f.stats["stems"].([]map[string]any)[0]["image"] = long, long
	f.output["web-1 stdout"] = long + long + "\n"
	f.tasks = append(f.tasks, controlapi.Summary{ID: "web-1", State: task.StateRunning})
	f.send("store", map[string]any{"err": long})
	p := b.Open(t, chromiumtest.View{Width: 360, Height: 720, Now: now})
	p.Go(f.URL)
	p.Until(places[0].drawn)
	f.send("store", map[string]any{"err": long})
	p.Until(`document.querySelector("[data-alert=store]")`)
	for _, width := range []int{360, 800, 1280} {
		p.Show(chromiumtest.View{Width: width, Height: 720})
		for _, place := range append(places, struct{ fragment, drawn string }{"#/tasks/" + long, `document.querySelector("#detail h2").innerText.startsWith("very")`}) {
			p.Eval("location.hash = '"+place.fragment+"'", nil)
			p.Until(place.drawn)
			var wide []string
			p.Eval(`document.documentElement.scrollWidth > innerWidth ? [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80)) : []`, &wide)
			require.Empty(t, wide, "%s at %d px", place.fragment, width)
		}
	}
	require.Empty(t, p.Problems(f.URL, "404"))
}

// accessible checks what a program can check: that all that can be pressed or filled in has a name, that texts stand out from what
// is behind them, that IDs are unique and references lead somewhere.
func accessible(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 60)
	addInvoker(f, 60)
	f.output["web-1 stdout"] = "hello\n"
	for _, dark := range []bool{false, true} {
		p := b.Open(t, chromiumtest.View{Width: 1280, Height: 1000, Dark: dark, Now: now})
		p.Go(f.URL)
		f.send("store", map[string]any{"err": "no space left"})
		for _, place := range places {
			p.Eval("location.hash = '"+place.fragment+"'", nil)
			p.Until(place.drawn)
			var faults []string
			p.Eval(faultsScript, &faults)
			require.Empty(t, faults, "%s, dark: %v", place.fragment, dark)
		}
		require.Empty(t, p.Problems(f.URL))
	}
	// The control: all of this is found.
	p := b.Open(t, chromiumtest.View{})
	p.Go(f.URL)
	p.Until(places[0].drawn)
	p.Eval(`(() => {
		const add = (name, props) => document.querySelector("main").append(Object.assign(document.createElement(name), props));
		add("button", {}); add("input", {}); add("p", { textContent: "pale", id: "search" });
		document.querySelector("main").lastChild.style.color = "#bbb";
		document.querySelector("#detail").setAttribute("aria-labelledby", "nothing");
	})()`, nil)
	var faults []string
	p.Eval(faultsScript, &faults)
	require.Len(t, faults, 5, "%v", faults)
}

const faultsScript = `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => {
	const faults = [];
	const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest(".sr, .skip");
	const name = (e) => e.getAttribute("aria-label") || [...(e.labels ?? [])].map((l) => l.textContent).join("") || e.textContent.trim() || e.title;
	for (const e of document.querySelectorAll("button, a, input, [role=grid], [role=tab], [role=tabpanel], [role=log], nav, aside, dialog, table")) {
		if (seen(e) && !name(e)) faults.push("no name: " + e.outerHTML.slice(0, 100));
	}
	const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
	for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) { faults.push("twice: " + id); break; }
	for (const attribute of ["aria-labelledby", "aria-describedby", "aria-controls", "aria-activedescendant", "for"]) {
		for (const e of document.querySelectorAll("[" + attribute + "]")) if (!document.getElementById(e.getAttribute(attribute))) faults.push(attribute + " leads nowhere: " + e.getAttribute(attribute));
	}
	if (document.documentElement.lang !== "en" || !document.title || document.querySelectorAll("main").length !== 1 || document.querySelectorAll("h1").length !== 1) faults.push("language, title, main, h1");
	const rgb = (text) => text.match(/[\d.]+/g).map(Number);
	const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) {
		const e = walker.currentNode.parentElement;
		if (!walker.currentNode.data.trim() || !seen(e) || e.closest("noscript, :disabled")) continue;
		const [a, b] = [light(rgb(getComputedStyle(e).color).slice(0, 3)), light(behind(e).slice(0, 3))].sort((x, y) => y - x);
		const contrast = (a + 0.05) / (b + 0.05);
		if (contrast < 4.5) faults.push(contrast.toFixed(2) + ": " + walker.currentNode.data.slice(0, 40) + " in " + e.outerHTML.slice(0, 80));
	}
	return faults;
})`
