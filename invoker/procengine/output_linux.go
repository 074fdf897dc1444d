package procengine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// maxStreams is how many streams are remembered: those that were read last. Of another one that was truncated the offsets begin anew.
const maxStreams = 1 << 16

// ReadOutput reads what a container has printed, also when it has ended, for KeepOutput. What is freed of a long stream gives an
// [*invoker.OutputGoneError], and so does what was lost when somebody truncated the file, without a copy that has ".1" behind its name.
func (e *Engine) ReadOutput(
	ctx context.Context, in invoker.Instance, stream invoker.Stream, offset int64, buf []byte,
) (n int, size int64, err error) {
	if stream != invoker.Stdout && stream != invoker.Stderr {
		return 0, 0, fmt.Errorf("there is no stream %q", stream)
	}
	if offset < 0 {
		return 0, 0, fmt.Errorf("the offset %d is negative", offset)
	}
	if err := checkID(in.ID); err != nil {
		return 0, 0, err
	}
	name := filepath.Join(e.cfg.Dir, in.ID, string(stream))
	return e.streams.Read(ctx, in.ID+"/"+string(stream), func(_ context.Context, suffix string, offset int64, buf []byte) (int, int64, error) {
		return readFile(name+suffix, offset, buf)
	}, offset, buf)
}

// readFile reads from a file whose beginning may have been freed.
func readFile(name string, offset int64, buf []byte) (n int, size int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	n, err = f.ReadAt(buf, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err != nil {
		return 0, 0, err
	}
	// In this order: it may have been freed, or have grown, since.
	from, err := firstByte(f)
	if err != nil {
		return 0, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	if offset < from && len(buf) > 0 {
		return 0, info.Size(), &invoker.OutputGoneError{From: from}
	}
	return n, info.Size(), nil
}

// freeOld frees old output, until the engine is closed.
func (e *Engine) freeOld() {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case <-e.closing:
			return
		case now := <-ticker.C:
			_ = e.free(now) // it is tried again
		}
	}
}

// free removes the directories of containers that have ended long ago, and frees the beginning of long streams.
func (e *Engine) free(now time.Time) error {
	dirs, err := os.ReadDir(e.cfg.Dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, d := range dirs {
		dir := filepath.Join(e.cfg.Dir, d.Name())
		if !d.IsDir() || checkID(d.Name()) != nil {
			continue
		}
		s, err := readState(dir)
		if err == nil && !s.Ended.IsZero() && now.Sub(s.Ended) > e.cfg.KeepOutput {
			errs = append(errs, os.RemoveAll(dir))
			continue
		}
		for _, stream := range []invoker.Stream{invoker.Stdout, invoker.Stderr} {
			errs = append(errs, shorten(filepath.Join(dir, string(stream)), e.cfg.OutputLimit))
		}
	}
	return errors.Join(errs...)
}

// block is a multiple of the units in which file systems free space.
const block = 1 << 20

// shorten frees the beginning of a stream that is twice as long as its limit, so that limit bytes are left. Where the file system
// cannot do that, the stream grows on.
func shorten(name string, limit int64) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	from, err := firstByte(f)
	if err != nil || info.Size()-from < 2*limit+block {
		return err
	}
	return freeOutput(f, (info.Size()-limit)/block*block)
}
