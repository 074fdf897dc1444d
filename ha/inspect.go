package ha

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"

	"github.com/mesos-actor/mesos-actor-go/internal/boltfile"
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
)

// inspection reads a store file with plain reads and trusts nothing that it reads.
type inspection struct {
	file *os.File
	boltfile.Meta
	used []bool // by page number
}

// inspect returns an error unless the file is an intact store: every page in use is in bounds, is used once, is not
// listed as free, and has its keys in order; and the records match the digest. bbolt can safely read and write a file
// that inspect accepts.
func inspect(file *os.File) error {
	_, err := inspectRecords(file)
	return err
}

// inspectRecords inspects the file and returns the digest of its records.
func inspectRecords(file *os.File) (got digest, err error) {
	in := &inspection{file: file}
	if in.Meta, err = readMeta(file); err != nil {
		return got, err
	}
	in.used = make([]bool, in.Pages)
	in.used[0], in.used[1] = true, true
	buckets := map[string][]byte{}
	err = in.tree(in.Root, nil, nil, func(name, value []byte, bucket bool) error {
		if !bucket {
			return in.bad(ErrFormat, "record %.40q outside the buckets", name)
		}
		buckets[string(name)] = bytes.Clone(value)
		return nil
	})
	if err != nil {
		return got, err
	}
	want, err := in.about(buckets)
	if err != nil {
		return got, err
	}
	err = in.bucket(buckets[recordsBucket], func(key, value []byte) { got.add(key, value) })
	if err != nil {
		return got, err
	}
	if got != want {
		return got, in.bad(ErrCorrupt, "%s, should be %s", got, want)
	}
	return got, in.freelistPages()
}

func (in *inspection) bad(kind error, detail string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", kind, in.file.Name(), fmt.Sprintf(detail, args...))
}

// about checks that the buckets are those of a store of this version and returns its digest.
func (in *inspection) about(buckets map[string][]byte) (digest, error) {
	if buckets[aboutBucket] == nil || buckets[recordsBucket] == nil || len(buckets) != 2 {
		return digest{}, in.bad(ErrFormat, "a bbolt database of something else")
	}
	about := map[string][]byte{}
	err := in.bucket(buckets[aboutBucket], func(key, value []byte) { about[string(key)] = bytes.Clone(value) })
	if err != nil {
		return digest{}, err
	}
	if got := string(about[formatKey]); got != format {
		return digest{}, in.bad(ErrFormat, "format %.40q, this program knows %q", got, format)
	}
	d, err := decodeDigest(about[digestKey])
	if err != nil {
		return digest{}, in.bad(ErrCorrupt, "%v", err)
	}
	return d, nil
}

// bucket visits the records of a bucket, which must not have further buckets.
func (in *inspection) bucket(value []byte, visit func(key, value []byte)) error {
	each := func(key, value []byte, bucket bool) error {
		if bucket {
			return in.bad(ErrCorrupt, "bucket %.40q among the records", key)
		}
		visit(key, value)
		return nil
	}
	if len(value) < bucketSize {
		return in.bad(ErrCorrupt, "bucket of %d bytes", len(value))
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return in.tree(root, nil, nil, each)
	}
	page := value[bucketSize:]
	if len(page) < pageHeader || binary.NativeEndian.Uint16(page[8:]) != leafPage {
		return in.bad(ErrCorrupt, "bad page within a bucket")
	}
	return in.leaf(0, page, nil, nil, each)
}

// tree visits the elements of a page and of those below it. Unless low is nil, the first key must be low; unless high
// is nil, all keys must be below high.
func (in *inspection) tree(id uint64, low, high []byte, visit func(key, value []byte, bucket bool) error) error {
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
		return in.bad(ErrCorrupt, "page %d: flags %#x where data belongs", id, flags)
	}
}

func (in *inspection) leaf(id uint64, page, low, high []byte, visit func(key, value []byte, bucket bool) error) error {
	count := int(binary.NativeEndian.Uint16(page[10:]))
	if count == 0 && low != nil {
		return in.bad(ErrCorrupt, "page %d: no elements below a branch", id)
	}
	for i := range count {
		at := pageHeader + i*elementSize
		if at+elementSize > len(page) {
			return in.bad(ErrCorrupt, "page %d: element %d is outside", id, i)
		}
		e := page[at:]
		flags := binary.NativeEndian.Uint32(e)
		key, rest, err := in.key(id, i, e, binary.NativeEndian.Uint32(e[4:]), binary.NativeEndian.Uint32(e[8:]))
		if err != nil {
			return err
		}
		size := uint64(binary.NativeEndian.Uint32(e[12:]))
		if size > uint64(len(rest)) || flags&^bucketFlag != 0 {
			return in.bad(ErrCorrupt, "page %d: element %d has flags %#x and %d bytes", id, i, flags, size)
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

func (in *inspection) branch(id uint64, page, low, high []byte, visit func(key, value []byte, bucket bool) error) error {
	type child struct {
		key []byte
		id  uint64
	}
	children := make([]child, binary.NativeEndian.Uint16(page[10:]))
	if len(children) == 0 {
		return in.bad(ErrCorrupt, "page %d: branch without elements", id)
	}
	for i := range children {
		at := pageHeader + i*elementSize
		if at+elementSize > len(page) {
			return in.bad(ErrCorrupt, "page %d: element %d is outside", id, i)
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
func (in *inspection) key(id uint64, i int, element []byte, position, size uint32) (key, rest []byte, err error) {
	end := uint64(position) + uint64(size)
	if size == 0 || end > uint64(len(element)) {
		return nil, nil, in.bad(ErrCorrupt, "page %d: key of element %d is outside", id, i)
	}
	return element[position:end], element[end:], nil
}

// inOrder returns an error unless the first key of a page is low, its key in the page above, and each further key is
// above the one before. A page whose first key is above low could be read; but when bbolt writes that page again, it
// does not find its key in the page above, and enters the page there a second time.
func (in *inspection) inOrder(id uint64, i int, key, low, high []byte) error {
	order := bytes.Compare(key, low)
	if i == 0 && low != nil && order != 0 || i > 0 && order <= 0 || high != nil && bytes.Compare(key, high) >= 0 {
		return in.bad(ErrCorrupt, "page %d: key %d is out of order", id, i)
	}
	return nil
}

// page reads a page and its overflow pages, and marks them as used.
func (in *inspection) page(id uint64) ([]byte, error) {
	if id >= in.Pages {
		return nil, in.bad(ErrCorrupt, "page %d of %d", id, in.Pages)
	}
	page := make([]byte, in.PageSize)
	if err := in.read(page, id); err != nil {
		return nil, err
	}
	if got := binary.NativeEndian.Uint64(page); got != id {
		return nil, in.bad(ErrCorrupt, "page %d says it is page %d", id, got)
	}
	more := uint64(binary.NativeEndian.Uint32(page[12:]))
	if more >= in.Pages-id {
		return nil, in.bad(ErrCorrupt, "page %d and %d more, of %d", id, more, in.Pages)
	}
	for i := id; i <= id+more; i++ {
		if in.used[i] {
			return nil, in.bad(ErrCorrupt, "page %d is used twice", i)
		}
		in.used[i] = true
	}
	if more == 0 {
		return page, nil
	}
	page = append(page, make([]byte, more*in.PageSize)...)
	return page, in.read(page[in.PageSize:], id+1)
}

func (in *inspection) read(b []byte, id uint64) error {
	if _, err := in.file.ReadAt(b, int64(id*in.PageSize)); err != nil {
		return fmt.Errorf("read page %d: %w", id, err)
	}
	return nil
}

// freelistPages returns an error if a page listed as free is used: bbolt would overwrite it.
func (in *inspection) freelistPages() error {
	page, err := in.page(in.Freelist)
	if err != nil {
		return err
	}
	if flags := binary.NativeEndian.Uint16(page[8:]); flags != freelistPage {
		return in.bad(ErrCorrupt, "page %d: flags %#x where free pages are listed", in.Freelist, flags)
	}
	count, list := uint64(binary.NativeEndian.Uint16(page[10:])), page[pageHeader:]
	if count == 0xFFFF { // the count is the first of the list
		count, list = binary.NativeEndian.Uint64(list), list[8:]
	}
	if count > uint64(len(list)/8) {
		return in.bad(ErrCorrupt, "page %d: %d free pages in %d bytes", in.Freelist, count, len(list))
	}
	for i := range count {
		id := binary.NativeEndian.Uint64(list[i*8:])
		if id >= in.Pages || in.used[id] {
			return in.bad(ErrCorrupt, "page %d is in use and free", id)
		}
		in.used[id] = true
	}
	return nil
}

// readMeta returns the newest meta page, or an error if only an older one is intact. bbolt would open the file with that.
func readMeta(file *os.File) (boltfile.Meta, error) {
	in := &inspection{file: file} // for its errors
	info, err := file.Stat()
	if err != nil {
		return boltfile.Meta{}, err
	}
	head, err := boltfile.ReadHead(file)
	switch {
	case err != nil:
		return boltfile.Meta{}, err
	case !head.Found && head.Magic:
		return boltfile.Meta{}, in.bad(ErrCorrupt, "both pages at its head are bad")
	case !head.Found:
		return boltfile.Meta{}, in.bad(ErrFormat, "not a bbolt database")
	case head.Pages < 4 || head.Pages > uint64(info.Size())/head.PageSize:
		return boltfile.Meta{}, in.bad(ErrCorrupt, "%d bytes, should be %d pages of %d", info.Size(), head.Pages, head.PageSize)
	case head.NotNewest() != "":
		return boltfile.Meta{}, in.bad(ErrCorrupt, "%s", head.NotNewest())
	}
	return head.Meta, nil
}
