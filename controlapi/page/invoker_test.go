package page_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/internal/chromiumtest"
)

// addInvoker has a fake serve an invoker with n containers.
func addInvoker(f *fake, n int) {
	f.overview.Extensions = []string{"invoker"}
	kinds := []string{"nodejs:20", "python:3.12", "go:1.22"}
	actions := []string{"checkout/charge", "checkout/receipt", "thumbnails/scale", "search/suggest", "mail/render"}
	counts := map[string]int{}
	for i := range n {
		c := map[string]any{
			"id": fmt.Sprintf("prod-9k2-%d", i+1), "state": "idle", "host": fmt.Sprintf("10.0.0.%d", 21+i%6), "port": 31000 + i, "agent": fmt.Sprintf("d1b5b8a4-6f0c-4d2e-9c43-0c6f6f2ad7c1-S%d", i%6),
			"kind": kinds[i%3], "memoryMB": []int{128, 256, 512}[i%3], "created": ago(time.Duration(i*47%9000+12) * time.Second), "used": ago(time.Duration(i*i%5000+2) * time.Second),
		}
		switch {
		case i%11 == 3:
			c["state"] = "stem"
		case i%13 == 5:
			c["state"], c["unreachable"] = "busy", true
		case i%5 == 1:
			c["state"], c["active"] = "busy", 1+i%4/3
		case i%17 == 8:
			c["state"] = "suspended"
		case i%19 == 9:
			c["state"] = "removing"
		case i%23 == 12:
			c["state"] = "creating"
			delete(c, "agent")
			delete(c, "host")
		}
		if s := c["state"]; s != "stem" && s != "creating" {
			c["namespace"], c["action"] = "shop", "/shop/"+actions[i%5]
		}
		counts[c["state"].(string)]++
		f.boxes = append(f.boxes, c)
	}
	f.stats = map[string]any{
		"usedMB": n * 300, "limitMB": n * 400, "waiting": 12, "oldest": ago(9 * time.Second), "containers": counts,
		"starts": map[string]int{"warm": 48_210, "prewarmed": 1204, "cold": 377, "recreated": 3},
		"stems": []map[string]any{
			{"kind": "nodejs:20", "image": "registry.example.com/nodejs:20", "memoryMB": 256, "want": 4, "have": 3, "starting": 1},
			{"kind": "python:3.12", "image": "registry.example.com/python:3.12", "memoryMB": 256, "want": 2, "have": 2, "starting": 0},
			{"kind": "go:1.22", "image": "registry.example.com/go:1.22", "memoryMB": 512, "want": 0, "have": 1, "starting": 0},
		},
		"waits": []map[string]any{
			{"namespace": "shop", "action": "/shop/reports/yearly", "kind": "python:3.12", "memoryMB": 2048, "callers": 3, "since": ago(9 * time.Second), "reason": "there is no room for 2048 MiB"},
			{"namespace": "shop", "action": "/shop/thumbnails/scale", "kind": "go:1.22", "memoryMB": 512, "callers": 7, "since": ago(2 * time.Second), "reason": "containers are starting"},
		},
	}
}

func invokerView(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 1)
	p := open(t, b, f, "#/invoker", "503")
	p.Until(`document.querySelector("#view-tasks").hidden === false && document.querySelector("[data-view=invoker]").hidden`) // there is none
	addInvoker(f, 120)
	f.send("overview", f.overview)
	p.Until(`!document.querySelector("[data-view=invoker]").hidden && document.querySelector("#count-invoker").innerText === "120"`)
	p.Click("[data-view=invoker]")
	p.Until(`document.querySelectorAll("#view-invoker .rows .row").length > 10`)
	text := p.Text("#view-invoker")
	for _, part := range []string{
		"Of 46.9 GiB", "12 callers", "The first for 9 s", "48,210 warm, 1,204 prewarmed, 377 cold, 3 recreated",
		"shop \u00b7 /shop/reports/yearly", "there is no room for 2048 MiB", "2 callers of other actions wait", "1 missing", "complete", "1 too many",
	} {
		require.Contains(t, text, part)
	}
	p.Press("/")
	p.Type("unreachable charge")
	p.Until(`document.querySelector("#view-invoker .found").innerText === "2 of 120 containers"`)
	p.Press("Enter", "ArrowDown", "ArrowDown")
	p.Until(`document.getElementById(document.querySelector("#view-invoker [role=grid]").getAttribute("aria-activedescendant")).dataset.id === "prod-9k2-71"`)
	p.Press("/", "Escape")
	p.Until(`document.querySelector("#view-invoker .found").innerText === ""`)
	p.Click("#view-invoker .chip[data-state=stem]")
	p.Until(`document.querySelector("#view-invoker .found").innerText === "11 of 120 containers"`)
	p.Click("#view-invoker .chip[data-state='']")
	p.Click("#view-invoker [data-key=updated]")
	p.Until(`document.querySelector("#view-invoker [aria-sort=descending] button").dataset.key === "updated"`)

	f.set(func() { f.stats["waits"], f.stats["waiting"], f.boxes = nil, 0, f.boxes[:1] })
	p.Until(`document.querySelector("#view-invoker").innerText.includes("Nobody") && document.querySelectorAll("#view-invoker .rows .row:not([hidden])").length === 1`)
	f.set(func() { f.down = true })
	p.Until(`document.querySelector("#view-invoker [role=alert]")?.innerText.includes("The invoker does not answer: the server stops. What you see is from")`)
	f.set(func() { f.down, f.boxes = false, nil })
	p.Until(`document.querySelector("#view-invoker").innerText.includes("No containers") && !document.querySelector("#view-invoker [role=alert]")`)
}

func tenThousandContainers(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 1)
	addInvoker(f, 10_000)
	p := open(t, b, f, "#/invoker")
	p.Until(`document.querySelector("#view-invoker [role=grid]")?.getAttribute("aria-rowcount") === "10001"`)
	var rows int
	p.Eval(`document.querySelectorAll("#view-invoker .rows .row").length`, &rows)
	require.Less(t, rows, 60)
	p.Eval(`document.querySelector("#view-invoker [role=grid]").focus()`, nil)
	p.Press("End")
	p.Until(`document.querySelector("#view-invoker .cursor")?.dataset.id === "prod-9k2-10000"`)
}

// onlyAnInvoker is served where there is no framework.
func onlyAnInvoker(t *testing.T, b *chromiumtest.Browser) {
	f := newFake(t)
	f.overview = controlapi.Overview{Framework: "invoker", NoTasks: true}
	addInvoker(f, 3)
	p := open(t, b, f, "")
	p.Until(`document.querySelectorAll("#view-invoker .rows .row").length === 3`)
	var shown []string
	p.Eval(`[...document.querySelectorAll("[data-view]:not([hidden])")].map((a) => a.dataset.view)`, &shown)
	require.Equal(t, []string{"members", "invoker"}, shown)
	require.Empty(t, p.Text("#alerts"))
	p.Until(`document.querySelector("#cards").hidden`)
	f.overview.Election = sampleOverview().Election
	f.overview.Election.Leader = ""
	f.send("overview", f.overview)
	p.Until(`document.querySelector("#cards").innerText.includes("No member leads")`)
	require.Contains(t, p.Text("#alerts"), "Nothing new is started until one does.")
}

// hostileInvokerControl is the control of hostileTexts for the texts of an invoker: a careless page runs what the action of a container is
// called.
func hostileInvokerControl(t *testing.T, b *chromiumtest.Browser, careless func(policy bool) http.Handler) {
	f := sample(t, 1)
	f.handler = careless(false)
	addInvoker(f, 1)
	f.boxes[0]["action"] = hostile
	p := b.Open(t, chromiumtest.View{Now: now})
	p.Go(f.URL + "/#/invoker")
	p.AwaitProblem("dialog: 1")
}
