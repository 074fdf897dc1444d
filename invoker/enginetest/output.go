package enginetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// reader returns the engine as one that reads output.
func (s *suite) reader() (invoker.OutputReader, error) {
	r, ok := s.Engine.(invoker.OutputReader)
	if !ok {
		return nil, errNotOffered
	}
	return r, nil
}

// readAll reads a stream from an offset on to its end, with a buffer of this size.
func (s *suite) readAll(ctx context.Context, in invoker.Instance, stream invoker.Stream, offset int64, buffer int) ([]byte, error) {
	r, err := s.reader()
	if err != nil {
		return nil, err
	}
	var all []byte
	for buf := make([]byte, buffer); ; {
		n, size, err := r.ReadOutput(ctx, in, stream, offset, buf)
		switch {
		case err != nil:
			return nil, fmt.Errorf("read %s from %d on: %w", stream, offset, err)
		case n < 0 || n > len(buf):
			return nil, fmt.Errorf("read %s from %d on into %d bytes: returned %d", stream, offset, len(buf), n)
		case n > 0 && size < offset+int64(n):
			return nil, fmt.Errorf("read %s: %d bytes from %d on, of a stream whose size is said to be %d", stream, n, offset, size)
		case n == 0 && size > offset:
			return nil, fmt.Errorf("read %s: nothing from %d on, of a stream whose size is said to be %d", stream, offset, size)
		case n == 0:
			return all, nil
		}
		all = append(all, buf[:n]...)
		offset += int64(n)
	}
}

// holds returns an error unless what a container has printed is this, read in several ways.
func (s *suite) holds(ctx context.Context, in invoker.Instance, stream invoker.Stream, want []byte) error {
	whole := int64(len(want))
	for _, buffer := range []int{7, 4096, 1 << 16} {
		if buffer == 7 && whole > 1<<12 {
			continue
		}
		for _, offset := range []int64{0, 1, whole / 2, max(0, whole-1), whole} {
			got, err := s.readAll(ctx, in, stream, min(offset, whole), buffer)
			if err != nil {
				return err
			}
			if rest := want[min(offset, whole):]; !bytes.Equal(got, rest) {
				return fmt.Errorf("read %s from %d on, %d bytes at a time: %s", stream, offset, buffer, difference(got, rest))
			}
		}
	}
	r, err := s.reader()
	if err != nil {
		return err
	}
	for _, offset := range []int64{whole + 1, whole + 1<<20} {
		n, size, err := r.ReadOutput(ctx, in, stream, offset, make([]byte, 16))
		if n != 0 || size != whole || err != nil {
			return fmt.Errorf("read %s from %d on, of %d bytes: returned %d, %d, %v", stream, offset, whole, n, size, err)
		}
	}
	if n, size, err := r.ReadOutput(ctx, in, stream, 0, nil); n != 0 || size != whole || err != nil {
		return fmt.Errorf("read no bytes of %s, which has %d: returned %d, %d, %v", stream, whole, n, size, err)
	}
	return nil
}

func difference(got, want []byte) string {
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	return fmt.Sprintf("%d bytes, should be %d; the first difference is at %d", len(got), len(want), at)
}

// everyByte returns text with characters of several bytes, and every byte, which is not text.
func everyByte() []byte {
	data := []byte("äöü 漢字 🙂\r\n\n")
	for b := range 256 {
		data = append(data, byte(b))
	}
	return data
}

// outputExact checks that both streams arrive byte for byte, while they grow.
func outputExact(ctx context.Context, s *suite) error {
	if _, err := s.reader(); err != nil {
		return err
	}
	in, err := s.create(ctx)
	if err != nil {
		return err
	}
	var wanted [2][]byte
	streams := []invoker.Stream{invoker.Stdout, invoker.Stderr}
	for i, stream := range streams {
		// What programs print before they are asked to is none of ours.
		if wanted[i], err = s.readAll(ctx, in, stream, 0, 4096); err != nil {
			return err
		}
	}
	for round, data := range [][]byte{nil, []byte("no newline"), everyByte(), bytes.Repeat([]byte("0123456789abcde\n"), 5_000), []byte("ä")[:1], []byte("ä")[1:]} {
		for i, stream := range streams {
			printed := append(data[:len(data):len(data)], fmt.Sprintf("%s %d\n", stream, round)...)
			if err := s.print(ctx, in, stream, printed); err != nil {
				return err
			}
			wanted[i] = append(wanted[i], printed...)
			err := eventually(ctx, func() error { return s.holds(ctx, in, stream, wanted[i]) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// outputAfterEnd checks that the output of containers that have ended, or were destroyed, can be read.
func outputAfterEnd(ctx context.Context, s *suite) error {
	if _, err := s.reader(); err != nil {
		return err
	}
	w := s.watch(ctx)
	for _, destroyed := range []bool{false, true} {
		in, err := s.create(ctx)
		if err != nil {
			return err
		}
		before, err := s.readAll(ctx, in, invoker.Stdout, 0, 4096)
		if err != nil {
			return err
		}
		if err := s.print(ctx, in, invoker.Stdout, []byte("last words")); err != nil {
			return err
		}
		if destroyed {
			err = s.destroy(ctx, in.ID)
		} else {
			s.exit(ctx, in, 0)
			_, err = w.gone(in.ID)
		}
		if err != nil {
			return err
		}
		want := append(before, "last words"...)
		if err := eventually(ctx, func() error { return s.holds(ctx, in, invoker.Stdout, want) }); err != nil {
			return fmt.Errorf("after its end: %w", err)
		}
	}
	return w.stop()
}

// outputOfNothing checks that there is an error where there is no stream.
func outputOfNothing(ctx context.Context, s *suite) error {
	r, err := s.reader()
	if err != nil {
		return err
	}
	in, err := s.create(ctx)
	if err != nil {
		return err
	}
	never := in
	never.ID, never.Incarnation = s.newID(), "never"
	buf := make([]byte, 16)
	for what, read := range map[string]func() (int, int64, error){
		"of a container that never was": func() (int, int64, error) { return r.ReadOutput(ctx, never, invoker.Stdout, 0, buf) },
		"of a stream that is none":      func() (int, int64, error) { return r.ReadOutput(ctx, in, "../"+invoker.Stdout, 0, buf) },
		"from a negative offset on":     func() (int, int64, error) { return r.ReadOutput(ctx, in, invoker.Stdout, -1, buf) },
	} {
		n, _, err := read()
		var gone *invoker.OutputGoneError
		if n != 0 || err == nil || errors.As(err, &gone) {
			return fmt.Errorf("read output %s: returned %d, %v, should be an error", what, n, err)
		}
	}
	return nil
}
