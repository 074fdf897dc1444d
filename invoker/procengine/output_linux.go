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

// ReadOutput reads what a container has printed, also when it has ended, for KeepOutput. What is freed of a long stream gives an
// [*invoker.OutputGoneError].
func (e *Engine) ReadOutput(
	_ context.Context, in invoker.Instance, stream invoker.Stream, offset int64, buf []byte,
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
	f, err := os.Open(filepath.Join(e.cfg.Dir, in.ID, string(stream)))
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
	if offset < from {
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
