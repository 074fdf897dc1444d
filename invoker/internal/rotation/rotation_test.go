package rotation

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// files are those of a stream, by their suffix.
type files map[string]*file

type file struct{ text []byte }

func (f files) ReadFile(_ context.Context, suffix string, offset int64, buf []byte) (int, int64, error) {
	from := f[suffix]
	if from == nil {
		return 0, 0, fs.ErrNotExist
	}
	return copy(buf, from.text[min(offset, int64(len(from.text))):]), int64(len(from.text)), nil
}

// world is a stream that somebody prints to, rotates, and reads.
type world struct {
	files
	*Streams
	t       *testing.T
	printed []byte
	offset  int64
	before  []string // what was read before each error,
	got     string   // and since the last one
	gone    []int64
}

func newWorld(t *testing.T) *world {
	return &world{files: files{"": {}}, Streams: New(10), t: t}
}

func (w *world) print(text string) {
	w.printed = append(w.printed, text...)
	f := w.files[""]
	f.text = append(f.text, text...)
}

// rotate renames the file, or copies it and truncates it, which is the same to those who read.
func (w *world) rotate() {
	w.files[".1"] = w.files[""]
	w.truncate()
}

func (w *world) truncate() { w.files[""] = new(file) }

// read reads once, and notes what is said to be gone.
func (w *world) read(length int) {
	buf := make([]byte, length)
	n, size, err := w.Read(w.t.Context(), "s", w.ReadFile, w.offset, buf)
	var gone *invoker.OutputGoneError
	if errors.As(err, &gone) {
		require.Greater(w.t, gone.From, w.offset)
		w.offset, w.before, w.got = gone.From, append(w.before, w.got), ""
		w.gone = append(w.gone, gone.From)
		return
	}
	require.NoError(w.t, err)
	require.LessOrEqual(w.t, w.offset+int64(n), max(size, w.offset))
	w.offset += int64(n)
	w.got += string(buf[:n])
}

// size asks for the size.
func (w *world) size() int64 {
	n, size, err := w.Read(w.t.Context(), "s", w.ReadFile, 0, nil)
	require.NoError(w.t, err)
	require.Zero(w.t, n)
	return size
}

func TestStreamGoesOnInTheNextFile(t *testing.T) {
	long := func(b byte) string { return string(make([]byte, 100)) + fmt.Sprint(b) }
	for name, c := range map[string]struct {
		do    func(w *world)
		wants string
		gone  []int64
	}{
		"that is shorter":          {func(w *world) { w.print("cd"); w.rotate(); w.print("e") }, "abcde", nil},
		"that is longer":           {func(w *world) { w.print("cd"); w.rotate(); w.print("efghijkl") }, "abcdefghijkl", nil},
		"that is as long":          {func(w *world) { w.rotate(); w.print("ef") }, "abef", nil},
		"that is longer, by size":  {func(w *world) { w.print("cd"); w.rotate(); w.print("efghijkl"); w.size() }, "abcdefghijkl", nil},
		"of which some is unread":  {func(w *world) { w.print("cd"); w.rotate(); w.size(); w.print("e") }, "abcde", nil},
		"after two that were lost": {func(w *world) { w.print("cd"); w.rotate(); w.print("efgh"); w.rotate(); w.print("i") }, "i", []int64{3}},
		"after two of one size": {func(w *world) {
			w.print("cd")
			w.rotate()
			require.EqualValues(w.t, 4, w.size())
			w.print("efgh")
			w.rotate()
			w.print("ijkl")
		}, "ijkl", []int64{4}},
		"after one that was truncated": {func(w *world) { w.print("cd"); w.truncate(); w.print("e") }, "e", []int64{3}},
		"an older one is not read again": {func(w *world) {
			w.rotate()
			w.print(long(1))
			w.read(1000)
			w.truncate()
			w.print("e")
		}, "e", []int64{int64(2 + len(long(1)) + 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.print("ab")
			w.read(10)
			c.do(w)
			for range 6 {
				w.read(1000)
			}
			require.Equal(t, c.wants, w.got)
			require.Equal(t, c.gone, w.gone)
			require.Equal(t, w.offset, w.size(), "the size is known however often it was rotated")
		})
	}
}

// known reads what is there, and reports whether that is enough to tell the file from another one that is longer.
func (w *world) known() bool {
	for range 9 {
		w.read(2000)
	}
	return len(w.files[""].text) >= seam
}

// Whatever is done to the files: what is read without an error between was printed one after the other, and nothing comes twice.
func TestPropertyNothingIsMissingUnlessItIsSaidAndNothingComesTwice(t *testing.T) {
	lost, bytes := 0, 0
	for seed := range uint64(60) {
		w, r := newWorld(t), rand.New(rand.NewPCG(seed, 5))
		for range 200 {
			switch n := r.IntN(20); {
			case n < 8:
				for range r.IntN(12) {
					w.print(fmt.Sprintf("%x\n", r.Uint64()))
				}
			case n == 8:
				w.rotate()
			case n == 9 && seed%2 == 0 && w.known():
				w.truncate()
			case n == 10 && seed%3 == 0 && w.known():
				w.truncate()
				delete(w.files, ".1") // it is compressed
			case n == 11:
				w.size()
			case n < 16:
				w.read(1 + r.IntN(300))
			}
		}
		seen, printed := 0, string(w.printed)
		for _, part := range append(w.before, w.got) {
			at := strings.Index(printed[seen:], part)
			require.GreaterOrEqual(t, at, 0, "seed %d: %q", seed, part)
			seen += at + len(part)
			bytes += len(part)
		}
		lost += len(w.gone)
	}
	require.Greater(t, lost, 300)
	require.Greater(t, bytes, 200_000)
}
