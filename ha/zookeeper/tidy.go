package zookeeper

const (
	// Each 64 KiB of the log should take one entry, and some more: a member that begins reads all of them. So small
	// ones become one, which is at most four times as large: servers and other members get it as a whole.
	entrySize    = 64 << 10
	moreEntries  = 128
	tidySize     = 4 * entrySize
	smallEntry   = tidySize / 2
	fewestFolded = 8
	// mostReplaced keeps the request short, which names each entry that it deletes.
	mostReplaced = 256
	// sizeAllowed is how much longer the log may be than twice the records.
	sizeAllowed = 1 << 20
)

// untidy returns which entries, if any, should give way to one other, and its changes. When the log is too long that is
// the begin of it, of which only those records are written anew that count; when there are too many entries, the longest
// series of small ones.
func (r *replica) untidy() (replaced []entry, e entry, changes map[string][]byte) {
	long := r.size > 2*r.live+sizeAllowed
	switch {
	case long:
		size := 0
		for i, old := range r.entries {
			if size += old.size; i > 0 && size > tidySize || i == mostReplaced {
				break
			}
			replaced = r.entries[:i+1]
		}
		e.first, e.last = r.last()+1, r.last()+1
	case len(r.entries) > moreEntries+r.size/entrySize:
		if replaced = r.longestSeries(); len(replaced) < fewestFolded {
			return nil, entry{}, nil
		}
		e.first, e.last = replaced[0].first, replaced[len(replaced)-1].last
	default:
		return nil, entry{}, nil
	}
	return replaced, e, r.changesOf(replaced, long)
}

// changesOf returns what counts of entries in a row. Their deletions do so only while there are entries before them.
func (r *replica) changesOf(entries []entry, areFirst bool) map[string][]byte {
	changes := map[string][]byte{}
	within := entry{first: entries[0].first, last: entries[len(entries)-1].last}
	for key, record := range r.records {
		if within.has(record.at) && (record.value != nil || !areFirst) {
			changes[key] = record.value
		}
	}
	return changes
}

// longestSeries returns the most small entries in a row that are not too much for one.
func (r *replica) longestSeries() (most []entry) {
	from, size := 0, 0
	for i, e := range r.entries {
		if size += e.size; e.size > smallEntry {
			from, size = i+1, 0
			continue
		}
		for size > tidySize || i-from >= mostReplaced {
			size -= r.entries[from].size
			from++
		}
		if i+1-from > len(most) {
			most = r.entries[from : i+1]
		}
	}
	return most
}
