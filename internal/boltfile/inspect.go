package boltfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// The parts of a bbolt file, in the byte order of the machine. A page begins with its number (8 bytes),
// flags (2), count of elements (2), and how many pages more belong to it (4). An element of a leaf has
// flags, position of the key seen from the element, key size, value size (4 each), the value behind the
// key; one of a branch has position, key size (4 each) and the number of a page (8). A bucket is a value:
// number of its root page and a counter (8 each); when the number is 0, a leaf follows right there.
const (
	pageHeader  = 16
	elementSize = 16
	bucketSize  = 16

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	bucketFlag   = 0x01

	noFreelist = 1<<64 - 1 // in place of its page: bbolt finds the free pages when it opens the file
)

// Inspection reads a database with plain reads and trusts nothing that it reads: every page in use must be in bounds, be
// used once, not be listed as free, and have its keys in order. bbolt can safely read and write a file that was inspected as
// a whole; in a damaged one it could read pages that do not exist, on a goroutine of its own, which ends the process.
type Inspection struct {
	Meta
	file io.ReaderAt
	used []bool // by page number
	last []byte // the page that was read last; the next one is read into the same memory
}

// Damage is an error: why a file is damaged.
type Damage string

func (d Damage) Error() string { return string(d) }

// Foreign is an error: why a file is one of another program.
type Foreign string

func (f Foreign) Error() string { return string(f) }

// Inspect begins an inspection of a file of so many bytes. Like its methods it returns a Damage, a Foreign, or an error of
// reading. It is a Damage, too, if only an older state is whole: bbolt would open the file with that.
func Inspect(file io.ReaderAt, size int64) (*Inspection, error) {
	head, err := ReadHead(file)
	in := &Inspection{Meta: head.Meta, file: file}
	switch {
	case err != nil:
		return nil, err
	case !head.Found && head.Magic:
		return nil, in.damaged("both pages at its head are bad")
	case !head.Found:
		return nil, Foreign("not a bbolt database")
	case head.Pages < 4 || head.Pages > uint64(size)/head.PageSize:
		return nil, in.damaged("%d bytes, should be %d pages of %d", size, head.Pages, head.PageSize)
	case head.NotNewest() != "":
		return nil, Damage(head.NotNewest())
	}
	in.used = make([]bool, in.Pages)
	in.used[0], in.used[1] = true, true
	return in, nil
}

// Buckets returns the buckets of the database by name.
func (in *Inspection) Buckets() (map[string][]byte, error) {
	buckets := map[string][]byte{}
	err := in.tree(in.Root, nil, nil, func(name, value []byte, bucket bool) error {
		if !bucket {
			return Foreign(fmt.Sprintf("record %.40q outside the buckets", name))
		}
		buckets[string(name)] = bytes.Clone(value)
		return nil
	})
	return buckets, err
}

func (in *Inspection) damaged(detail string, args ...any) error {
	return Damage(fmt.Sprintf(detail, args...))
}

// Bucket visits the records of a bucket, one of those that Buckets has returned. It must not have further buckets. Visit must
// not keep what it is passed.
func (in *Inspection) Bucket(value []byte, visit func(key, value []byte)) error {
	each := func(key, value []byte, bucket bool) error {
		if bucket {
			return in.damaged("bucket %.40q among the records", key)
		}
		visit(key, value)
		return nil
	}
	if len(value) < bucketSize {
		return in.damaged("bucket of %d bytes", len(value))
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return in.tree(root, nil, nil, each)
	}
	page := value[bucketSize:]
	if len(page) < pageHeader || binary.NativeEndian.Uint16(page[8:]) != leafPage {
		return in.damaged("bad page within a bucket")
	}
	return in.leaf(0, page, nil, nil, each)
}

// tree visits the elements of a page and of those below it. Unless low is nil, the first key must be low; unless high
// is nil, all keys must be below high.
func (in *Inspection) tree(id uint64, low, high []byte, visit func(key, value []byte, bucket bool) error) error {
	page, err := in.page(id)
	if err != nil {
		return err
	}
	switch flags := binary.NativeEndian.Uint16(page[8:]); flags {
	case leafPage:
		return in.leaf(id, page, low, high, visit)
	case branchPage:
		return in.branch(id, page, low, high, visit)
	default:
		return in.damaged("page %d: flags %#x where data belongs", id, flags)
	}
}

func (in *Inspection) leaf(id uint64, page, low, high []byte, visit func(key, value []byte, bucket bool) error) error {
	count := int(binary.NativeEndian.Uint16(page[10:]))
	if count == 0 && low != nil {
		return in.damaged("page %d: no elements below a branch", id)
	}
	for i := range count {
		at := pageHeader + i*elementSize
		if at+elementSize > len(page) {
			return in.damaged("page %d: element %d is outside", id, i)
		}
		e := page[at:]
		flags := binary.NativeEndian.Uint32(e)
		key, rest, err := in.key(id, i, e, binary.NativeEndian.Uint32(e[4:]), binary.NativeEndian.Uint32(e[8:]))
		if err != nil {
			return err
		}
		size := uint64(binary.NativeEndian.Uint32(e[12:]))
		if size > uint64(len(rest)) || flags&^bucketFlag != 0 {
			return in.damaged("page %d: element %d has flags %#x and %d bytes", id, i, flags, size)
		}
		if err := in.inOrder(id, i, key, low, high); err != nil {
			return err
		}
		if err := visit(key, rest[:size], flags == bucketFlag); err != nil {
			return err
		}
		low = key
	}
	return nil
}

func (in *Inspection) branch(id uint64, page, low, high []byte, visit func(key, value []byte, bucket bool) error) error {
	type child struct {
		key []byte
		id  uint64
	}
	children := make([]child, binary.NativeEndian.Uint16(page[10:]))
	if len(children) == 0 {
		return in.damaged("page %d: branch without elements", id)
	}
	page = bytes.Clone(page) // its keys are needed while the pages below are read
	for i := range children {
		at := pageHeader + i*elementSize
		if at+elementSize > len(page) {
			return in.damaged("page %d: element %d is outside", id, i)
		}
		e := page[at:]
		key, _, err := in.key(id, i, e, binary.NativeEndian.Uint32(e), binary.NativeEndian.Uint32(e[4:]))
		if err != nil {
			return err
		}
		if err := in.inOrder(id, i, key, low, high); err != nil {
			return err
		}
		children[i] = child{key, binary.NativeEndian.Uint64(e[8:])}
		low = key
	}
	for i, c := range children {
		below := high
		if i+1 < len(children) {
			below = children[i+1].key
		}
		if err := in.tree(c.id, c.key, below, visit); err != nil {
			return err
		}
	}
	return nil
}

// key returns the key of an element and what follows it in the page.
func (in *Inspection) key(id uint64, i int, element []byte, position, size uint32) (key, rest []byte, err error) {
	end := uint64(position) + uint64(size)
	if size == 0 || end > uint64(len(element)) {
		return nil, nil, in.damaged("page %d: key of element %d is outside", id, i)
	}
	return element[position:end], element[end:], nil
}

// inOrder returns an error unless the first key of a page is low, its key in the page above, and each further key is
// above the one before. A page whose first key is above low could be read; but when bbolt writes that page again, it
// does not find its key in the page above, and enters the page there a second time.
func (in *Inspection) inOrder(id uint64, i int, key, low, high []byte) error {
	order := bytes.Compare(key, low)
	if i == 0 && low != nil && order != 0 || i > 0 && order <= 0 || high != nil && bytes.Compare(key, high) >= 0 {
		return in.damaged("page %d: key %d is out of order", id, i)
	}
	return nil
}

// page reads a page and its overflow pages, and marks them as used. The result is valid until the next page is read.
func (in *Inspection) page(id uint64) ([]byte, error) {
	if id >= in.Pages {
		return nil, in.damaged("page %d of %d", id, in.Pages)
	}
	page := slices.Grow(in.last[:0], int(in.PageSize))[:in.PageSize]
	in.last = page
	if err := in.read(page, id); err != nil {
		return nil, err
	}
	if got := binary.NativeEndian.Uint64(page); got != id {
		return nil, in.damaged("page %d says it is page %d", id, got)
	}
	more := uint64(binary.NativeEndian.Uint32(page[12:]))
	if more >= in.Pages-id {
		return nil, in.damaged("page %d and %d more, of %d", id, more, in.Pages)
	}
	for i := id; i <= id+more; i++ {
		if in.used[i] {
			return nil, in.damaged("page %d is used twice", i)
		}
		in.used[i] = true
	}
	if more == 0 {
		return page, nil
	}
	page = slices.Grow(page, int(more*in.PageSize))[:(1+more)*in.PageSize]
	in.last = page
	return page, in.read(page[in.PageSize:], id+1)
}

func (in *Inspection) read(b []byte, id uint64) error {
	if _, err := in.file.ReadAt(b, int64(id*in.PageSize)); err != nil {
		return fmt.Errorf("read page %d: %w", id, err)
	}
	return nil
}

// Free returns an error if a page that is listed as free was visited: bbolt would overwrite it. It is called last.
func (in *Inspection) Free() error {
	if in.Freelist == noFreelist {
		return nil
	}
	page, err := in.page(in.Freelist)
	if err != nil {
		return err
	}
	if flags := binary.NativeEndian.Uint16(page[8:]); flags != freelistPage {
		return in.damaged("page %d: flags %#x where free pages are listed", in.Freelist, flags)
	}
	count, list := uint64(binary.NativeEndian.Uint16(page[10:])), page[pageHeader:]
	if count == 0xFFFF { // the count is the first of the list
		count, list = binary.NativeEndian.Uint64(list), list[8:]
	}
	if count > uint64(len(list)/8) {
		return in.damaged("page %d: %d free pages in %d bytes", in.Freelist, count, len(list))
	}
	for i := range count {
		id := binary.NativeEndian.Uint64(list[i*8:])
		if id >= in.Pages || in.used[id] {
			return in.damaged("page %d is in use and free", id)
		}
		in.used[id] = true
	}
	return nil
}
