package page_test

import (
	"os"
	"testing"

	"github.com/mesos-actor/mesos-actor-go/internal/chromiumtest"
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
		p.Until(`document.querySelectorAll(".rows .row").length > 5`)
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
	shot("dark-why", "#/tasks/mail-1", dark, why)
	shot("light-detail", "#/tasks/search-22", wide, detail)
	shot("light-why", "#/tasks/mail-1", wide, why)
	shot("narrow", "", narrow, nil)
	shot("narrow-detail", "#/tasks/mail-1", narrow, why)
	shot("agents", "#/agents", wide, nil)
	shot("narrow-agents", "#/agents", narrow, nil)
	shot("members", "#/members", wide, nil)
}
