package controlapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
)

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
