package controlapi_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

func TestHistoryOffersAndRemoved(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		r := w.events("?view=summary")
		decoded[task.Info](t, w.request("POST", "/v1/tasks?wait=running", encode(t, spec("web"))), 201)
		history := decoded[controlapi.TaskDetail](t, w.request("GET", "/v1/tasks/web", ""), 200).History
		require.Equal(t, task.StatePending, history[0].State)
		require.Equal(t, task.StateRunning, history[len(history)-1].State)
		decoded[[]scheduler.OfferAtHand](t, w.request("GET", "/v1/offers", ""), 200)

		decoded[task.Info](t, w.request("POST", "/v1/tasks/web/kill", ""), 200)
		require.Equal(t, 204, w.request("DELETE", "/v1/tasks/web", "").status)
		require.Zero(t, decoded[controlapi.TaskPage[task.Info]](t, w.request("GET", "/v1/tasks", ""), 200).Total)
		removed := named(r.take(), "removed")
		require.Len(t, removed, 1)
		require.Equal(t, []string{"web"}, parsed[scheduler.RemovedEvent](t, removed[0]).Tasks)
	})
}

func TestOutput(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		hello := spec("hello")
		hello.Command.Shell = "echo hello; sleep 3600"
		require.Equal(t, scheduler.CodeUnknownTask, problem(t, w.request("GET", "/v1/tasks/hello/logs", ""), 404).Code)
		decoded[task.Info](t, w.request("POST", "/v1/tasks?wait=running", encode(t, hello)), 201)
		a := w.request("GET", "/v1/tasks/hello/logs", "")
		require.Equal(t, "application/x-ndjson", a.header.Get("Content-Type"))
		require.Contains(t, string(decoded[scheduler.LogChunk](t, a, 200).Data), "hello\n")
		a = w.request("GET", "/v1/tasks/hello/logs?offset=1&limit=3", "", "Accept: text/event-stream")
		require.Equal(t, "text/event-stream", a.header.Get("Content-Type"))
		require.Equal(t, "event: log\ndata: {\"offset\":1,\"data\":\"ZWxs\"}\n\n", a.body)
		for _, wrong := range []string{"offset=x", "follow=x", "limit=-1", "stream=x", "more=1"} {
			require.Equal(t, scheduler.CodeInvalid, problem(t, w.request("GET", "/v1/tasks/hello/logs?"+wrong, ""), 400).Code, wrong)
		}
	})
}

func TestPod(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		a, b := spec("a"), spec("b")
		a.Pod, b.Pod = "pair", "pair"
		infos := decoded[[]task.Info](t, w.request("POST", "/v1/pods?wait=running", encode(t, []task.Spec{a, b})), 201)
		require.Len(t, infos, 2)
		require.Equal(t, task.StateRunning, infos[1].State)
		e := problem(t, w.request("POST", "/v1/pods", "[]"), 400)
		require.Equal(t, "Pod", e.Field)
	})
}

func TestEnsure(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		web := spec("web")
		require.Equal(t, "web", decoded[task.Info](t, w.request("PUT", "/v1/tasks/web", encode(t, web)), 200).Spec.ID)
		decoded[task.Info](t, w.request("PUT", "/v1/tasks/web", encode(t, web)), 200)
		web.CPUs = 0.2
		e := problem(t, w.request("PUT", "/v1/tasks/web", encode(t, web)), 409)
		require.Equal(t, scheduler.CodeSpecDiffers, e.Code)
		require.Equal(t, "CPUs", e.Diff.Fields[0].Field)
		require.InDelta(t, 0.1, e.Task.Spec.CPUs, 0, "the task on record")
		e = problem(t, w.request("PUT", "/v1/tasks/other", encode(t, web)), 400)
		require.Equal(t, "ID", e.Field)
		web.ID = ""
		decoded[task.Info](t, w.request("PUT", "/v1/tasks/new", encode(t, web)), 200)
	})
}

func TestIdempotencyKey(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		body, key := encode(t, spec("web")), "Idempotency-Key: k-1"
		first := decoded[task.Info](t, w.request("POST", "/v1/tasks", body, key), 201)
		require.Equal(t, "k-1", first.Spec.RequestID)
		again := decoded[task.Info](t, w.request("POST", "/v1/tasks", body, key), 201)
		require.Equal(t, first.Submitted, again.Submitted, "the same task")
		require.Equal(t, scheduler.CodeDuplicateTask, problem(t, w.request("POST", "/v1/tasks", body), 409).Code, "without the key")
		require.Equal(t, scheduler.CodeDuplicateTask, problem(t, w.request("POST", "/v1/tasks", body, "Idempotency-Key: k-2"), 409).Code, "with another")
		require.Equal(t, 1, decoded[controlapi.TaskPage[task.Info]](t, w.request("GET", "/v1/tasks", ""), 200).Total)
	})
}

// Somebody uses the key of another client, whether he knows it or not. He learns nothing of that client's task, and nothing
// is done.
func TestStolenIdempotencyKey(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		key := "Idempotency-Key: k-1"
		decoded[task.Info](t, w.request("POST", "/v1/tasks", encode(t, spec("web")), key), 201)
		changed := spec("web")
		changed.Command.Shell = "sleep 1"
		for name, body := range map[string]string{
			"another spec": encode(t, changed),
			"another ID":   encode(t, spec("other")),
		} {
			e := problem(t, w.request("POST", "/v1/tasks", body, key), 422)
			require.Equal(t, controlapi.CodeKeyReused, e.Code, name)
			require.Nil(t, e.Task, name)
		}
		a, b := spec("a"), spec("b")
		a.Pod, b.Pod = "pair", "pair"
		require.Equal(t, controlapi.CodeKeyReused, problem(t, w.request("POST", "/v1/pods", encode(t, []task.Spec{a, b}), key), 422).Code)
		require.Equal(t, 1, decoded[controlapi.TaskPage[task.Info]](t, w.request("GET", "/v1/tasks", ""), 200).Total)
		e := problem(t, w.request("POST", "/v1/tasks", encode(t, spec("long")), "Idempotency-Key: "+strings.Repeat("k", 256)), 400)
		require.Equal(t, "RequestID", e.Field)
	})
}

func TestAllInvalidFieldsAreNamed(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		wrong := spec("web")
		wrong.CPUs, wrong.Mem = -1, -2
		e := problem(t, w.request("POST", "/v1/tasks", encode(t, wrong)), 400)
		require.Equal(t, "CPUs", e.Field)
		require.Equal(t, "-1", e.Value)
		require.Len(t, e.Fields, 2)
		require.Equal(t, "Mem", e.Fields[1].Field)
	})
}

func TestWaitThatTakesTooLong(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		huge := spec("huge")
		huge.CPUs = 1000
		began := time.Now()
		e := problem(t, w.request("POST", "/v1/tasks?wait=running", encode(t, huge), "Request-Timeout: 2.5"), 504)
		require.Equal(t, 2500*time.Millisecond, time.Since(began))
		require.Equal(t, scheduler.CodeTimeout, e.Code)
		require.NotEmpty(t, e.Explanation.Findings, "the answer says why")
	})
}

// ids returns the IDs on a page.
func ids(p controlapi.TaskPage[controlapi.Summary]) (all []string) {
	for _, s := range p.Tasks {
		all = append(all, s.ID)
	}
	return all
}

func TestListIsFilteredAndPaged(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for i := range 7 {
			s := spec(fmt.Sprintf("t%d", 6-i))
			s.Labels = map[string]string{"parity": fmt.Sprint(i % 2)}
			if i < 3 {
				s.Group = "few"
			}
			require.NoError(t, w.scheduler.Submit(t.Context(), s))
		}
		_, err := w.scheduler.Wait(t.Context(), "t0", scheduler.UntilRunning)
		require.NoError(t, err)
		_, err = w.scheduler.Kill(t.Context(), "t3")
		require.NoError(t, err)
		get := func(query string) controlapi.TaskPage[controlapi.Summary] {
			return decoded[controlapi.TaskPage[controlapi.Summary]](t, w.request("GET", "/v1/tasks?view=summary&"+query, ""), 200)
		}
		agent, err := w.scheduler.Task(t.Context(), "t0")
		require.NoError(t, err)
		for query, want := range map[string][]string{
			"":                       {"t6", "t5", "t4", "t3", "t2", "t1", "t0"},
			"limit=all":              {"t6", "t5", "t4", "t3", "t2", "t1", "t0"},
			"sort=-submitted":        {"t0", "t1", "t2", "t3", "t4", "t5", "t6"},
			"sort=id":                {"t0", "t1", "t2", "t3", "t4", "t5", "t6"},
			"sort=-id":               {"t6", "t5", "t4", "t3", "t2", "t1", "t0"},
			"group=few":              {"t6", "t5", "t4"},
			"group=few&sort=id":      {"t4", "t5", "t6"},
			"state=killed":           {"t3"},
			"state=killed,pending":   {"t3"},
			"state=failed":           nil,
			"label=parity=1":         {"t5", "t3", "t1"},
			"label=parity&q=T2":      {"t2"},
			"label=color":            nil,
			"q=nothing":              nil,
			"role=x":                 nil,
			"pod=x":                  nil,
			"agent=" + agent.AgentID: {"t6", "t5", "t4", "t3", "t2", "t1", "t0"},
			"agent=" + agent.Hostname + "&state=running": {"t6", "t5", "t4", "t2", "t1", "t0"},
		} {
			page := get(query)
			require.Equal(t, want, ids(page), query)
			require.Equal(t, len(want), page.Total, query)
		}
		for _, sort := range []string{"submitted", "-submitted", "id", "-id", "state", "-state", "updated", "-updated", "group", "-group", "agent", "-agent"} {
			whole, after, paged := ids(get("sort="+sort)), "", []string(nil)
			for pages := 0; pages == 0 || after != ""; pages++ {
				require.Less(t, pages, 4, sort)
				page := get("limit=2&sort=" + sort + "&after=" + url.QueryEscape(after))
				require.Equal(t, 7, page.Total)
				paged, after = append(paged, ids(page)...), page.Next
			}
			require.Equal(t, whole, paged, sort)
		}
	})
}

// A task on which a page ended is gone when the next page is asked for: no task is left out.
func TestPageAfterATaskThatIsGone(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for _, sort := range []string{"submitted", "-submitted", "id", "-id"} {
			resubmitAll(t, w)
			gone := map[bool]string{false: "t2", true: "t3"}[strings.HasPrefix(sort, "-")]
			first := decoded[controlapi.TaskPage[controlapi.Summary]](t, w.request("GET", "/v1/tasks?view=summary&limit=3&sort="+sort, ""), 200)
			require.Equal(t, gone, first.Tasks[2].ID)
			_, err := w.scheduler.Kill(t.Context(), gone)
			require.NoError(t, err)
			require.NoError(t, w.scheduler.Forget(t.Context(), gone))
			next := decoded[controlapi.TaskPage[controlapi.Summary]](t, w.request("GET", "/v1/tasks?view=summary&sort="+sort+"&after="+first.Next, ""), 200)
			left := map[bool][]string{false: {"t3", "t4", "t5"}, true: {"t2", "t1", "t0"}}[strings.HasPrefix(sort, "-")]
			require.Subset(t, ids(next), left)
		}
	})
}

// resubmitAll forgets all tasks and submits t0 to t5, a second apart.
func resubmitAll(t *testing.T, w *world) {
	infos, err := w.scheduler.Tasks(t.Context())
	require.NoError(t, err)
	for _, i := range infos {
		_, err := w.scheduler.Kill(t.Context(), i.Spec.ID)
		require.NoError(t, err)
		require.NoError(t, w.scheduler.Forget(t.Context(), i.Spec.ID))
	}
	for i := range 6 {
		require.NoError(t, w.scheduler.Submit(t.Context(), spec(fmt.Sprintf("t%d", i))))
		time.Sleep(time.Second)
	}
}

func TestListParametersThatAreWrong(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for _, query := range []string{"limit=0", "limit=1001", "limit=x", "limit=9999999999999999999", "state=x", "sort=x", "after=x", "after=e30x", "view=x", "more=1", "sort=-x"} {
			e := problem(t, w.request("GET", "/v1/tasks?"+query, ""), 400)
			name, value, _ := strings.Cut(query, "=")
			require.Equal(t, []string{name, value}, []string{e.Field, e.Value})
		}
		require.Equal(t, 400, w.request("GET", "/v1/tasks?q=%zz", "").status)
	})
}
