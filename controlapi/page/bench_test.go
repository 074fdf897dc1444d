package page_test

import (
	"slices"
	"testing"
	"time"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/internal/chromiumtest"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// BenchmarkPage measures how long it takes until 10,000 tasks are drawn, and the longest time for which the page does not react
// while 100 of them change each second and somebody scrolls, searches and has one open.
func BenchmarkPage(b *testing.B) {
	const seconds = 10
	f := sample(b, 10_000)
	browser := chromiumtest.Start(b)
	type round struct{ Contentful, Drawn, Loading, Changing float64 } // ms
	var all []round
	for b.Loop() {
		p := browser.Open(b, chromiumtest.View{})
		p.Script(`
			window.longest = 0;
			new PerformanceObserver((list) => { for (const e of list.getEntries()) longest = Math.max(longest, e.duration); }).observe({ type: "longtask", buffered: true });
			(function look() {
				if (document.querySelector("#count-tasks")?.textContent === "10,000" && document.querySelectorAll(".rows .row").length > 10) {
					requestAnimationFrame(() => setTimeout(() => { window.drawn = performance.now(); }));
				} else requestAnimationFrame(look);
			})();`)
		p.Go(f.URL + "/")
		p.Until(`window.drawn`)
		var r round
		p.Eval(`new Promise((done) => setTimeout(() => done({
			Contentful: performance.getEntriesByName("first-contentful-paint")[0]?.startTime, Drawn: drawn, Loading: longest,
		}), 500))`, &r)
		p.Eval(`longest = 0`, nil)
		change(p, f, seconds)
		p.Eval(`longest`, &r.Changing)
		all = append(all, r)
	}
	for name, of := range map[string]func(round) float64{
		"contentful": func(r round) float64 { return r.Contentful },
		"drawn":      func(r round) float64 { return r.Drawn },
		"loading":    func(r round) float64 { return r.Loading },
		"changing":   func(r round) float64 { return r.Changing },
	} {
		values := make([]float64, 0, len(all))
		for _, r := range all {
			values = append(values, of(r))
		}
		slices.Sort(values)
		b.ReportMetric(values[len(values)/2], name+"-ms")
		b.ReportMetric(values[len(values)-1], name+"-worst-ms")
	}
}

// change changes 100 tasks each second, while the page is used.
func change(p *chromiumtest.Page, f *fake, seconds int) {
	states := []task.State{task.StateRunning, task.StateFailed, task.StatePending, task.StateStaging}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i := range seconds * 100 {
		<-tick.C
		s := f.tasks[i*7919%len(f.tasks)]
		s.State, s.Version, s.Updated = states[i%len(states)], uint64(100_000+i), time.Now()
		f.send("task", controlapi.SummaryEvent{Task: s})
		switch i {
		case 100:
			p.Click("[data-key=updated]")
		case 300:
			p.Press("/")
			p.Type("web")
		case 500:
			p.Eval(`scrollTo({ top: 20000 })`, nil)
		case 600:
			p.Click(".rows .row:nth-child(10)")
		case 800:
			p.Click("[data-key=state]")
		}
	}
}
