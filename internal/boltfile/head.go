package boltfile

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
)

// Meta is the content of a meta page.
type Meta struct {
	PageSize, Root, Freelist, Pages, Transaction uint64
}

// Head is what the head of a file says.
type Head struct {
	Meta        // the newest that is intact
	Found  bool // there is one
	Magic  bool // a page says that it is a meta page, intact or not
	intact bool // both are, and one follows the other
	marked uint64
}

// ReadHead reads the head of a file. Its errors are those of reading.
func ReadHead(file io.ReaderAt) (h Head, err error) {
	first, magic, ok, err := metaAt(file, 0)
	if err != nil {
		return Head{}, err
	}
	h = Head{Meta: first, Found: ok, Magic: magic, intact: ok}
	// The first page has the page size, and so the position of the second. If the first is bad, the second may be at
	// any power of two.
	for size := uint64(1 << 10); size <= 1<<24; size <<= 1 {
		if ok && size != first.PageSize {
			continue
		}
		second, magic, ok, err := metaAt(file, int64(size))
		if err != nil {
			return Head{}, err
		}
		ok = ok && second.PageSize == size
		h.Magic = h.Magic || magic
		h.intact = h.intact && ok && (second.Transaction == first.Transaction+1 || first.Transaction == second.Transaction+1)
		if ok && (!h.Found || second.Transaction > h.Transaction) {
			h.Meta, h.Found = second, true
		}
	}
	if h.Found {
		h.marked, err = marked(file, h.PageSize)
	}
	return h, err
}

// NotNewest returns why the state that bbolt finds may not be the newest one of the file, "" if it is.
func (h Head) NotNewest() string {
	switch {
	case h.marked > h.Transaction:
		return fmt.Sprintf("its newest state is damaged, that of transaction %d; only an older one is whole, that of transaction %d", h.marked, h.Transaction)
	case h.marked == 0 && !h.intact: // of a version without marks
		return fmt.Sprintf("a page at its head is damaged; the state that is whole, that of transaction %d, may be an older one", h.Transaction)
	}
	return ""
}

// metaAt reads a meta page. Magic says that there is one, ok that it is intact. A page begins with a header of 16 bytes;
// numbers are in the byte order of the machine.
func metaAt(file io.ReaderAt, at int64) (m Meta, magic, ok bool, err error) {
	const header = 16
	var page [header + 64]byte
	if _, err := file.ReadAt(page[:], at); err == io.EOF {
		return Meta{}, false, false, nil
	} else if err != nil {
		return Meta{}, false, false, err
	}
	b := page[header:]
	magic = binary.NativeEndian.Uint32(b) == 0xED0CDAED
	sum := fnv.New64a()
	_, _ = sum.Write(b[:56])
	m = Meta{
		PageSize:    uint64(binary.NativeEndian.Uint32(b[8:])),
		Root:        binary.NativeEndian.Uint64(b[16:]),
		Freelist:    binary.NativeEndian.Uint64(b[32:]),
		Pages:       binary.NativeEndian.Uint64(b[40:]),
		Transaction: binary.NativeEndian.Uint64(b[48:]),
	}
	ok = magic && binary.NativeEndian.Uint32(b[4:]) == 2 && binary.NativeEndian.Uint64(b[56:]) == sum.Sum64() &&
		m.PageSize >= 1<<10 && m.PageSize <= 1<<24 && m.PageSize&(m.PageSize-1) == 0
	return m, magic, ok, nil
}
