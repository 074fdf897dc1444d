package page_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/chromiumtest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

func TestShots(t *testing.T) {
	b := chromiumtest.Start(t)
	f := newFake(t)
	f.overview = sampleOverview()
	f.tasks = sampleTasks(240)
	for _, s := range f.tasks {
		f.details[s.ID] = detailOf(s)
		f.explain[s.ID] = explanationOf(s)
	}
	shot := func(name, fragment string, v chromiumtest.View, do func(p *chromiumtest.Page)) {
		v.Now = now
		p := b.Open(t, v)
		p.Go(f.URL + "/" + fragment)
		p.Until(`document.querySelectorAll(".rows .row, .agent, tbody tr").length > 2`)
		if do != nil {
			do(p)
		}
		os.WriteFile("/tmp/shots/"+name+".png", p.Screenshot(), 0o644)
		for _, problem := range p.Problems(f.URL) {
			t.Log(name, problem)
		}
	}
	os.MkdirAll("/tmp/shots", 0o755)
	wide := chromiumtest.View{Width: 1280, Height: 800}
	dark := chromiumtest.View{Width: 1280, Height: 800, Dark: true}
	narrow := chromiumtest.View{Width: 360, Height: 720}
	detail := func(p *chromiumtest.Page) { p.Until(`document.querySelector(".history li")`) }
	why := func(p *chromiumtest.Page) { p.Until(`document.querySelector(".reasons li")`) }
	shot("light", "", wide, nil)
	shot("kill", "#/tasks/search-22", dark, func(p *chromiumtest.Page) { detail(p); p.Click(".detail .danger"); p.Until(`document.querySelector("dialog")`) })
	g := newFake(t)
	g.overview = sampleOverview()
	g.overview.Agents = nil
	f, g = g, f
	p := b.Open(t, chromiumtest.View{Now: now})
	p.Go(f.URL)
	p.Until(`document.querySelector(".command")`)
	os.WriteFile("/tmp/shots/empty.png", p.Screenshot(), 0o644)
	f.send("store", scheduler.StoreEvent{Err: errStoreFull, NextAttempt: now.Add(3 * time.Second)})
	p.Until(`document.querySelector("[data-alert=store]")`)
	f.set(func() { f.down = true })
	f.cut()
	p.Until(`document.querySelector(".countdown")`)
	os.WriteFile("/tmp/shots/lost.png", p.Screenshot(), 0o644)
	f.set(func() { f.down = false; f.token = "x" })
	p = b.Open(t, chromiumtest.View{Now: now})
	p.Go(f.URL)
	p.Until(`document.querySelector("dialog")`)
	os.WriteFile("/tmp/shots/token.png", p.Screenshot(), 0o644)
	f, g = g, f
	shot("dark-why", "#/tasks/mail-1", dark, why)
	shot("light-detail", "#/tasks/search-22", wide, detail)
	shot("light-why", "#/tasks/mail-1", wide, why)
	shot("narrow", "", narrow, nil)
	shot("narrow-detail", "#/tasks/mail-1", narrow, why)
	shot("agents", "#/agents", wide, nil)
	shot("narrow-agents", "#/agents", narrow, nil)
	f.output["search-22 stdout"] = strings.Repeat("10:00:09 \x1b[32minfo\x1b[0m  listening on 0.0.0.0:31004\n10:00:10 info  indexing 1,204 documents with a very long line that does not fit into the panel and goes on\n", 30)
	f.output["mail-1 stdout"] = ""
	shot("output", "#/tasks/search-22/output", dark, func(p *chromiumtest.Page) { p.Until(`document.querySelector(".output span")`) })
	shot("output-gone", "#/tasks/search-22/output?stream=stderr", narrow, func(p *chromiumtest.Page) { p.Until(`document.body.innerText.includes("removed")`) })
	shot("spec", "#/tasks/search-22/spec", wide, func(p *chromiumtest.Page) { p.Until(`document.querySelector(".spec")`) })
	shot("members", "#/members", wide, nil)
}
