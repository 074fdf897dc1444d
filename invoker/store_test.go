package invoker

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

func withStore(w *world) { w.store = &fakeStore{} }

// TestRecordIsDurableBeforeInit looks into the store at the moment of /init.
func TestRecordIsDurableBeforeInit(t *testing.T) {
	inWorld(t, func(w *world) {
		withStore(w)
		w.engine.initTime = 100 * ms
		w.store.hook = sleepingHook(20 * ms)
	}, func(t *testing.T, w *world) {
		time.Sleep(20 * ms)
		invoked := make(chan error, 1)
		go func() {
			_, err := w.invoker.Invoke(t.Context(), sample("a"), activation(fakeCall{Sleep: 100 * ms}))
			invoked <- err
		}()
		time.Sleep(219 * ms)
		require.Zero(t, w.engine.count("init"))
		require.Len(t, w.store.keys(), 1)
		time.Sleep(2 * ms)
		require.Equal(t, 1, w.engine.count("init"))
		require.Len(t, w.store.keys(), 2)
		c, err := decodeStore(w.store.copied())
		require.NoError(t, err)
		require.Equal(t, sample("a").key(), c.records[0].Key)
		require.False(t, c.records[0].Initialised)
		time.Sleep(120 * ms)
		c, err = decodeStore(w.store.copied())
		require.NoError(t, err)
		require.True(t, c.records[0].Initialised, "added later")
		require.NoError(t, <-invoked)
	})
}

func (s *fakeStore) copied() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.records)
}

// TestStoreFails has the store fail for a minute: nothing is bound meanwhile, and warm containers go on working.
func TestStoreFails(t *testing.T) {
	for _, c := range []struct {
		name string
		hook func(context.Context, map[string][]byte) error
	}{
		{"with an error", func(context.Context, map[string][]byte) error { return errTest }},
		{"by hanging", func(ctx context.Context, _ map[string][]byte) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}},
		{"by hanging whatever its context says", func(context.Context, map[string][]byte) error {
			time.Sleep(20 * time.Second)
			return errTest
		}},
		{"by a panic", func(context.Context, map[string][]byte) error { panic("disk") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, withStore, func(t *testing.T, w *world) {
				_, err := w.invoker.Invoke(t.Context(), sample("warm"), Activation{})
				require.NoError(t, err)
				time.Sleep(time.Second)
				w.store.setHook(c.hook)
				failing := time.Now()
				answered := make(chan error, 1)
				go func() {
					_, err := w.within(5*time.Minute, sample("cold"), Activation{})
					answered <- err
				}()
				for range 60 {
					time.Sleep(time.Second)
					r, err := w.invoker.Invoke(t.Context(), sample("warm"), Activation{})
					require.NoError(t, err)
					require.Equal(t, Warm, r.Start)
					require.Zero(t, r.Wait)
				}
				require.Equal(t, 1, w.engine.count("init"), "nothing was bound")
				require.Less(t, w.engine.count("create"), 20, "containers are not started in vain all the time")
				w.store.setHook(nil)
				require.NoError(t, <-answered)
				require.Less(t, time.Since(failing), 2*time.Minute, "it goes on soon")
				require.Equal(t, 2, w.engine.count("init"))
				time.Sleep(time.Minute)
				require.Len(t, w.store.keys(), len(w.engine.ids())+1, "only what lives is on record")
			})
		})
	}
}

// TestStoreIsFenced has the store say that another process leads.
func TestStoreIsFenced(t *testing.T) {
	inWorld(t, withStore, func(t *testing.T, w *world) {
		_, err := w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.NoError(t, err)
		w.store.setHook(func(context.Context, map[string][]byte) error { return fmt.Errorf("wrapped: %w", fencedError{}) })
		_, err = w.invoker.Invoke(t.Context(), sample("b"), Activation{})
		require.ErrorIs(t, err, ErrNotRunning)
		ended := <-w.done
		w.done <- ended
		var fenced *scheduler.FencedError
		require.ErrorAs(t, ended, &fenced)
		require.Equal(t, 1, w.engine.count("init"))
		_, err = w.invoker.Invoke(t.Context(), sample("a"), Activation{})
		require.ErrorIs(t, err, ErrNotRunning, "also for a warm one")
	})
}

type fencedError struct{}

func (fencedError) Error() string { return "fenced" }
func (fencedError) Fenced() bool  { return true }

func TestStoreCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		for _, store := range []scheduler.Store{unreadable{}, &fakeStore{hook: func(context.Context, map[string][]byte) error { return errTest }}} {
			v, err := New(Config{Owner: "test", Engine: e, Store: store})
			require.NoError(t, err)
			require.ErrorIs(t, v.Run(t.Context()), errTest)
			_, err = v.Acquire(t.Context(), sample("a"))
			require.ErrorIs(t, err, ErrNotRunning)
			require.ErrorIs(t, err, errTest)
		}
		require.Zero(t, e.count("create"))
	})
}

type unreadable struct{ scheduler.Store }

func (unreadable) Load(context.Context) (map[string][]byte, error) { return nil, errTest }

// TestHungWriteOfAnEarlierRun leaves a write behind that hangs. Until it has returned the next run must not read the store: the record
// might still appear.
func TestHungWriteOfAnEarlierRun(t *testing.T) {
	inWorld(t, withStore, func(t *testing.T, w *world) {
		release := make(chan struct{})
		w.store.setHook(func(context.Context, map[string][]byte) error {
			<-release
			return nil
		})
		_, err := w.within(time.Second, sample("a"), Activation{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, w.end(), errStopped)
		ctx, stop := context.WithCancelCause(context.Background())
		w.stop, w.done = stop, make(chan error, 1)
		go func() { w.done <- w.invoker.Run(ctx) }()
		time.Sleep(time.Hour)
		require.Equal(t, 1, len(w.engine.ids()))
		require.Zero(t, w.engine.count("destroy"))
		w.store.setHook(nil)
		close(release)
		_, err = w.within(time.Minute, sample("b"), Activation{})
		require.NoError(t, err)
		require.Equal(t, 2, w.engine.count("create"), "the first one may be that of another action: it was removed")
		require.Equal(t, 1, w.engine.count("destroy"))
	})
}

// TestWritesAreGrouped binds many containers while one write is under way.
func TestWritesAreGrouped(t *testing.T) {
	inWorld(t, func(w *world) {
		withStore(w)
		w.store.hook = sleepingHook(50 * ms)
	}, func(t *testing.T, w *world) {
		time.Sleep(50 * ms)
		writes := w.store.count()
		for i := range 20 {
			go func() {
				_, err := w.invoker.Invoke(t.Context(), sample(fmt.Sprint(i)), activation(fakeCall{Sleep: time.Hour}))
				_ = err
			}()
		}
		time.Sleep(351 * ms)
		require.Equal(t, 20, w.engine.count("run"))
		require.LessOrEqual(t, w.store.count()-writes, 5)
	})
}

// TestBatchesAreLimited has a store that takes three records at once.
func TestBatchesAreLimited(t *testing.T) {
	store := &limitedStore{fakeStore: &fakeStore{}}
	s, _ := storeOf(store, nil)
	_, err := s.load(t.Context(), 7)
	require.NoError(t, err)
	w := newWriter(s, func(string, error) {})
	for i := range 8 {
		w.put(record{ID: fmt.Sprint(i)}, false)
	}
	require.NoError(t, w.flush(t.Context()))
	require.Equal(t, []int{1, 3, 3, 2}, store.sizes)
	require.Equal(t, "7", string(store.records[runKey]))
}

type limitedStore struct {
	*fakeStore
	sizes []int
}

func (s *limitedStore) BatchLimit() (records, bytes int) { return 3, 0 }

func (s *limitedStore) Apply(ctx context.Context, changes map[string][]byte) error {
	s.sizes = append(s.sizes, len(changes))
	return s.fakeStore.Apply(ctx, changes)
}

func TestRecordsAreReadAsTheyWereWritten(t *testing.T) {
	r := record{
		ID: "test-1-2", Incarnation: "i", Timeout: time.Minute, Term: 3, Initialised: true,
		Key: Key{"guest", "/guest/a", "r", Shape{"nodejs:20", "image", 256, "guest"}, 2},
	}
	c, err := decodeStore(map[string][]byte{
		containerPrefix + r.ID: encodeRecord(r), runKey: []byte("9"), "task/1": []byte("x"), containerPrefix + "broken": []byte("{"),
	})
	require.NoError(t, err)
	require.EqualValues(t, 9, c.run)
	require.Equal(t, []record{{ID: "broken"}, r}, c.records, "what cannot be read has no key")
	_, err = decodeStore(map[string][]byte{runKey: []byte("many")})
	require.ErrorContains(t, err, "many")
	_, err = decodeStore(map[string][]byte{ordersKey: []byte("{")})
	require.ErrorContains(t, err, ordersKey)
	require.True(t, strings.HasPrefix(runKey, "invoker/"))
}
