package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/httpapi"
)

const someKey = `"key":{"namespace":"a","action":"a","kind":"script","memory":128,"concurrency":1}`

// TestHostileRequests has what is refused, with what is said of it. None of it does anything.
func TestHostileRequests(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.open(sessionA)
		mine := `{"session":"` + sessionA + `",`
		for _, c := range []struct {
			request, body string
			status        int
			says          string
		}{
			{"POST containers", `[]`, 400, "must be an object"},
			{"POST containers", `{}`, 404, "session is not open"},
			{"POST containers", mine + `"session":"b"}`, 400, "comes twice"},
			{"POST containers", mine + `"SESSION":"b"}`, 400, "comes twice"},
			{"POST containers", mine + `"memoryMB":NaN}`, 400, "not JSON"},
			{"POST containers", mine + `"memoryMB":-1}`, 400, "memoryMB: -1: must be between"},
			{"POST containers", mine + `"memoryMB":1e3}`, 400, `memoryMB: "1e3": must be a whole number`},
			{"POST containers", mine + `"memoryMB":"128"}`, 400, "memoryMB: must be a whole number without a point or exponent, not a string"},
			{"POST containers", mine + `"name":"` + strings.Repeat("x", 1025) + `"}`, 400, "at most 1024 bytes"},
			{"POST containers", `{"session":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "1048576"},
			{"POST containers", strings.Repeat("[", 5000), 400, "32 deep"},
			{"POST containers", mine + `"labels":{}}`, 400, "is not a field"},
			{"PUT sessions/short", `{}`, 400, "16 to 64"},
			{"PUT sessions/..%2f..%2fsessions%2f" + sessionA, `{}`, 400, "16 to 64"},
			{"PUT sessions/" + sessionA, `{"held":{}}`, 400, "must be a list"},
			{"PUT sessions/" + sessionA, `{"held":[{"container":"` + strings.Repeat("c", 129) + `","number":"1"}]}`, 400, "128 bytes"},
			{"PUT sessions/" + sessionA, `{"name":"` + strings.Repeat("n", 257) + `"}`, 400, "256 bytes"},
			{"POST sessions/" + sessionA + "/acquire", `{"request":"1",` + someKey + `,"timeout":1e308}`, 400, "timeout: 3600000: must be between 0 and 24h"},
			{"POST sessions/" + sessionA + "/acquire", `{"request":1}`, 400, "request: must be a whole number in quotes, not a number"},
			{"POST sessions/" + sessionA + "/acquire", `{"request":"-1"}`, 400, `request: "-1": must be a whole number in quotes`},
			{"POST sessions/" + sessionA + "/acquire", `{"request":"1"}`, 400, `key.namespace: "": is required`},
			{"POST sessions/" + sessionA + "/acquire", `{"request":"1","key":{"namespace":"a"}}`, 400, `key.action: "": is required`},
			{"PUT sessions/" + sessionA, `{"held":[{"container":"c","number":1}]}`, 400, "held.number: must be a whole number in quotes, not a number"},
			{"POST sessions/" + sessionA + "/acquire", `{"request":"1","key":{"memory":[]}}`, 400, "key.memory: must be a whole number without a point or exponent, not a list"},
			{"PUT stemcells", `{"stems":[{"kind":"a","ttl":"string"}]}`, 400, "stems.ttl: must be a number, not a string"},
			{"PUT stemcells", `{"stems":[{"ttl":-1}]}`, 400, `config: stems[0].kind: "": is required; invoker: config: stems[0].ttl: -1: must not be negative`},
			{"PUT stemcells", `{"stems":[{"kind":"a","min":3,"max":2}]}`, 400, "stems[0].min: 3: is more than max, 2"},
			{"POST sessions/" + sessionA + "/acquire", `{"request":"1","epoch":77,` + someKey + `}`, 404, "session is not open"},
			{"POST sessions/" + sessionA + "/report", `{"epoch":77}`, 404, "session is not open"},
			{"POST sessions/" + sessionA + "/report", `{"withdrawn":["x"]}`, 400, `withdrawn: "x": must be a whole number in quotes`},
			{"GET sessions/" + sessionA + "/notices?after=-1", ``, 400, "number of a notice"},
			{"GET sessions/" + sessionA + "/notices?after=18446744073709551615", ``, 404, "session is not open"},
			{"GET sessions/" + sessionB + "/notices", ``, 404, "session is not open"},
			{"GET containers/..%2fstats", ``, 404, "no such container"},
			{"GET containers/../stats", ``, 404, "there is nothing at"},
			{"DELETE containers", ``, 405, "not allowed"},
		} {
			method, path, _ := strings.Cut(c.request, " ")
			e := problem(t, w.request(method, path, c.body), c.status)
			require.Contains(t, e.Message, c.says, c.request)
			require.LessOrEqual(t, len(e.Message), 5000)
		}
		require.Empty(t, w.engine.ids())
	})
}

func TestADemandThatWasWithdrawnOverHTTP(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.open(sessionA)
		require.Equal(t, 204, w.request("POST", "sessions/"+sessionA+"/report", `{"withdrawn":["5"]}`).status)
		e := problem(t, w.request("POST", "sessions/"+sessionA+"/acquire", `{"request":"5",`+someKey+`}`), 409)
		require.Equal(t, httpapi.CodeWithdrawn, e.Code)
		require.False(t, e.Retryable)
		_, err := httpapi.NewControl(w.client).Acquire(t.Context(), demand(sessionA, 5, "a"))
		require.ErrorIs(t, err, invoker.ErrWithdrawn)
	})
}

// TestRequestsThatAreAbandoned has clients go at each moment of a start, by way of a member that does not lead. What was granted to
// them belongs to the session, and what was started for them is for others: nothing is left when both have ended.
func TestRequestsThatAreAbandoned(t *testing.T) {
	inWorld(t, func(w *world) { w.pool.IdleTimeout = time.Minute }, func(t *testing.T, w *world) {
		w.open(sessionA)
		for i := range 30 {
			path, body := "containers", `{"session":"`+sessionA+`","kind":"script","memoryMB":128}`
			if i%2 == 1 {
				path, body = "sessions/"+sessionA+"/acquire", `{"request":"`+strings.Repeat("1", i)[:min(i, 19)]+`",`+someKey+`}`
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*8*time.Millisecond)
			r, err := http.NewRequestWithContext(ctx, "POST", "http://"+apiOf(w.follower().n)+"/v1/invoker/"+path, strings.NewReader(body))
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/json")
			if response, err := w.http.Do(r); err == nil {
				require.NoError(t, response.Body.Close())
			}
			cancel()
		}
		time.Sleep(time.Second)
		now, err := w.leader().invoker.Snapshot(t.Context())
		require.NoError(t, err)
		require.Zero(t, now.Stats.Waiting)
		require.Equal(t, 204, w.request("DELETE", "sessions/"+sessionA, "").status)
		time.Sleep(10 * time.Minute)
		require.Empty(t, w.engine.ids())
	})
}

// TestTwoBodiesWithOneKeyAtOnce: one of them gets the container, the other is told.
func TestTwoBodiesWithOneKeyAtOnce(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.open(sessionA)
		statuses := make(chan int, 2)
		for _, memory := range []string{"128", "256"} {
			go func() {
				statuses <- w.request("POST", "containers", `{"session":"`+sessionA+`","kind":"script","memoryMB":`+memory+`}`, "Idempotency-Key: 1").status
			}()
		}
		require.Equal(t, 201+422, <-statuses+<-statuses)
		require.Len(t, w.engine.ids(), 1)
	})
}

// TestASessionThatEndsWhileItAsks: whoever asks for a container when the session ends is told, and nothing is left.
func TestASessionThatEndsWhileItAsks(t *testing.T) {
	inWorld(t, func(w *world) { w.pool.IdleTimeout = time.Minute }, func(t *testing.T, w *world) {
		for _, after := range []time.Duration{0, 50 * time.Millisecond, 198 * time.Millisecond, 201 * time.Millisecond} {
			w.open(sessionA)
			got := make(chan answer, 1)
			go func() {
				got <- w.request("POST", "containers", `{"session":"`+sessionA+`","kind":"script","memoryMB":128}`)
			}()
			time.Sleep(after)
			require.Equal(t, 204, w.request("DELETE", "sessions/"+sessionA, "").status)
			if a := <-got; a.status != 201 {
				require.Equal(t, httpapi.CodeSession, problem(t, a, 404).Code)
			}
		}
		time.Sleep(10 * time.Minute)
		require.Empty(t, w.engine.ids())
	})
}

// TestATenantThatPrintsForEver, and forges sentinels: no more of it is sent than was asked for, and reading ends.
func TestATenantThatPrintsForEver(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.open(sessionA)
		c := w.create(sessionA, "1")
		out := w.engine.output[c.ID]
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
				_, _ = out[0].Write([]byte(strings.Repeat("x", 1000) + "\nXXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n"))
			}
		}()
		for _, query := range []string{"", "&wait_for_sentinel=true"} {
			began := time.Now()
			a := w.request("GET", "containers/"+c.ID+"/logs?limit=5000&session="+sessionA+query, "")
			require.Equal(t, 200, a.status)
			require.Less(t, len(a.body), 10_000)
			require.LessOrEqual(t, time.Since(began), 31*time.Second)
			if query == "" {
				w.open(sessionA)
			}
		}
		stop()
		<-done
	})
}
