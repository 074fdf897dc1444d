package enginetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

const (
	patience = 30 * time.Second // for what has to happen soon, on a busy machine
	pause    = 5 * time.Millisecond
)

// suite is a fixture in use.
type suite struct {
	Fixture
	client *http.Client
	run    string // in all IDs, which are never used again
	count  atomic.Int64
}

func newSuite(f Fixture) *suite {
	return &suite{
		Fixture: f,
		client:  &http.Client{Transport: &http.Transport{DialContext: f.DialContext, DisableKeepAlives: true}},
		run:     strings.ToLower(rand.Text()[:8]),
	}
}

func (s *suite) newID() string { return fmt.Sprintf("enginetest-%s-%d", s.run, s.count.Add(1)) }

// spec returns the fixture's spec for a container of this ID.
func (s *suite) spec(id string) invoker.Spec {
	spec := s.Spec
	spec.Name = strings.ReplaceAll(id, "-", "_")
	spec.Env = maps.Clone(spec.Env)
	if spec.Env == nil {
		spec.Env = map[string]string{}
	}
	spec.Labels = map[string]string{"invoker.owner": "enginetest", "invoker.kind": spec.Kind, "id": id}
	return spec
}

// create creates a container, and waits until its program answers.
func (s *suite) create(ctx context.Context) (invoker.Instance, error) {
	id := s.newID()
	in, err := s.Engine.Create(ctx, id, s.spec(id))
	if err != nil {
		return in, fmt.Errorf("create: %w", err)
	}
	if in.ID != id {
		return in, fmt.Errorf("create of %s returned an instance with the ID %q", id, in.ID)
	}
	return in, s.ready(ctx, in)
}

func (s *suite) destroy(ctx context.Context, id string) error {
	if err := s.Engine.Destroy(ctx, id); err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	return nil
}

// eventually waits until do returns nil.
func eventually(ctx context.Context, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := do()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("still after %v: %w", patience, err)
		case <-time.After(pause):
		}
	}
}

// ready waits until the program of a container answers.
func (s *suite) ready(ctx context.Context, in invoker.Instance) error {
	return eventually(ctx, func() error { _, err := s.call(ctx, in, http.MethodGet, "/", nil); return err })
}

// call makes a request to the program of a container, and returns the answer's body.
func (s *suite) call(ctx context.Context, in invoker.Instance, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+in.Address+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the program of %s: %w", in.ID, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the program of %s: %s: %s", in.ID, resp.Status, answer)
	}
	return answer, err
}

func (s *suite) print(ctx context.Context, in invoker.Instance, stream invoker.Stream, data []byte) error {
	_, err := s.call(ctx, in, http.MethodPost, "/"+string(stream), data)
	return err
}

// exit has the program of a container end by itself.
func (s *suite) exit(ctx context.Context, in invoker.Instance, code int) {
	// Whether there is an answer is up to the program: it ends.
	_, _ = s.call(ctx, in, http.MethodPost, fmt.Sprintf("/exit?code=%d", code), nil)
}

// unreachable returns an error if the program of a container still answers.
func (s *suite) unreachable(ctx context.Context, in invoker.Instance) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if _, err := s.call(ctx, in, http.MethodGet, "/", nil); err == nil {
		return fmt.Errorf("the program of %s still answers", in.ID)
	}
	return nil
}

// runs returns an error unless so many containers run, as the platform sees it.
func (s *suite) runs(want int) error {
	if got := s.Running(); got != want {
		return fmt.Errorf("the platform runs %d containers, should be %d", got, want)
	}
	return nil
}

// listed returns the instances by ID.
func (s *suite) listed(ctx context.Context) (map[string]invoker.Instance, error) {
	list, err := s.Engine.Instances(ctx)
	if err != nil {
		return nil, fmt.Errorf("instances: %w", err)
	}
	all := map[string]invoker.Instance{}
	for _, in := range list {
		if _, twice := all[in.ID]; twice {
			return nil, fmt.Errorf("instances: %s is listed twice", in.ID)
		}
		all[in.ID] = in
	}
	return all, nil
}

// lists returns an error unless the instances are these.
func (s *suite) lists(ctx context.Context, want ...invoker.Instance) error {
	got, err := s.listed(ctx)
	if err != nil {
		return err
	}
	for _, in := range want {
		if err := same(got[in.ID], in); err != nil {
			return fmt.Errorf("instances: %s: %w", in.ID, err)
		}
		delete(got, in.ID)
	}
	if len(got) > 0 {
		return fmt.Errorf("instances: %d are listed that should not be: %v", len(got), got)
	}
	return nil
}

// same returns an error unless two instances are equal.
func same(got, want invoker.Instance) error {
	equal := got.ID == want.ID && got.Incarnation == want.Incarnation && got.Agent == want.Agent && got.Address == want.Address &&
		maps.Equal(got.Labels, want.Labels) && got.Started.Equal(want.Started)
	if !equal {
		return fmt.Errorf("it is %+v, should be %+v", got, want)
	}
	return nil
}

// nothingLeft returns an error if containers are left some time after the last one should have gone.
func (s *suite) nothingLeft(ctx context.Context) error {
	return eventually(ctx, func() error { return errors.Join(s.runs(0), s.lists(ctx)) })
}

// cleanUp destroys what a check has left, and returns an error if that does not work.
func (s *suite) cleanUp(ctx context.Context) error {
	err := eventually(ctx, func() error {
		all, err := s.listed(ctx)
		for id := range all {
			err = errors.Join(err, s.destroy(ctx, id))
		}
		return err
	})
	if err == nil {
		err = s.nothingLeft(ctx)
	}
	if err != nil {
		return fmt.Errorf("in the end: %w", err)
	}
	return nil
}
