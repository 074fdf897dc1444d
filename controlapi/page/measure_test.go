package page_test

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/internal/chromiumtest"
	"github.com/mesos-actor/mesos-actor-go/task"
)

var measure = flag.Bool("measure", false, "measure how fast the page is, and print the table of docs/benchmarks.md")

// TestMeasure prints how long it takes until 10,000 tasks are drawn, and the longest time for which the page did not react while
// 100 of them change each second and somebody scrolls, searches and has one open. It asserts nothing.
func TestMeasure(t *testing.T) {
	if !*measure {
		t.Skip("without -measure: it takes a minute, and says something about the machine")
	}
	const rounds, seconds = 5, 10
	f := sample(t, 10_000)
	b := chromiumtest.Start(t)
	type round struct{ Contentful, Drawn, Loading, Changing float64 } // ms
	var all []round
	for range rounds {
		p := b.Open(t, chromiumtest.View{})
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
	figure := func(of func(round) float64) string {
		values := make([]float64, 0, rounds)
		for _, r := range all {
			values = append(values, of(r))
		}
		slices.Sort(values)
		return fmt.Sprintf("%.0f | %.0f", values[rounds/2], values[rounds-1])
	}
	fmt.Printf("\n| what | bar | median | worst of %d |\n| --- | --- | --- | --- |\n", rounds)
	fmt.Printf("| first contentful paint | | %s |\n", figure(func(r round) float64 { return r.Contentful }))
	fmt.Printf("| 10,000 tasks drawn, from the start of the navigation | 1,000 | %s |\n", figure(func(r round) float64 { return r.Drawn }))
	fmt.Printf("| longest task while loading | | %s |\n", figure(func(r round) float64 { return r.Loading }))
	fmt.Printf("| longest task while 100 tasks change each second; 0: none took 50 | 200 | %s |\n", figure(func(r round) float64 { return r.Changing }))
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
