package ha

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/ha/storetest"
	"github.com/mesos-actor/mesos-actor-go/internal/boltfile"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// hangDisk makes the disk hang for each call from now on until resume is called.
func hangDisk(f *File) (resume func()) {
	hung := make(chan struct{})
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	f.disk = func() { <-hung }
	return func() { close(hung) }
}

func TestFileConformsWhileItsDiskHangs(t *testing.T) {
	storetest.RunHanging(t, func(t *testing.T) (storetest.Store, func() func()) {
		f := openFile(t, filepath.Join(t.TempDir(), "store"))
		return f, func() func() { return hangDisk(f) }
	})
}

// The disk hangs, as one does that is frozen or a network file system whose server is gone: each call returns when its
// context ends, none begins before the first one has come back, and after that all is as usual.
func TestDiskHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, gaveUp := openFile(t, filepath.Join(t.TempDir(), "store")), errors.New("gave up")
		require.NoError(t, f.Apply(t.Context(), map[string][]byte{"a": []byte("1")}))
		resume := hangDisk(f)
		limited := func(d time.Duration) context.Context {
			ctx, cancel := context.WithTimeoutCause(t.Context(), d, gaveUp)
			t.Cleanup(cancel)
			return ctx
		}
		began, value := time.Now(), []byte("2")
		err := f.Apply(limited(10*time.Second), map[string][]byte{"a": value})
		require.ErrorIs(t, err, gaveUp)
		require.EqualError(t, err, "gave up: the disk of "+f.path+" has not answered yet")
		require.Equal(t, 10*time.Second, time.Since(began))
		value[0] = 'X' // it belongs to the caller again
		err = f.Apply(limited(time.Second), map[string][]byte{"b": []byte("1")})
		require.ErrorIs(t, err, gaveUp)
		require.ErrorContains(t, err, "an earlier call is still using "+f.path)
		_, err = f.Load(limited(time.Second))
		require.ErrorIs(t, err, gaveUp)
		require.Equal(t, 12*time.Second, time.Since(began))

		waiting := make(chan error, 1)
		go func() { waiting <- f.Apply(t.Context(), map[string][]byte{"c": []byte("1")}) }()
		synctest.Wait()
		resume()
		require.NoError(t, <-waiting)
		require.Equal(t, map[string][]byte{"a": []byte("2"), "c": []byte("1")}, load(t, f), "the call that hung has written in the end")
	})
}

// A disk takes twelve seconds for each transaction: what an Apply wrote after its context had ended need not be written again.
func TestDiskThatIsTooSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := openFile(t, filepath.Join(t.TempDir(), "store"))
		apply := func(value string) error {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			return f.Apply(ctx, map[string][]byte{"a": []byte(value), "b": nil})
		}
		resume := hangDisk(f)
		require.ErrorIs(t, apply("1"), context.DeadlineExceeded)
		resume()
		synctest.Wait()
		written := f.state.last
		for range 2 {
			require.NoError(t, apply("1"))
		}
		require.Equal(t, written, f.state.last, "it was not written again")
		require.NoError(t, apply("2"))
		require.NoError(t, apply("1"))
		require.Equal(t, written+2, f.state.last)
		require.Equal(t, map[string][]byte{"a": []byte("1")}, load(t, f))
	})
}

// Close gives up after ten seconds while the disk hangs, and the file is closed and unlocked when that comes back.
func TestCloseWhileTheDiskHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "store")
		f, err := OpenFile(path)
		require.NoError(t, err)
		resume := hangDisk(f)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, f.Apply(short, map[string][]byte{"a": []byte("1")}), context.DeadlineExceeded)
		waiting := make(chan error, 1)
		go func() { waiting <- f.Apply(t.Context(), nil) }()
		synctest.Wait()

		began := time.Now()
		require.EqualError(t, f.Close(), "ha: close "+path+": the disk has not answered for 10s; until it does the file stays locked")
		require.Equal(t, 10*time.Second, time.Since(began))
		require.ErrorIs(t, <-waiting, ErrClosed)
		require.ErrorIs(t, f.Apply(t.Context(), nil), ErrClosed)
		if boltfile.LocksKeepOthersOut {
			_, err = OpenFile(path)
			require.ErrorIs(t, err, ErrLocked)
		}
		resume()
		require.NoError(t, f.Close())
		require.Equal(t, map[string][]byte{"a": []byte("1")}, load(t, openFile(t, path)))
	})
}

// A scheduler whose disk hangs says so after ten seconds, and Run ends with its context.
func TestRunEndsWhileTheDiskHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := openFile(t, filepath.Join(t.TempDir(), "store"))
		s, err := scheduler.New(scheduler.Config{
			Master: "master.example:5050", Framework: scheduler.Framework{Name: "test"}, Store: f, Logger: slog.New(slog.DiscardHandler),
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() },
		})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		events, ended := s.Watch(t.Context()), make(chan error, 1)
		began := time.Now()
		go func() { ended <- s.Run(ctx) }()
		go func() {
			_ = s.Submit(t.Context(), task.Spec{ID: "a", Command: task.Command{Shell: "true"}, CPUs: 1, Mem: 32})
		}()
		synctest.Wait()
		resume := hangDisk(f)
		defer resume()
		go func() {
			_ = s.Submit(t.Context(), task.Spec{ID: "b", Command: task.Command{Shell: "true"}, CPUs: 1, Mem: 32})
		}()
		for e := range events {
			if failed, is := e.(scheduler.StoreEvent); is {
				require.ErrorContains(t, failed.Err, "the disk of "+f.path+" has not answered yet")
				break
			}
		}
		require.Equal(t, 10*time.Second, time.Since(began))
		stop()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.Equal(t, 10*time.Second, time.Since(began))
	})
}
