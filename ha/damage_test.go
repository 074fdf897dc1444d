package ha

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/mesos-actor/mesos-actor-go/internal/boltfile"
)

// The parts of a page, see package boltfile.
const (
	pageHeader, elementSize = 16, 16
	leafPage, freelistPage  = 0x02, 0x10
)

// damage edits an image. Each edit is eight bytes: where, what, and with which bytes.
func damage(image, edits []byte) []byte {
	image = bytes.Clone(image)
	for ; len(edits) >= 8 && len(image) >= 2*pageSize; edits = edits[8:] {
		at := int(binary.BigEndian.Uint32(edits)) % len(image)
		page, other := at/pageSize*pageSize, int(edits[6])*pageSize%(len(image)/pageSize*pageSize)
		switch edits[4] % 6 {
		case 0, 1: // a byte
			image[at] ^= edits[5] | 1
		case 2: // a number
			binary.NativeEndian.PutUint32(image[min(at/4*4, len(image)-4):], binary.BigEndian.Uint32(edits[4:]))
		case 3: // a range
			for i := at; i < min(at+int(edits[7])*16, len(image)); i++ {
				image[i] = edits[5] + byte(i)*edits[6]
			}
		case 4: // a page from elsewhere
			copy(image[page:], image[other:min(other+pageSize, len(image))])
		case 5: // the file is cut off
			image = image[:at]
		}
	}
	return image
}

// survives opens a damaged file. Invariants: OpenFile never panics. It returns ErrFormat or ErrCorrupt and does not
// change the file, or it returns a store with the records of the last Apply, and that store works. If there is more than one
// damage, both pages at the head may be damaged such that the records are those of the Apply before.
func survives(t *testing.T, c commit, image []byte, damages int) (refused bool) {
	path := filepath.Join(t.TempDir(), "image")
	writeImage(t, path, image)
	f, err := OpenFile(path)
	if err != nil {
		require.True(t, errors.Is(err, ErrFormat) || errors.Is(err, ErrCorrupt), "%v", err)
		require.ErrorContains(t, err, path)
		now, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(image, now), "the file was changed")
		return true
	}
	got := load(t, f)
	if damages < 2 || !maps.EqualFunc(got, c.old, bytes.Equal) {
		require.Equal(t, c.new, got)
	}
	want := maps.Clone(got)
	for _, key := range []string{"task-1", "new"} {
		want[key] = make([]byte, 5000)
		require.NoError(t, f.Apply(t.Context(), map[string][]byte{key: want[key], "task-2": nil}))
	}
	delete(want, "task-2")
	require.Equal(t, want, load(t, f))
	require.NoError(t, f.Close())
	require.Equal(t, want, load(t, openFile(t, path)))
	return false
}

func TestDamage(t *testing.T) {
	c := history(t, filepath.Join(t.TempDir(), "store"), 20)[19]
	random := rand.New(rand.NewPCG(7, 8))
	refused, n := 0, 150
	if testing.Short() {
		n = 30
	}
	for range n {
		edits := make([]byte, 8)
		for i := range edits {
			edits[i] = byte(random.Uint32())
		}
		if survives(t, c, damage(c.after, edits), 1) {
			refused++
		}
	}
	require.Greater(t, refused, n/10)
	require.Less(t, refused, n, "damage to what is not used does no harm")
}

// fixedImage returns a store file with the records of the twentieth commit of history. bbolt writes to any free page,
// so no two runs of history give the same file, and edits that found something in one mean nothing in another: what
// FuzzDamage finds, now and in its seeds, is about this file. It was written once, from commit.after.
func fixedImage(t testing.TB) []byte {
	file, err := os.Open(filepath.Join("testdata", "store.gz"))
	require.NoError(t, err)
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	require.NoError(t, err)
	image, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	return image
}

// FuzzDamage checks the invariants that survives lists.
func FuzzDamage(f *testing.F) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		f.Skip("bbolt's files have the byte order of the machine, and the file at hand is little-endian")
	}
	c := history(f, filepath.Join(f.TempDir(), "store"), 20)[19]
	c.after = fixedImage(f)
	f.Add([]byte{}) // the file is whole
	f.Add([]byte{0, 0, 0, 24, 0, 1, 0, 0})
	f.Add([]byte{0, 0, 0x30, 10, 2, 255, 255, 255})
	f.Add([]byte{0, 0, 0x20, 0, 4, 0, 5, 0, 0, 0, 0, 30, 1, 1, 1, 1})
	// Found: a key in a branch that is below the first key of its child. Such a file was read, and bbolt entered the
	// child twice when it wrote to it.
	f.Add([]byte{0, 0, 0x70, 0xB0, 0, 5, 0, 0})
	f.Add([]byte{0, 0, 0x70, 0xBA, 0, 1, 0, 0})
	// Found: the older page at the head was copied over the newer one, in a file without marks.
	f.Add([]byte("00\x000X0A0"))
	// Found: damage itself wrote a number behind the end of a file that it had cut to no multiple of four.
	f.Add([]byte{0, 0, 0x20, 0x02, 5, 0, 0, 0, 0, 0, 0x20, 0x01, 2, 1, 1, 1})
	f.Fuzz(func(t *testing.T, edits []byte) { survives(t, c, damage(c.after, edits), len(edits)/8) })
}

// A bit of the file was flipped, any one: it opens with the newest state, or it is refused. One of the two pages at its head
// has the newest state; without marks it used to open with the state before if a bit was flipped there.
func TestFlippedBit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store")
	step := 11 // all bits of the heads, every so many of the others
	if testing.Short() {
		step = 101
	}
	for n, c := range history(t, path, 3) {
		image := filepath.Join(dir, "image")
		writeImage(t, image, c.after)
		file, err := os.OpenFile(image, os.O_RDWR, 0)
		require.NoError(t, err)
		newest, err := inspectRecords(file)
		require.NoError(t, err)
		refused, flips := 0, 0
		for bit := range 8 * len(c.after) {
			head := bit/8 < 2*pageSize && bit/8%pageSize < markOffset+markSize
			if !head && bit%step != 0 {
				continue
			}
			flips++
			flip := func() {
				c.after[bit/8] ^= 1 << (bit % 8)
				_, err := file.WriteAt(c.after[bit/8:bit/8+1], int64(bit/8))
				require.NoError(t, err)
			}
			flip()
			got, err := inspectRecords(file)
			if err != nil {
				require.True(t, errors.Is(err, ErrCorrupt) || errors.Is(err, ErrFormat), "%v", err)
				refused++
			} else if got != newest {
				require.FailNow(t, "an older state without a word", "state %d, bit %d of byte %d", n, bit%8, bit/8)
			}
			flip()
		}
		require.NoError(t, file.Close())
		require.Greater(t, refused, 100)
		require.Less(t, refused, flips, "damage to what is not used does no harm")
	}
}

func TestFilesOfOthers(t *testing.T) {
	dir := t.TempDir()
	bolt := func(name string, fill func(*bbolt.Tx) error) []byte {
		db, err := bbolt.Open(filepath.Join(dir, name), 0o600, nil)
		require.NoError(t, err)
		require.NoError(t, db.Update(fill))
		require.NoError(t, db.Close())
		image, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return image
	}
	ours := bolt("newer", func(tx *bbolt.Tx) error {
		about, err := tx.CreateBucket([]byte(aboutBucket))
		require.NoError(t, err)
		require.NoError(t, about.Put([]byte(formatKey), []byte("mesos-actor-go/ha 2")))
		_, err = tx.CreateBucket([]byte(recordsBucket))
		return err
	})
	foreign := bolt("foreign", func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("members"))
		return err
	})
	bare := bolt("bare", func(*bbolt.Tx) error { return nil })
	c := history(t, filepath.Join(dir, "store"), 5)[4]
	headless := bytes.Clone(c.after)
	headless[pageHeader+20]++
	headless[pageSize+pageHeader+20]++
	tests := []struct {
		why   string
		image []byte
		want  error
		text  string
	}{
		{"an empty file may be one that was cut off", nil, ErrFormat, "not a bbolt database"},
		{"short text", []byte("hello\n"), ErrFormat, "not a bbolt database"},
		{"long text", bytes.Repeat([]byte("hello\n"), 10_000), ErrFormat, "not a bbolt database"},
		{"zeros", make([]byte, 1<<16), ErrFormat, "not a bbolt database"},
		{"another program's bbolt database", foreign, ErrFormat, "a bbolt database of something else"},
		{"a bbolt database with nothing in it", bare, ErrFormat, "a bbolt database of something else"},
		{"a store of a newer version", ours, ErrFormat, `format "mesos-actor-go/ha 2", this program knows "mesos-actor-go/ha 1"`},
		{"cut in the middle", c.after[:len(c.after)/4], ErrCorrupt, "bytes, should be"},
		{"cut behind the head", c.after[:2*pageSize], ErrCorrupt, "8192 bytes, should be"},
		{"both heads damaged", headless, ErrCorrupt, "both pages at its head are bad"},
		{"garbage behind the head", append(bytes.Clone(c.after[:2*pageSize]), bytes.Repeat([]byte{0xA5}, len(c.after)-2*pageSize)...),
			ErrCorrupt, "says it is page"},
	}
	for _, test := range tests {
		t.Run(test.why, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "image")
			writeImage(t, path, test.image)
			_, err := OpenFile(path)
			require.ErrorIs(t, err, test.want)
			require.ErrorContains(t, err, path+": ")
			require.ErrorContains(t, err, test.text)
			now, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(test.image, now), "the file was changed")
		})
	}
}

// Each kind of damage to the structure is detected as what it is, before bbolt reads the file. (The digest would detect
// some of it as well.)
func TestDamagedStructure(t *testing.T) {
	c := history(t, filepath.Join(t.TempDir(), "store"), 20)[19]
	path := filepath.Join(t.TempDir(), "image")
	writeImage(t, path, c.after)
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	m, err := boltfile.ReadHead(file)
	require.NoError(t, err)
	root, free := int(m.Root)*pageSize, int(m.Freelist)*pageSize
	// The root has the elements of the two buckets, and after these their keys and values.
	records := root + pageHeader + elementSize
	records += int(binary.NativeEndian.Uint32(c.after[records+4:])) + len(recordsBucket)
	branch := int(binary.NativeEndian.Uint64(c.after[records:])) * pageSize
	order := binary.NativeEndian
	tests := []struct {
		why  string
		edit func(image []byte)
		text string
	}{
		{"bbolt would write over the root", func(b []byte) { order.PutUint64(b[free+pageHeader:], m.Root) }, "is in use and free"},
		{"bbolt would write behind the end", func(b []byte) { order.PutUint64(b[free+pageHeader:], m.Pages) }, "is in use and free"},
		{"bbolt would give a page out twice", func(b []byte) { copy(b[free+pageHeader:free+pageHeader+8], b[free+pageHeader+8:]) }, "is in use and free"},
		{"bbolt would read behind the page", func(b []byte) { order.PutUint16(b[free+10:], 60_000) }, "60000 free pages in 4080 bytes"},
		{"bbolt would ask for that much memory", func(b []byte) {
			order.PutUint16(b[free+10:], 0xFFFF)
			order.PutUint64(b[free+pageHeader:], 1<<40)
		}, "1099511627776 free pages in 4072 bytes"},
		{"another kind of page", func(b []byte) { order.PutUint16(b[free+8:], leafPage) }, "flags 0x2 where free pages are listed"},
		{"another kind of page", func(b []byte) { order.PutUint16(b[root+8:], freelistPage) }, "flags 0x10 where data belongs"},
		{"the page is elsewhere", func(b []byte) { order.PutUint64(b[root:], 1) }, "says it is page 1"},
		{"a child of two", func(b []byte) { copy(b[branch+pageHeader+elementSize+8:][:8], b[branch+pageHeader+8:]) }, "is used twice"},
		{"a page that reaches behind the end", func(b []byte) { order.PutUint32(b[root+12:], 1<<31) }, "and 2147483648 more"},
		{"a child behind the end", func(b []byte) { order.PutUint64(b[branch+pageHeader+8:], 1<<50) }, "page 1125899906842624 of"},
		{"a child that is the branch itself", func(b []byte) { order.PutUint64(b[branch+pageHeader+8:], uint64(branch/pageSize)) }, "is used twice"},
		{"no children", func(b []byte) { order.PutUint16(b[branch+10:], 0) }, "branch without elements"},
		{"more children than there is room for", func(b []byte) { order.PutUint16(b[branch+10:], 60_000) }, "is outside"},
		{"more elements than there is room for", func(b []byte) { order.PutUint16(b[root+10:], 60_000) }, "is outside"},
		{"a key outside the page", func(b []byte) { order.PutUint32(b[root+pageHeader+4:], 1<<31) }, "key of element 0 is outside"},
		{"an empty key", func(b []byte) { order.PutUint32(b[root+pageHeader+8:], 0) }, "key of element 0 is outside"},
		{"a value outside the page", func(b []byte) { order.PutUint32(b[root+pageHeader+12:], 1<<31) }, "2147483648 bytes"},
		{"an unknown flag", func(b []byte) { order.PutUint32(b[root+pageHeader:], 3) }, "flags 0x3"},
		{"a child that begins above its key: bbolt would enter it twice", func(b []byte) {
			e := branch + pageHeader + elementSize
			end := e + int(order.Uint32(b[e:])+order.Uint32(b[e+4:]))
			b[end-1]--
		}, "key 0 is out of order"},
		{"a child without elements", func(b []byte) {
			child := int(order.Uint64(b[branch+pageHeader+8:])) * pageSize
			order.PutUint16(b[child+10:], 0)
		}, "no elements below a branch"},
		{"children out of order", func(b []byte) {
			e := b[branch+pageHeader:]
			order.PutUint32(e, order.Uint32(e[elementSize:])+elementSize) // the first has the key of the second
			copy(e[4:8], e[elementSize+4:elementSize+8])
		}, "is out of order"},
	}
	for _, test := range tests {
		t.Run(test.why, func(t *testing.T) {
			image := bytes.Clone(c.after)
			test.edit(image)
			writeImage(t, path, image)
			_, err := OpenFile(path)
			require.ErrorIs(t, err, ErrCorrupt)
			require.ErrorContains(t, err, test.text)
		})
	}
}

// A file that another program damages while it is open makes calls return an error, and does not end the process.
func TestDamagedWhileOpen(t *testing.T) {
	tests := []struct {
		why string
		do  func(t *testing.T, file *os.File, size int64)
	}{
		{"cut off: reading the mapped file faults", func(t *testing.T, file *os.File, _ int64) { require.NoError(t, file.Truncate(2*pageSize)) }},
		{"garbage", func(t *testing.T, file *os.File, size int64) {
			_, err := file.WriteAt(bytes.Repeat([]byte{0xA5}, int(size)-2*pageSize), 2*pageSize)
			require.NoError(t, err)
		}},
	}
	t.Run("a byte of a value: only Load notices", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "store")
		f := openFile(t, path)
		require.NoError(t, f.Apply(t.Context(), map[string][]byte{"a": []byte("the value")}))
		image, err := os.ReadFile(path)
		require.NoError(t, err)
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		require.NoError(t, err)
		defer file.Close()
		_, err = file.WriteAt([]byte("T"), int64(bytes.LastIndex(image, []byte("the value"))))
		require.NoError(t, err)
		_, err = f.Load(t.Context())
		require.ErrorIs(t, err, ErrCorrupt)
		require.ErrorContains(t, err, "1 records of checksum")
	})
	for _, test := range tests {
		t.Run(test.why, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store")
			f := openFile(t, path)
			all := map[string][]byte{}
			for i := range 200 {
				all[string(rune('a'+i))] = make([]byte, 1000)
			}
			require.NoError(t, f.Apply(t.Context(), all))
			info, err := os.Stat(path)
			require.NoError(t, err)
			file, err := os.OpenFile(path, os.O_RDWR, 0)
			require.NoError(t, err)
			defer file.Close()
			test.do(t, file, info.Size())

			_, err = f.Load(t.Context())
			require.ErrorIs(t, err, ErrCorrupt)
			require.ErrorContains(t, err, path)
			require.ErrorIs(t, f.Apply(t.Context(), map[string][]byte{"a": []byte("1")}), ErrCorrupt)
			require.NoError(t, f.Close())
			require.ErrorIs(t, f.Apply(t.Context(), nil), ErrClosed)
			_, err = OpenFile(path)
			require.ErrorIs(t, err, ErrCorrupt, "the lock is gone")
		})
	}
}
