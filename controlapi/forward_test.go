package controlapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// claims is an elector that says whatever a test wants.
type claims struct{ status ha.Status }

func (c claims) Status() ha.Status { return c.status }

func (c claims) Watch(ctx context.Context) iter.Seq[ha.Status] {
	return func(yield func(ha.Status) bool) {
		if yield(c.status) {
			<-ctx.Done()
		}
	}
}

// get makes a request on the client's host.
func (f *fleet) get(p *peer, method, path string, headers ...string) answer {
	client := &http.Client{Transport: &http.Transport{DialContext: f.host.DialContext, DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(context.Background(), method, "http://"+apiOf(p.n)+path, nil)
	require.NoError(f.t, err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	response, err := client.Do(r)
	require.NoError(f.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(f.t, err)
	return answer{response.StatusCode, response.Header, string(body)}
}

// A leader without an API address is named in the error, after the time that gossip may need.
func TestLeaderWithoutAddress(t *testing.T) {
	status := ha.Status{Self: "a", Leader: "b", Term: 3, Members: []ha.Member{{ID: "a", API: apiOf(0)}, {ID: "b"}}}
	inFleetWith(t, func(_ int, c *controlapi.Config) { c.Elector = claims{status} }, func(t *testing.T, f *fleet) {
		got := f.get(f.members[0], "GET", "/v1/agents", "Request-Timeout: 10")
		e := problem(t, got, 503)
		require.Equal(t, controlapi.CodeLeaderUnreachable, e.Code)
		require.Contains(t, e.Message, "the leader, b, has no API address")
	})
}

// Without a leader a request ends with its time, and says why.
func TestNobodyLeads(t *testing.T) {
	status := ha.Status{Self: "a", Reason: "the votes were split"}
	inFleetWith(t, func(_ int, c *controlapi.Config) { c.Elector = claims{status} }, func(t *testing.T, f *fleet) {
		began := time.Now()
		e := problem(t, f.get(f.members[0], "GET", "/v1/agents", "Request-Timeout: 2.5"), 503)
		require.Equal(t, 2500*time.Millisecond, time.Since(began))
		require.Equal(t, controlapi.CodeLeaderUnreachable, e.Code)
		require.Contains(t, e.Message, "the votes were split")
	})
}

// Two members that take each other for the leader do not send a request back and forth.
func TestMembersThatTakeEachOtherForTheLeader(t *testing.T) {
	var asked atomic.Int32
	count := func(i int, c *controlapi.Config) {
		other := (i + 1) % 2
		c.Elector = claims{ha.Status{Self: fmt.Sprint(i), Leader: fmt.Sprint(other), Members: []ha.Member{{ID: "0", API: apiOf(0)}, {ID: "1", API: apiOf(1)}}}}
		dial := c.DialContext
		c.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			asked.Add(1)
			return dial(ctx, network, address)
		}
	}
	inFleetWith(t, count, func(t *testing.T, f *fleet) {
		e := problem(t, f.get(f.members[0], "GET", "/v1/agents", "Request-Timeout: 5"), 503)
		require.Equal(t, controlapi.CodeLeaderUnreachable, e.Code)
		require.Contains(t, e.Message, "does not lead")
		require.Less(t, asked.Load(), int32(3), "connections: member 1 makes none")
		e = problem(t, f.get(f.members[0], "GET", "/v1/agents", "Forwarded-By-Member: x"), 503)
		require.Equal(t, scheduler.CodeNotLeading, e.Code, "at once")
	})
}

// The token of the client is passed on to the leader, which asks for it, and a follower asks for it first.
func TestTokenIsPassedOn(t *testing.T) {
	inFleetWith(t, func(_ int, c *controlapi.Config) { c.Tokens = []string{"hush"} }, func(t *testing.T, f *fleet) {
		require.Equal(t, 401, f.get(f.follower(), "GET", "/v1/agents").status)
		require.Equal(t, 401, f.get(f.follower(), "GET", "/v1/agents", "Authorization: Bearer push").status)
		got := f.get(f.follower(), "GET", "/v1/agents", "Authorization: Bearer hush")
		require.Equal(t, 200, got.status)
		require.Equal(t, strings.Join([]string{apiOf(0), apiOf(1), apiOf(2)}, ","), got.header.Get("Framework-Members"))
		require.Equal(t, 200, f.get(f.follower(), "GET", "/readyz").status, "without a token")
		o := decoded[controlapi.Overview](t, f.get(f.follower(), "GET", "/v1/status", "Authorization: Bearer hush"), 200)
		require.True(t, o.Connection.Connected)
		require.NotEqual(t, o.Election.Leader, o.Election.Self, "what the follower knows")
	})
}

// An answer of many tasks comes through a follower as it is.
func TestLargeAnswerThroughAFollower(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		ctx, cancel := within(time.Minute)
		defer cancel()
		large := spec("large")
		large.CPUs, large.Labels = 1000, map[string]string{"text": strings.Repeat("x", 200<<10)}
		for i := range 12 {
			large.ID = fmt.Sprint("large-", i)
			require.NoError(t, f.client.Submit(ctx, large))
		}
		want := f.get(f.leader(), "GET", "/v1/tasks?limit=all")
		require.Greater(t, len(want.body), 2<<20)
		require.Equal(t, want.body, f.get(f.follower(), "GET", "/v1/tasks?limit=all").body)
		all, err := f.at(f.follower()).Tasks(ctx)
		require.NoError(t, err)
		require.Len(t, all, 12)
	})
}

// stream reads events of a member on another goroutine.
type stream struct {
	stop context.CancelFunc
	done chan struct{}

	mu     sync.Mutex
	events []string // "name data"
}

func (f *fleet) stream(p *peer, query string) *stream {
	ctx, cancel := context.WithCancel(context.Background())
	s := &stream{stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		r, _ := http.NewRequestWithContext(ctx, "GET", "http://"+apiOf(p.n)+"/v1/events"+query, nil)
		response, err := (&http.Transport{DialContext: f.host.DialContext}).RoundTrip(r)
		if err != nil {
			return
		}
		defer response.Body.Close()
		name := ""
		lines := bufio.NewScanner(response.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if text, is := strings.CutPrefix(lines.Text(), "event: "); is {
				name = text
			}
			if text, is := strings.CutPrefix(lines.Text(), "data: "); is {
				s.mu.Lock()
				s.events = append(s.events, name+" "+text)
				s.mu.Unlock()
			}
		}
	}()
	return s
}

// named returns the data of the events with a name.
func (s *stream) named(name string) (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if data, is := strings.CutPrefix(e, name+" "); is {
			all = append(all, data)
		}
	}
	return all
}

// A reader of a follower's events sees no break when the leader dies: the stream goes on with the next one, has all tasks and
// what the follower knows of the election.
func TestEventsOverAChangeOfTheLeader(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		ctx, cancel := within(5 * time.Minute)
		defer cancel()
		follower := f.follower()
		s := f.stream(follower, "?view=summary")
		defer func() { s.stop(); <-s.done }()
		_, err := f.client.Launch(ctx, spec("one"))
		require.NoError(t, err)
		sleep(time.Second)
		require.Len(t, s.named("snapshot"), 1)
		require.NotEmpty(t, s.named("task"))
		require.Contains(t, s.named("election")[0], fmt.Sprintf(`"self":"member-%d"`, follower.n))
		var o controlapi.Overview
		overviews := s.named("overview")
		require.NoError(t, json.Unmarshal([]byte(overviews[len(overviews)-1]), &o))
		require.True(t, o.Connection.Connected)
		require.Equal(t, fmt.Sprint("member-", follower.n), o.Election.Self)

		f.leader().kill()
		_, err = f.client.Launch(ctx, spec("two"))
		require.NoError(t, err)
		_, err = f.client.Kill(ctx, "one")
		require.NoError(t, err)
		sleep(3 * time.Second)
		f.requireUnbroken(t, s, map[string]string{"one": "killed", "two": "running"})
		elections := s.named("election")
		require.NotContains(t, elections[len(elections)-1], `"leader":""`)
		for _, e := range elections {
			require.Contains(t, e, fmt.Sprintf(`"self":"member-%d"`, follower.n), "as this member sees it")
		}
	})
}

// requireUnbroken requires that a stream goes on, and that a reader of it knows the states of all tasks.
func (f *fleet) requireUnbroken(t *testing.T, s *stream, want map[string]string) {
	select {
	case <-s.done:
		require.Fail(t, "the stream has ended")
	default:
	}
	known := map[string]string{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		name, data, _ := strings.Cut(e, " ")
		switch name {
		case "snapshot":
			var part controlapi.Snapshot[controlapi.Summary]
			require.NoError(t, json.Unmarshal([]byte(data), &part))
			if part.First {
				clear(known)
			}
			for _, i := range part.Tasks {
				known[i.ID] = i.State.String()
			}
		case "task":
			var change controlapi.SummaryEvent
			require.NoError(t, json.Unmarshal([]byte(data), &change))
			known[change.Task.ID] = change.Task.State.String()
		}
	}
	require.Equal(t, want, known)
}

// A stream of the leader goes on at another member when it does not lead any more.
func TestEventsOfALeaderThatHandsOver(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		ctx, cancel := within(5 * time.Minute)
		defer cancel()
		s := f.stream(f.leader(), "?view=summary")
		defer func() { s.stop(); <-s.done }()
		_, err := f.client.Launch(ctx, spec("one"))
		require.NoError(t, err)
		f.election.HandOver()
		sleep(5 * time.Second)
		_, err = f.client.Launch(ctx, spec("two"))
		require.NoError(t, err)
		sleep(2 * time.Second)
		f.requireUnbroken(t, s, map[string]string{"one": "running", "two": "running"})
	})
}

// A stream of the leader that ends within a moment leaves nothing behind, however often.
func TestEventsThatEndSoon(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		for range 5 {
			s := f.stream(f.follower(), "")
			time.Sleep(50 * time.Millisecond)
			s.stop()
			<-s.done
			f.leader().host.Reset()
		}
	})
}

// watched collects the events of a client on another goroutine.
type watched struct {
	stop context.CancelFunc
	done chan struct{}

	mu     sync.Mutex
	events []scheduler.Event
}

func watch(c *controlapi.Client) *watched {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watched{stop: cancel, done: make(chan struct{})}
	events := c.Watch(ctx)
	go func() {
		defer close(w.done)
		for e := range events {
			w.mu.Lock()
			w.events = append(w.events, e)
			w.mu.Unlock()
		}
	}()
	return w
}

// states returns the states that a task was seen in.
func (w *watched) states(id string) (all []task.State) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e, is := e.(scheduler.TaskEvent); is && e.Task.Spec.ID == id {
			all = append(all, e.Task.State)
		}
	}
	return all
}

func (w *watched) lags() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if _, is := e.(scheduler.LagEvent); is {
			n++
		}
	}
	return n
}

// A client sees all that happens from its call on, as beside the scheduler, at the leader and at a follower.
func TestWatch(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		ctx, cancel := within(5 * time.Minute)
		defer cancel()
		_, err := f.client.Launch(ctx, spec("before"))
		require.NoError(t, err)
		for _, p := range []*peer{f.leader(), f.follower()} {
			id := fmt.Sprint("web-", p.n)
			w := watch(f.at(p))
			require.NoError(t, f.client.Submit(ctx, spec(id)), "at once")
			_, err = f.client.Kill(ctx, id)
			require.NoError(t, err)
			require.NoError(t, f.client.Forget(ctx, id))
			sleep(time.Second)
			states := w.states(id)
			require.Equal(t, task.StatePending, states[0])
			require.Equal(t, task.StateKilled, states[len(states)-1])
			require.Empty(t, w.states("before"))
			require.Zero(t, w.lags())
			require.True(t, slices.ContainsFunc(w.events, func(e scheduler.Event) bool { r, is := e.(scheduler.RemovedEvent); return is && r.Tasks[0] == id }))
			w.stop()
			<-w.done
		}
	})
}

// A client that watches goes on with the next leader, and is told what it has missed.
func TestWatchOverAChangeOfTheLeader(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		ctx, cancel := within(5 * time.Minute)
		defer cancel()
		leader := f.leader()
		w := watch(f.newClient(apiOf(leader.n), apiOf(f.follower().n)))
		defer func() { w.stop(); <-w.done }()
		_, err := f.client.Launch(ctx, spec("one"))
		require.NoError(t, err)
		sleep(time.Second)
		require.Equal(t, task.StateRunning, slices.Max(w.states("one")))
		require.Zero(t, w.lags())
		leader.kill()
		sleep(20 * time.Second)
		_, err = f.client.Launch(ctx, spec("two"))
		require.NoError(t, err)
		sleep(time.Second)
		require.Equal(t, []task.State{task.StatePending, task.StateStaging, task.StateStarting, task.StateRunning}, w.states("two"))
		require.LessOrEqual(t, w.lags(), 1)
	})
}

// A reader who takes his time is told what he has missed, and then goes on.
func TestSlowWatcher(t *testing.T) {
	inFleet(t, func(t *testing.T, f *fleet) {
		ctx, cancel := within(time.Hour)
		defer cancel()
		events := f.client.Watch(ctx)
		leader := f.leader()
		leader.kill() // while nobody reads
		sleep(time.Minute)
		_, err := f.client.Launch(ctx, spec("one"))
		require.NoError(t, err)
		sleep(time.Minute)
		lagged := false
		for e := range events {
			if _, is := e.(scheduler.LagEvent); is {
				lagged = true
				require.NoError(t, f.client.Submit(ctx, spec("two")))
			}
			if e, is := e.(scheduler.TaskEvent); is && e.Task.Spec.ID == "two" {
				require.True(t, lagged)
				return
			}
		}
		require.Fail(t, "it has ended")
	})
}

// Watch ends with its context, also when nobody reads, and when a server refuses it.
func TestWatchEnds(t *testing.T) {
	inFleetWith(t, func(_ int, c *controlapi.Config) { c.Tokens = []string{"hush"} }, func(t *testing.T, f *fleet) {
		for range f.client.Watch(context.Background()) {
			require.Fail(t, "without the token")
		}
		c, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: []string{apiOf(0)}, Token: "hush", DialContext: f.host.DialContext})
		require.NoError(t, err)
		defer c.Close()
		ctx, cancel := context.WithCancel(context.Background())
		unread, read := c.Watch(ctx), c.Watch(ctx)
		time.AfterFunc(5*time.Minute, cancel)
		began := time.Now()
		for range read {
		}
		require.Equal(t, 5*time.Minute, time.Since(began))
		for range unread {
			require.Fail(t, "after the end of ctx")
		}
	})
}

// outputs is a framework whose tasks write a number each second.
type outputs struct {
	controlapi.Framework
	of *scheduler.Scheduler
}

func (o outputs) Logs(ctx context.Context, id string, options scheduler.LogOptions) iter.Seq2[scheduler.LogChunk, error] {
	return func(yield func(scheduler.LogChunk, error) bool) {
		for offset := options.Offset; ; offset++ {
			if _, err := o.of.Task(ctx, id); err != nil { // also when the term ends
				yield(scheduler.LogChunk{}, err)
				return
			}
			if !yield(scheduler.LogChunk{Offset: offset, Data: []byte{'0' + byte(offset%10)}}, nil) || options.Limit > 0 && offset == options.Offset+options.Limit-1 {
				return
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				yield(scheduler.LogChunk{}, context.Cause(ctx))
				return
			}
		}
	}
}

// Output that is followed goes on where it was when the leader dies or hands over, whichever member is asked.
func TestOutputOverAChangeOfTheLeader(t *testing.T) {
	schedulers := map[int]*scheduler.Scheduler{}
	config := func(i int, c *controlapi.Config) {
		schedulers[i] = c.Framework.(tapped).Scheduler
		c.Framework = outputs{c.Framework, schedulers[i]}
	}
	for _, asked := range []string{"leader", "follower", "any"} {
		for _, how := range []string{"dies", "hands over"} {
			inFleetWith(t, config, func(t *testing.T, f *fleet) {
				ctx, cancel := within(time.Hour)
				defer cancel()
				_, err := f.client.Launch(ctx, spec("web"))
				require.NoError(t, err)
				c := map[string]*controlapi.Client{"leader": f.newClient(apiOf(f.leader().n), apiOf(f.follower().n)), "follower": f.at(f.follower()), "any": f.client}[asked]
				defer c.Close()
				time.AfterFunc(9500*time.Millisecond, func() {
					if how == "dies" {
						f.leader().kill()
					} else {
						f.election.HandOver()
					}
				})
				var text []byte
				for chunk, err := range c.Logs(ctx, "web", scheduler.LogOptions{Offset: 5, Limit: 40, Follow: true}) {
					require.NoError(t, err, "%s %s, after %q", asked, how, text)
					require.EqualValues(t, 5+len(text), chunk.Offset)
					text = append(text, chunk.Data...)
				}
				require.Equal(t, "5678901234567890123456789012345678901234", string(text))

				for _, err := range c.Logs(ctx, "nobody", scheduler.LogOptions{}) {
					require.ErrorIs(t, err, scheduler.ErrUnknownTask)
				}
				ctx, cancel = within(3500 * time.Millisecond)
				defer cancel()
				var last error
				for _, last = range c.Logs(ctx, "web", scheduler.LogOptions{Follow: true}) {
				}
				require.ErrorIs(t, last, context.DeadlineExceeded)
				synctest.Wait()
			})
		}
	}
}
