package scheduler

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler/internal/record"
	"github.com/mesos-actor/mesos-actor-go/task"
)

const ownID = "f-1"

// What docs/security.md says of SUBSCRIBEs per minute. The pauses are random: these are what hardly ever comes.
const (
	mostInFirstMinute = 24
	mostPerMinute     = 16
	mostLeaderless    = 60 // while the master says that it does not lead, or is not there
	mostElected       = 48 // while it says, again and again, that another one leads now
)

// recordedStore returns a store with a framework and a task that runs.
func recordedStore(t require.TestingT) mapStore {
	framework, err := record.EncodeFramework(record.Framework{State: record.Active, ID: ownID, Fingerprint: record.Fingerprint{Name: "test"}})
	require.NoError(t, err)
	spec := specOf("t1", nil)
	info := task.Info{Spec: spec, State: task.StateRunning, AgentID: "a1"}
	encoded, err := record.EncodeTask(&record.Task{Info: record.NewInfo(info), Confirmed: true})
	require.NoError(t, err)
	specBytes, err := record.EncodeSpec(&spec)
	require.NoError(t, err)
	return mapStore{record.FrameworkKey: framework, "task/t1": encoded, "spec/t1": specBytes}
}

// oddSubscription is a way to answer SUBSCRIBE, and for how many SUBSCRIBEs a minute it may be good.
type oddSubscription struct {
	most   int // 0: mostPerMinute
	answer func(a *exchange)
	call   func(a *exchange, call *scheduler.Call) // nil: 202
}

// oddSubscriptions returns all kinds of answers to SUBSCRIBE.
func oddSubscriptions() map[string]oddSubscription {
	rows := map[string]oddSubscription{
		"no answer":          {answer: (*exchange).hang, most: mostLeaderless},
		"connection reset":   {answer: (*exchange).reset, most: mostLeaderless},
		"no stream ID":       {answer: func(a *exchange) { a.Header().Set("Content-Type", "application/x-protobuf"); a.status(200, "") }},
		"JSON":               {answer: func(a *exchange) { a.Header().Set("Content-Type", "application/json"); a.status(200, "{}") }},
		"a page":             {answer: func(a *exchange) { a.status(200, "<html>") }},
		"an empty stream":    {answer: func(a *exchange) { a.frames(false) }},
		"a silent stream":    {answer: func(a *exchange) { a.frames(true) }},
		"no length":          {answer: func(a *exchange) { a.stream(false); fmt.Fprint(a, "length\n") }},
		"a huge frame":       {answer: func(a *exchange) { a.stream(false); fmt.Fprint(a, "99999999999999999999\n") }},
		"half a frame":       {answer: func(a *exchange) { a.stream(false); fmt.Fprint(a, "100\nhalf") }},
		"a frame of garbage": {answer: func(a *exchange) { a.frames(true, "???") }}, // and silence, with that as a reason
		"frames of garbage":  {answer: func(a *exchange) { a.frames(true, slices.Repeat([]string{"???"}, 1000)...) }},
		"empty frames":       {answer: func(a *exchange) { a.frames(true, slices.Repeat([]string{""}, 1000)...) }},
	}
	for code := http.StatusOK; code < 600; code++ {
		most := 0
		switch code {
		case http.StatusTemporaryRedirect, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			most = mostLeaderless
		}
		rows[fmt.Sprintf("status %d", code)] = oddSubscription{answer: func(a *exchange) { a.status(code, "") }, most: most}
	}
	for where, location := range map[string]string{"itself": "//" + oddAddress + "/master", "nowhere": "//nowhere.example:1", "no master": "mailto:x"} {
		rows["redirected to "+where] = oddSubscription{most: mostLeaderless, answer: func(a *exchange) {
			a.Header().Set("Location", location)
			a.status(http.StatusTemporaryRedirect, "")
		}}
	}
	for number, name := range scheduler.Event_Type_name {
		for stay, how := range endings() {
			rows["first "+name+how] = oddSubscription{answer: func(a *exchange) { a.frames(stay, string([]byte{8, byte(number)})) }}
		}
	}
	addSubscribed(rows)
	return rows
}

func endings() map[bool]string { return map[bool]string{false: ", and its end", true: ", and silence"} }

// addSubscribed adds answers that begin with SUBSCRIBED.
func addSubscribed(rows map[string]oddSubscription) {
	ids := map[string]func(n int) string{
		"own ID":       func(int) string { return ownID },
		"new IDs":      func(n int) string { return fmt.Sprint("f-", n) },
		"empty ID":     func(int) string { return "" },
		"blank ID":     func(int) string { return "\n" },
		"long ID":      func(int) string { return strings.Repeat("x", 300) },
		"huge ID":      func(int) string { return strings.Repeat("x", 1<<20) },
		"ID of a path": func(int) string { return "../x" },
		"binary ID":    func(int) string { return "\xff\xfe" },
	}
	texts := []string{
		"Framework failed over", "Framework has been removed", "Completed framework attempted to re-register", "",
		"Not authorized to use roles '{ prod }'", "Authorization failure: no", "anything",
	}
	for _, text := range texts {
		rows["ERROR "+text] = oddSubscription{answer: func(a *exchange) { a.stream(true, errorEventOf(text)) }}
	}
	for name, id := range ids {
		for stay, how := range endings() {
			rows["SUBSCRIBED with "+name+how] = oddSubscription{answer: func(a *exchange) { a.stream(stay, subscribedEvent(id(a.number))) }}
			rows["SUBSCRIBED twice with "+name+how] = oddSubscription{answer: func(a *exchange) {
				a.stream(stay, subscribedEvent(id(a.number)), subscribedEvent(id(a.number+1)))
			}}
		}
		for _, text := range texts {
			rows["SUBSCRIBED with "+name+" and ERROR "+text] = oddSubscription{answer: func(a *exchange) {
				a.stream(true, subscribedEvent(id(a.number)), errorEventOf(text))
			}}
		}
	}
	for _, seconds := range oddHeartbeats() {
		rows[fmt.Sprintf("heartbeats each %g s", seconds)] = oddSubscription{answer: func(a *exchange) {
			e := subscribedEvent(ownID)
			e.Subscribed.HeartbeatIntervalSeconds = &seconds
			a.stream(true, e)
		}}
	}
	for _, code := range []int{200, 307, 400, 401, 403, 404, 429, 500, 503} {
		most := 0
		if code == http.StatusTemporaryRedirect {
			most = mostElected
		}
		for _, body := range []string{"", "Framework cannot be found"} {
			rows[fmt.Sprintf("calls answered with %d %s", code, body)] = oddSubscription{
				answer: func(a *exchange) { a.stream(true, subscribedEvent(ownID)) },
				call:   func(a *exchange, _ *scheduler.Call) { a.status(code, body) }, most: most,
			}
		}
	}
}

func oddHeartbeats() []float64 {
	return []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e300, 3e9, 1e-9, 1e-300, 0, 5, 4000}
}

// oddConfigs returns the configs with which answers are tried.
func oddConfigs(t require.TestingT) map[string]Config {
	return map[string]Config{
		"memory":             {},
		"memory, renewed":    {RenewFramework: true},
		"new store":          {Store: mapStore{}},
		"new store, renewed": {Store: mapStore{}, RenewFramework: true},
		"record":             {Store: recordedStore(t)},
		"record, renewed":    {Store: recordedStore(t), RenewFramework: true},
	}
}

// checkSubscribeRate returns what is wrong with the rate of SUBSCRIBEs of a run with this answer.
func checkSubscribeRate(run *oddRun, odd oddSubscription, minutes int) (wrong []string) {
	counts := run.master.perMinute(minutes, scheduler.Call_SUBSCRIBE)
	total := 0
	for i, n := range counts {
		total += n
		most := max(odd.most, mostPerMinute)
		if i == 0 {
			most = max(most, mostInFirstMinute)
		}
		if n > most {
			wrong = append(wrong, fmt.Sprintf("%d SUBSCRIBEs in minute %d", n, i))
		}
	}
	// One may be under way or last at the end, and one more is that which follows a registration, for each framework.
	if failed := run.failures(); failed+2+run.master.frameworks(run) < total {
		wrong = append(wrong, fmt.Sprintf("%d events about failures after %d SUBSCRIBEs", failed, total))
	}
	return wrong
}

// frameworks returns how many frameworks have subscribed.
func (m *oddMaster) frameworks(run *oddRun) int {
	ids := map[string]bool{}
	for _, e := range run.events {
		ids[e.FrameworkID] = true
	}
	return len(ids)
}

// Whatever a master answers to SUBSCRIBE, the next one comes after the backoff, and an event says why.
func TestSubscribesPerMinute(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long with the race detector; it runs without -short")
	}
	rows := oddSubscriptions()
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		odd := rows[name]
		isStatus := strings.HasPrefix(name, "status ")
		minutes := 3
		if isStatus { // there are 400 of them
			minutes = 1
		}
		configs := oddConfigs(t)
		for _, kind := range slices.Sorted(maps.Keys(configs)) {
			if isStatus && kind != "record" {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				master := &oddMaster{subscribe: odd.answer, call: odd.call}
				run := master.runWith(t, configs[kind], minutes, nil, nil)
				require.Empty(t, checkSubscribeRate(run, odd, minutes), "%s: %s", name, kind)
			})
		}
	}
}

// TestSubscribesPerMinuteControl is the negative test: without pauses the check must fail.
func TestSubscribesPerMinuteControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		odd := oddSubscriptions()["an empty stream"]
		master := &oddMaster{subscribe: odd.answer}
		run := master.runWith(t, Config{Store: mapStore{}}, 1, func(_ *Scheduler, set *settings) {
			set.backoffMin, set.backoffMax = 50*time.Millisecond, 50*time.Millisecond
		}, nil)
		require.NotEmpty(t, checkSubscribeRate(run, odd, 1))
	})
}

// Frameworks that are removed as soon as they are registered are not followed by thousands of others.
func TestRenewedFrameworksPerDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const minutes = 24 * 60
		master := &oddMaster{subscribe: func(a *exchange) {
			a.stream(true, subscribedEvent(fmt.Sprint("f-", a.number)), errorEventOf("Framework has been removed"))
		}}
		run := master.runWith(t, Config{RenewFramework: true}, minutes, nil, nil)
		total := 0
		for _, n := range master.perMinute(minutes, scheduler.Call_SUBSCRIBE) {
			total += n
		}
		require.Greater(t, total, 24)
		require.Less(t, total, 36)
		require.Len(t, run.events, 2*total)
	})
}

// A master that refuses TEARDOWN is asked again after the backoff, and each time an event says so.
func TestTeardownsPerMinute(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusServiceUnavailable, http.StatusForbidden} {
		synctest.Test(t, func(t *testing.T) {
			const minutes = 10
			odd := oddSubscription{answer: func(a *exchange) { a.stream(true, subscribedEvent(ownID)) }}
			master := &oddMaster{subscribe: odd.answer, call: func(a *exchange, _ *scheduler.Call) { a.status(status, "no") }}
			run := master.runWith(t, Config{}, minutes, nil, func(ctx context.Context, s *Scheduler) { _ = s.Teardown(ctx) })
			require.Empty(t, checkSubscribeRate(run, odd, minutes))
			require.Greater(t, run.failures(), 50)
		})
	}
}

// A master says by Retry-After when SUBSCRIBE is to follow, in seconds or as a date, up to a quarter of an hour.
func TestSubscribeObeysRetryAfter(t *testing.T) {
	for after, want := range map[string]time.Duration{"100": 100 * time.Second, "86400": 15 * time.Minute} {
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusInternalServerError} {
			synctest.Test(t, func(t *testing.T) {
				master := &oddMaster{subscribe: func(a *exchange) { a.Header().Set("Retry-After", after); a.status(status, "") }}
				master.runWith(t, Config{}, 60, nil, nil)
				times := master.calls[scheduler.Call_SUBSCRIBE]
				require.Greater(t, len(times), 2)
				for i := range times[1:] {
					pause := times[i+1] - times[i]
					require.GreaterOrEqual(t, pause, want)
					require.Less(t, pause, want+15*time.Second)
				}
			})
		}
	}
}

// The same with a master that answers differently each time, also to calls, and whose streams last for a while.
func TestSubscribesPerMinuteMixed(t *testing.T) {
	const minutes = 30
	rows := oddSubscriptions()
	names := slices.Sorted(maps.Keys(rows))
	statuses := []int{202, 202, 202, 307, 400, 403, 429, 503}
	for seed := range uint64(60) {
		if testing.Short() && seed >= 10 {
			break
		}
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			var mu sync.Mutex
			draw := func(n int) int {
				mu.Lock()
				defer mu.Unlock()
				return random.IntN(n)
			}
			master := &oddMaster{
				subscribe: func(a *exchange) {
					if draw(3) > 0 {
						rows[names[draw(len(names))]].answer(a)
						return
					}
					a.stream(false, subscribedEvent(ownID))
					select {
					case <-time.After(time.Duration(draw(20_000)) * time.Millisecond):
					case <-a.request.Context().Done():
					}
				},
				call: func(a *exchange, _ *scheduler.Call) { a.status(statuses[draw(len(statuses))], "no") },
			}
			run := master.runWith(t, Config{Store: recordedStore(t), RenewFramework: seed%2 == 0}, minutes, nil, nil)
			require.Empty(t, checkSubscribeRate(run, oddSubscription{most: mostLeaderless}, minutes), "seed %d", seed)
		})
	}
}
