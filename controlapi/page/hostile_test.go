package page_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/controlapi/page"
	"github.com/mesos-actor/mesos-actor-go/internal/chromiumtest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// hostile are texts that a page which is careless runs, loads, or shows as something else.
const hostile = `<img src=x onerror=alert(1)><script>alert(2)</script><a href="javascript:alert(3)">x</a>"'><svg onload=alert(4)>` +
	`<style>*{display:none}</style><iframe src=https://example.com></iframe></pre></textarea><!--{{7*7}}${7*7}` + "\u202etxt.exe\u2066\u200b\x1b[8mhidden\x07\r\x00"

// hostileFake says them wherever a text can be.
func hostileFake(t *testing.T) *fake {
	f := newFake(t)
	o := sampleOverview()
	o.Framework = hostile
	o.Election.Leader, o.Election.Reason = hostile, hostile
	o.Election.Members[0].ID, o.Election.Members[0].API = hostile, hostile
	o.Election.Members[1].API = "javascript:alert(5)"
	o.Connection.FrameworkID, o.Connection.Master = hostile, "http://10.0.0.5:5050/"+hostile
	o.Agents[0].Agent.Hostname, o.Agents[0].Agent.ID, o.Agents[0].Agent.Region = hostile, hostile, hostile
	o.Agents[0].Agent.Attributes[0].Name, o.Agents[0].Agent.Attributes[0].Text.Value = hostile, hostile
	f.overview = o
	id := strings.NewReplacer("/", "", "\x00", "").Replace(hostile)
	s := controlapi.Summary{
		ID: id, State: task.StateRunning, Group: hostile, Pod: hostile, Role: hostile, Hostname: hostile, AgentID: hostile, Message: hostile, Version: 1, Submitted: now, Updated: now,
	}
	f.tasks = append(sampleTasks(5), s)
	pending := s
	pending.ID, pending.State = "pending", task.StatePending
	f.tasks = append(f.tasks, pending)
	message := hostile
	spec := task.Spec{
		ID: id, Name: hostile, Role: hostile, Group: hostile, Pod: hostile, CPUs: 1, Mem: 1, Scalars: map[string]float64{hostile: 1},
		Container: &task.Container{Image: hostile}, Command: task.Command{Argv: []string{hostile, hostile}, Env: map[string]string{hostile: hostile}},
		Labels: map[string]string{hostile: hostile}, Constraints: []task.Constraint{{Attribute: hostile, Operator: hostile, Value: hostile}}, Ports: []task.Port{{Name: hostile}},
	}
	info := task.Info{
		Spec: spec, State: task.StateRunning, Hostname: hostile, AgentID: hostile, HostPorts: []uint16{1}, IPs: []string{hostile}, Version: 1,
		Status: &mesos.TaskStatus{Message: &message}, Submitted: now, Updated: now,
	}
	f.details[id] = map[string]any{"task": info, "history": []task.Transition{{At: now, State: task.StateRunning, Hostname: hostile, Message: hostile}}}
	info.State = task.StatePending
	f.details["pending"] = map[string]any{"task": info}
	f.explain["pending"] = scheduler.Explanation{
		SubscribeErr: &task.FieldError{Field: hostile, Value: hostile, Reason: hostile},
		Findings: []scheduler.Finding{{At: now, Offers: 1, Reasons: []task.Reason{
			{Kind: hostile, Agents: 1}, {Kind: task.ReasonShortage, Resource: hostile, Short: 1, Hostname: hostile, Agents: 1},
			{Kind: task.ReasonConstraint, Constraint: task.Constraint{Attribute: hostile, Operator: hostile, Value: hostile}, Agents: 1, Awaited: hostile},
		}}},
	}
	f.output[id+" stdout"] = strings.Repeat(hostile+"\n", 20)
	addInvoker(f, 3)
	for _, c := range f.boxes {
		c["kind"], c["agent"], c["namespace"], c["action"], c["state"] = hostile, hostile, hostile, hostile, hostile
	}
	f.boxes[0]["id"] = hostile
	for _, list := range []string{"stems", "waits"} {
		for _, row := range f.stats[list].([]map[string]any) {
			row["kind"], row["image"], row["namespace"], row["action"], row["reason"] = hostile, hostile, hostile, hostile, hostile
		}
	}
	f.stats["containers"] = map[string]int{hostile: 3}
	f.offers = []scheduler.OfferAtHand{{ID: hostile, Agent: task.Agent{Hostname: hostile}, Role: hostile, Since: now}}
	return f
}

// visit opens each part of a page, and returns what went wrong and whether a hostile text became an element.
func visit(t *testing.T, b *chromiumtest.Browser, f *fake) (problems []string) {
	p := b.Open(t, chromiumtest.View{Now: now})
	id := strings.NewReplacer("/", "", "\x00", "").Replace(hostile)
	p.Go(f.URL + "/")
	for _, step := range []struct{ fragment, until string }{
		{`"#/tasks"`, `document.querySelectorAll("#view-tasks .rows .row").length >= 7`},
		{`"#/tasks/" + encodeURIComponent(id)`, `document.querySelector(".history li")`},
		{`"#/tasks/" + encodeURIComponent(id) + "/output"`, `document.querySelector(".output")?.textContent.includes("onerror")`},
		{`"#/tasks/" + encodeURIComponent(id) + "/spec"`, `document.querySelector(".spec")`},
		{`"#/tasks/pending"`, `document.querySelector(".reasons li")`},
		{`"#/agents"`, `document.querySelector(".agent") && document.querySelector("#view-agents table")`},
		{`"#/members"`, `document.querySelector("#view-members tbody tr")`},
		{`"#/invoker"`, `document.querySelectorAll("#view-invoker .rows .row").length === 3 && document.querySelectorAll("#view-invoker tbody tr").length === 5`},
		{`"#/tasks?q=" + encodeURIComponent(id)`, `document.querySelector("#search").value !== ""`},
		{`"#/" + id`, `!document.querySelector("#view-tasks").hidden`},
	} {
		p.Eval("(() => { const id = "+quoteJS(id)+"; location.hash = "+step.fragment+"; })()", nil)
		p.Until(step.until)
		var found []string
		p.Eval(`[...document.querySelectorAll("img, iframe, style, script:not([type=module]), [onerror], [onload]")].map((e) => e.outerHTML)
			.concat([...document.links].filter((a) => !/^https?:$/.test(a.protocol) || !/^(10\.0\.0\.|127\.0\.0\.1)/.test(a.hostname)).map((a) => a.href))`, &found)
		problems = append(problems, found...)
		var bare string
		p.Eval(`document.body.innerText.replace(/[^\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2066-\u2069]/g, "")`, &bare)
		if bare != "" {
			problems = append(problems, "invisible characters at "+step.fragment)
		}
	}
	return append(problems, p.Problems(f.URL)...)
}

func quoteJS(s string) string {
	return `decodeURIComponent("` + percent(s) + `")`
}

func percent(s string) string {
	const digits = "0123456789ABCDEF"
	var out strings.Builder
	for _, b := range []byte(s) {
		out.WriteString(string([]byte{'%', digits[b>>4], digits[b&15]}))
	}
	return out.String()
}

func hostileTexts(t *testing.T, b *chromiumtest.Browser) {
	require.Empty(t, visit(t, b, hostileFake(t)))
}

// hostileControl is the control: of a page that shows texts as markup, and without the policy, the checker must complain; and the
// policy alone must keep such a page from running anything.
func hostileControl(t *testing.T, b *chromiumtest.Browser) {
	careless, err := os.ReadFile("assets/dom.js")
	require.NoError(t, err)
	text := strings.Replace(string(careless), "if (node.textContent !== text) node.textContent = text;", "node.innerHTML = text;", 1)
	require.NotEqual(t, string(careless), text)
	serve := func(policy bool) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !policy {
				w = withoutPolicy{w}
			}
			if r.URL.Path != "/assets/dom.js" {
				page.Handler().ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(text))
		})
	}
	f := hostileFake(t)
	f.handler = serve(false)
	p := b.Open(t, chromiumtest.View{Now: now})
	p.Go(f.URL)
	p.AwaitProblem("dialog: 1") // without the policy the careless page runs what it is told

	f = hostileFake(t)
	f.handler = serve(true)
	p = b.Open(t, chromiumtest.View{Now: now})
	p.Go(f.URL)
	p.AwaitProblem("TrustedHTML") // the policy refuses it
	require.NotContains(t, strings.Join(p.Problems(f.URL), "\n"), "dialog")
	hostileInvokerControl(t, b, serve)
}

// withoutPolicy drops the policy of an answer.
type withoutPolicy struct{ http.ResponseWriter }

func (w withoutPolicy) WriteHeader(status int) {
	w.Header().Del("Content-Security-Policy")
	w.ResponseWriter.WriteHeader(status)
}
