package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/httpapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// container is what an answer says of one.
type container struct {
	ID, State, Host, Kind, Action, Namespace string
	Port, MemoryMB                           int
}

type containerList struct{ Containers []container }

// open opens a session, or renews it.
func (w *world) open(session string) {
	w.t.Helper()
	require.Equal(w.t, 10.0, decoded[struct{ TTL float64 }](w.t, w.request("PUT", "sessions/"+session, `{"name":"test"}`), 200).TTL)
}

// create has a container started, and returns it.
func (w *world) create(session, key string) container {
	w.t.Helper()
	body := fmt.Sprintf(`{"session":%q,"name":"wsk_1","kind":"script","image":"runtime","memoryMB":128,"cpuShares":12}`, session)
	return decoded[container](w.t, w.request("POST", "containers", body, "Idempotency-Key: "+key), 201)
}

// post sends something to a container, from the host of the client.
func (w *world) post(c container, path, body string) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), "POST", fmt.Sprintf("http://%s:%d%s", c.Host, c.Port, path), strings.NewReader(body))
	require.NoError(w.t, err)
	return w.do(r, "Content-Type: application/json")
}

func TestWhoGetsNoContainerInTimeLearnsWhy(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.open(sessionA)
		body := `{"session":"` + sessionA + `","kind":"script","image":"runtime","memoryMB":128}`
		e := problem(t, w.request("POST", "containers", body, "Idempotency-Key: 1", "Request-Timeout: 0.1"), 504)
		require.Equal(t, scheduler.CodeTimeout, e.Code)
		require.True(t, e.Retryable)
		require.Equal(t, "containers are starting", e.Details["reason"])
	})
}

func TestAContainerOfASession(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		require.Equal(t, httpapi.CodeSession, problem(t, w.request("POST", "containers", `{"session":"`+sessionA+`"}`), 404).Code)
		w.open(sessionA)
		w.open(sessionB)
		c := w.create(sessionA, "1")
		require.Equal(t, container{ID: c.ID, State: "busy", Host: "10.1.0.2", Port: 8080, Kind: "script", MemoryMB: 128, Action: "wsk_1", Namespace: c.Namespace}, c)
		require.Equal(t, c, w.create(sessionA, "1"))
		reused := problem(t, w.request("POST", "containers", `{"session":"`+sessionA+`","kind":"script"}`, "Idempotency-Key: 1"), 422)
		require.Equal(t, controlapi.CodeKeyReused, reused.Code)
		other := w.create(sessionB, "1")
		require.NotEqual(t, c.ID, other.ID)

		require.Len(t, decoded[containerList](t, w.request("GET", "containers", ""), 200).Containers, 2)
		require.Equal(t, containerList{[]container{other}}, decoded[containerList](t, w.request("GET", "containers?session="+sessionB, ""), 200))
		require.Equal(t, c, decoded[container](t, w.request("GET", "containers/"+c.ID, ""), 200))
		require.Equal(t, httpapi.CodeContainer, problem(t, w.request("GET", "containers/unknown", ""), 404).Code)
		stats := decoded[struct {
			UsedMB     int
			Containers map[string]int
			Starts     map[string]int
		}](t, w.request("GET", "stats", ""), 200)
		require.Equal(t, 256, stats.UsedMB)
		require.Equal(t, map[string]int{"busy": 2}, stats.Containers)
		require.Equal(t, 2, stats.Starts["cold"])

		for _, request := range []string{"DELETE containers/%s", "POST containers/%s/suspend", "POST containers/%s/resume", "GET containers/%s/logs"} {
			method, path, _ := strings.Cut(fmt.Sprintf(request, c.ID), " ")
			require.Equal(t, httpapi.CodeOtherSession, problem(t, w.request(method, path+"?session="+sessionB, ""), 403).Code)
			require.Equal(t, httpapi.CodeSession, problem(t, w.request(method, path, ""), 404).Code)
		}
		for range 2 { // 204 also when gone
			require.Equal(t, 204, w.request("DELETE", "containers/"+c.ID+"?session="+sessionA, "").status)
			synctest.Wait()
		}
		require.Equal(t, []string{other.ID}, w.engine.ids())
		require.Equal(t, 204, w.request("DELETE", "sessions/"+sessionB, "").status)
		synctest.Wait()
		require.Empty(t, w.engine.ids())
	})
}

// TestASessionThatIsNotRenewed: what a program leaves behind that has crashed is removed.
func TestASessionThatIsNotRenewed(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.open(sessionA)
		w.create(sessionA, "1")
		time.Sleep(8 * time.Second)
		w.open(sessionA)
		w.create(sessionA, "2")
		time.Sleep(10 * time.Second)
		require.Len(t, w.engine.ids(), 2)
		time.Sleep(2 * time.Second)
		require.Empty(t, w.engine.ids())
		w.open(sessionA)
		require.Empty(t, decoded[containerList](t, w.request("GET", "containers?session="+sessionA, ""), 200).Containers)
	})
}

func TestAnActivationAndItsLogs(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.open(sessionA)
		c := w.create(sessionA, "1")
		require.Equal(t, 200, w.post(c, "/init", `{"value":{"name":"hello","main":"main","code":"out one\nerr two\nhello"}}`).status)
		cursor := ""
		for range 2 {
			run := w.post(c, "/run", `{"value":{"name":"Ann"},"action_name":"/guest/hello","activation_id":"1"}`)
			require.Equal(t, 200, run.status, run.body)
			require.JSONEq(t, `{"greeting":"Hello, Ann!"}`, run.body)
			a := w.request("GET", "containers/"+c.ID+"/logs?wait_for_sentinel=true&session="+sessionA+"&cursor="+cursor, "")
			require.Equal(t, 200, a.status, a.body)
			require.Equal(t, "application/x-ndjson", a.header.Get("Content-Type"))
			var seen []string
			for line := range strings.Lines(a.body) {
				var l struct {
					Time                time.Time
					Stream, Log, Cursor string
				}
				require.NoError(t, json.Unmarshal([]byte(line), &l))
				if cursor = l.Cursor; cursor == "" {
					seen = append(seen, l.Stream+" "+l.Log)
					require.WithinDuration(t, time.Now(), l.Time, time.Second)
				}
			}
			require.ElementsMatch(t, []string{"stdout one", "stderr two", "stdout Hello, Ann!"}, seen)
		}
		for _, query := range []string{"limit=0", "limit=x", "wait_for_sentinel=maybe", "cursor=1", "cursor=-1-2", "cursor=9223372036854775808-0"} {
			require.Equal(t, scheduler.CodeInvalid, problem(t, w.request("GET", "containers/"+c.ID+"/logs?session="+sessionA+"&"+query, ""), 400).Code, query)
		}
	})
}

func TestSuspend(t *testing.T) {
	for _, able := range []bool{false, true} {
		inWorld(t, func(w *world) {
			if able {
				w.wrap = func(e *engine) invoker.Engine { return freezer{e} }
			}
		}, func(t *testing.T, w *world) {
			w.open(sessionA)
			c := w.create(sessionA, "1")
			path := "containers/" + c.ID
			if !able {
				require.Equal(t, httpapi.CodeUnsupported, problem(t, w.request("POST", path+"/suspend?session="+sessionA, ""), 501).Code)
				require.Equal(t, httpapi.CodeUnsupported, problem(t, w.request("POST", path+"/resume?session="+sessionA, ""), 501).Code)
				return
			}
			require.Equal(t, 204, w.request("POST", path+"/suspend?session="+sessionA, "").status)
			require.True(t, w.engine.isSuspended(c.ID))
			require.Equal(t, 204, w.request("POST", path+"/resume?session="+sessionA, "").status)
			require.False(t, w.engine.isSuspended(c.ID))
		})
	}
}

// TestWhoseFaultItIs has the answers to requests for containers that cannot be had.
func TestWhoseFaultItIs(t *testing.T) {
	inWorld(t, func(w *world) {
		w.pool = invoker.PoolConfig{Memory: 256}
		w.engine.failing = func(s invoker.Spec) error {
			if s.Image == "misspelt" || s.Kind == "none" {
				return fmt.Errorf("%w: there is none", invoker.ErrImage)
			}
			if s.Kind == "broken" {
				return invoker.ErrStart
			}
			return nil
		}
	}, func(t *testing.T, w *world) {
		w.open(sessionA)
		for body, want := range map[string]controlapi.Error{
			`"image":"misspelt","userProvided":true`: {Code: httpapi.CodeStartFailed, Status: 502, Fault: "developer"},
			`"kind":"none"`:                          {Code: httpapi.CodeStartFailed, Status: 502, Fault: "whisk"},
			`"image":"misspelt"`:                     {Code: httpapi.CodeStartFailed, Status: 502, Fault: "whisk"},
			`"kind":"broken"`:                        {Code: httpapi.CodeStartFailed, Status: 502, Fault: "whisk", Retryable: true},
			`"memoryMB":512`:                         {Code: scheduler.CodeNoCapacity, Status: 503, Fault: "whisk"},
			`"memoryMB":-1`:                          {Code: scheduler.CodeInvalid, Status: 400, Fault: "developer"},
			`"userProvided":true`:                    {Code: scheduler.CodeInvalid, Status: 400, Fault: "developer"},
			`"cpus":1`:                               {Code: scheduler.CodeInvalid, Status: 400},
		} {
			e := problem(t, w.request("POST", "containers", `{"session":"`+sessionA+`",`+body+`}`), want.Status)
			require.Equal(t, want, controlapi.Error{Code: e.Code, Status: want.Status, Fault: e.Fault, Retryable: e.Retryable}, body)
			require.NotEmpty(t, e.Message)
		}
		w.create(sessionA, "1")
		w.create(sessionA, "2")
		e := problem(t, w.request("POST", "containers", `{"session":"`+sessionA+`"}`, "Request-Timeout: 1"), 504)
		require.Equal(t, scheduler.CodeTimeout, e.Code)
		require.True(t, e.Retryable)
	})
}

// TestContainersOutliveTheLeader: a program that renews its session in time goes on with its containers.
func TestContainersOutliveTheLeader(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.open(sessionA)
		c := w.create(sessionA, "1")
		w.kill(w.leader())
		w.open(sessionA)
		require.Equal(t, c.ID, w.create(sessionA, "1").ID)
		for range 5 {
			time.Sleep(4 * time.Second)
			w.open(sessionA)
		}
		require.Equal(t, []string{c.ID}, w.engine.ids())
		require.Equal(t, 204, w.request("DELETE", "containers/"+c.ID+"?session="+sessionA, "").status)
		synctest.Wait()
		require.Empty(t, w.engine.ids())
	})
}

// sse is an event of a stream.
type sse struct {
	id, event string
	data      struct {
		Epoch, Seq uint64
		Containers []container
		Container  container
		Reason     string
	}
}

// follow reads events until the stream ends.
func (w *world) follow(ctx context.Context) <-chan sse {
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+apiOf(w.follower().n)+"/v1/invoker/events", nil)
	require.NoError(w.t, err)
	response, err := w.http.Do(r)
	require.NoError(w.t, err)
	require.Equal(w.t, "text/event-stream", response.Header.Get("Content-Type"))
	events := make(chan sse, 100)
	go func() {
		defer close(events)
		defer response.Body.Close()
		var e sse
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
			case "id":
				e.id = value
			case "event":
				e.event = value
			case "data":
				_ = json.Unmarshal([]byte(value), &e.data)
			default:
				if e.event != "" {
					events <- e
				}
				e = sse{}
			}
		}
	}()
	return events
}

func TestEvents(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.open(sessionA)
		first := w.create(sessionA, "1")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		events := w.follow(ctx)
		e := <-events
		require.Equal(t, "snapshot", e.event)
		require.Equal(t, []container{first}, e.data.Containers)
		require.Equal(t, fmt.Sprintf("%d-%d", e.data.Epoch, e.data.Seq), e.id)
		second := w.create(sessionA, "2")
		for _, want := range []string{"created", "ready", "bound", "granted"} {
			next := <-events
			require.Equal(t, want, next.event)
			require.Equal(t, second.ID, next.data.Container.ID)
			require.Equal(t, e.data.Epoch, next.data.Epoch)
			require.Equal(t, e.data.Seq+1, next.data.Seq)
			e = next
		}
		time.Sleep(time.Second)
		w.kill(w.leader())
		for range events { // it breaks off, and is followed again
		}
		again := <-w.follow(ctx)
		require.Equal(t, "snapshot", again.event)
		require.Greater(t, again.data.Epoch, e.data.Epoch)
	})
}

// TestEventsWithoutALeader: a process that does not lead any more ends the streams of its clients.
func TestEventsWithoutALeader(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		leader := w.leader()
		client := &http.Client{Transport: &http.Transport{DialContext: w.host.DialContext, DisableKeepAlives: true}}
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+apiOf(leader.n)+"/v1/invoker/events", nil)
		require.NoError(t, err)
		response, err := client.Do(r)
		require.NoError(t, err)
		defer response.Body.Close()
		w.election.Cut(leader.n)
		began := time.Now()
		_, err = io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Less(t, time.Since(began), 30*time.Second)
	})
}

func TestTheDescriptionHasTheRoutes(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		response, err := w.http.Get("http://" + apiOf(0) + "/v1/openapi.json")
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		for _, path := range []string{"/v1/invoker/sessions/{id}", "/v1/invoker/containers/{id}/logs", "/v1/invoker/events", `"memoryMB"`, `"outcome"`} {
			require.Contains(t, string(body), path)
		}
	})
}
