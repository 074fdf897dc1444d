package controlapi

import (
	"bufio"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"io"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// The limits of a page.
const (
	defaultPage = 100
	maxPage     = 1000
)

// listQuery has the parameters of GET /v1/tasks.
type listQuery struct {
	states     map[task.State]bool // empty: any
	exact      map[string]string   // by parameter
	text       string              // in lower case
	labels     []label
	sort       string
	descending bool
	limit      int
	after      *cursor // nil: from the beginning
	summary    bool
}

// label is a label that a task must have, with this value if one was given.
type label struct {
	name, value string
	valued      bool
}

// parseListQuery returns the query of these parameters, or an error for one that is not valid.
func parseListQuery(values url.Values) (*listQuery, error) {
	q := &listQuery{states: map[task.State]bool{}, exact: map[string]string{}, limit: defaultPage}
	for name, given := range values {
		for _, value := range given {
			if reason := q.set(name, value); reason != "" {
				return nil, invalid(name, value, reason)
			}
		}
	}
	return q, nil
}

// set sets one parameter, and returns what is wrong with it.
func (q *listQuery) set(name, value string) (wrong string) {
	switch name {
	case "state":
		for name := range strings.SplitSeq(value, ",") {
			state, err := task.ParseState(name)
			if err != nil {
				return "must be names of states, such as running,staging"
			}
			q.states[state] = true
		}
	case "group", "role", "pod", "agent":
		q.exact[name] = value
	case "q":
		q.text = strings.ToLower(value)
	case "label":
		l := label{}
		l.name, l.value, l.valued = strings.Cut(value, "=")
		q.labels = append(q.labels, l)
	case "sort":
		q.sort, q.descending = strings.CutPrefix(value, "-")
		if sortKey(q.sort) == nil {
			return "must be submitted, updated, id, state, group or agent, with a - before it for descending order"
		}
	case "limit":
		if value == "all" {
			q.limit = math.MaxInt
			return ""
		}
		limit, err := strconv.Atoi(value)
		if limit < 1 || limit > maxPage || err != nil {
			return "must be a number from 1 to 1000, or all"
		}
		q.limit = limit
	case "after":
		var err error
		if q.after, err = parseCursor(value); err != nil && value != "" {
			return "must be the next of a page"
		}
	case "view":
		if value != "full" && value != "summary" {
			return "must be full or summary"
		}
		q.summary = value == "summary"
	default:
		return "is not a parameter"
	}
	return ""
}

// passes reports whether a task passes the filter.
func (q *listQuery) passes(i *task.Info) bool {
	if len(q.states) > 0 && !q.states[i.State] {
		return false
	}
	for name, want := range q.exact {
		if !hasValue(i, name, want) {
			return false
		}
	}
	for _, l := range q.labels {
		if value, has := i.Spec.Labels[l.name]; !has || l.valued && value != l.value {
			return false
		}
	}
	return q.text == "" || q.isIn(i.Spec.ID) || q.isIn(i.Spec.Name) || q.isIn(i.Spec.Group) || q.isIn(i.Hostname)
}

// isIn reports whether the text that is looked for is a part of s.
func (q *listQuery) isIn(s string) bool { return strings.Contains(strings.ToLower(s), q.text) }

// hasValue reports whether a task has a value in what a parameter names.
func hasValue(i *task.Info, name, want string) bool {
	switch name {
	case "group":
		return i.Spec.Group == want
	case "role":
		return i.Spec.Role == want
	case "pod":
		return i.Spec.Pod == want
	default: // the agent, by ID or hostname
		return i.AgentID == want || i.Hostname == want
	}
}

// key is what tasks are sorted by: n, then s, then the order of submission.
type key struct {
	n int64
	s string
}

func (k key) compare(to key) int {
	if k.n != to.n {
		return cmp.Compare(k.n, to.n)
	}
	return strings.Compare(k.s, to.s)
}

// sortKey returns the function for a name, or nil.
func sortKey(by string) func(*task.Info) key {
	switch by {
	case "", "submitted":
		return func(*task.Info) key { return key{} } // the order of submission is that of serial numbers
	case "updated":
		return func(i *task.Info) key { return key{n: i.Updated.UnixNano()} }
	case "id":
		return func(i *task.Info) key { return key{s: i.Spec.ID} }
	case "state":
		return func(i *task.Info) key { return key{n: int64(i.State)} }
	case "group":
		return func(i *task.Info) key { return key{s: i.Spec.Group} }
	case "agent":
		return func(i *task.Info) key { return key{s: i.Hostname} }
	}
	return nil
}

// cursor is the end of a page: the last task on it, as it was then.
type cursor struct {
	N         int64     `json:"n,omitzero"`
	S         string    `json:"s,omitzero"`
	Submitted time.Time `json:"t"`
	ID        string    `json:"i"`
}

func parseCursor(text string) (*cursor, error) {
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	c := &cursor{}
	if err := json.Unmarshal(decoded, c); err != nil {
		return nil, err
	}
	return c, nil
}

func (c cursor) String() string {
	encoded, err := json.Marshal(c)
	if err != nil {
		return "" // a year beyond 9999
	}
	return base64.RawURLEncoding.EncodeToString(encoded)
}

// row is a task that passes the filter.
type row struct {
	key  key
	item *item
}

// order returns the order of the rows.
func (q *listQuery) order() func(a, b row) int {
	up := func(a, b row) int {
		if o := a.key.compare(b.key); o != 0 {
			return o
		}
		return cmp.Compare(a.item.serial, b.item.serial)
	}
	if q.descending {
		return func(a, b row) int { return up(b, a) }
	}
	return up
}

// lowest returns the first n rows in order. Most lists need few of many: these are found without sorting all.
func lowest(rows []row, n int, order func(a, b row) int) []row {
	if n <= 0 || len(rows) <= 2*n { // 0: it has overflowed
		slices.SortFunc(rows, order)
		return rows
	}
	chosen := slices.Clone(rows[:n])
	slices.SortFunc(chosen, order)
	for batch := range slices.Chunk(rows[n:], n) {
		last, before := chosen[n-1], len(chosen)
		for _, r := range batch {
			if order(r, last) < 0 {
				chosen = append(chosen, r)
			}
		}
		if len(chosen) > before {
			slices.SortFunc(chosen, order)
			chosen = chosen[:n]
		}
	}
	return chosen
}

// found is what a page has, not encoded yet.
type found struct {
	items []*item
	total int
	next  string
}

// find finds a page among the tasks, which are in order of submission.
func (q *listQuery) find(items []*item) found {
	by, rows := sortKey(q.sort), make([]row, 0, len(items))
	for _, it := range items {
		if q.passes(&it.info) {
			rows = append(rows, row{by(&it.info), it})
		}
	}
	f := found{total: len(rows)}
	order := q.order()
	if q.after != nil {
		last := q.lastOf(items)
		rows = slices.DeleteFunc(rows, func(r row) bool { return order(r, last) <= 0 })
	}
	rows = lowest(rows, q.limit+1, order)
	if len(rows) > q.limit {
		rows = rows[:q.limit]
		f.next = rows[q.limit-1].cursor().String()
	}
	for _, r := range rows {
		f.items = append(f.items, r.item)
	}
	return f
}

// write writes the page as a TaskPage, one task after the other: together they may be very large.
func (f found) write(w io.Writer, summary bool, version uint64) error {
	b := bufio.NewWriterSize(w, 64<<10)
	_, _ = b.WriteString(`{"tasks":[`) // of its errors b remembers the first
	for i, it := range f.items {
		if i > 0 {
			_ = b.WriteByte(',')
		}
		_, _ = b.Write(it.encoded(summary))
	}
	rest := mustEncode(struct {
		Total   int    `json:"total"`
		Next    string `json:"next,omitzero"`
		Version uint64 `json:"version"`
	}{f.total, f.next, version})
	_, _ = b.WriteString("],")
	_, _ = b.Write(rest[1:])
	_ = b.WriteByte('\n')
	return b.Flush()
}

func (r row) cursor() cursor {
	return cursor{N: r.key.n, S: r.key.s, Submitted: r.item.info.Submitted, ID: r.item.info.Spec.ID}
}

// lastOf returns the last row of the page before. If its task is on record no more, the row is before those that were
// submitted at the same time or later: a task may come twice then, but none is left out.
func (q *listQuery) lastOf(items []*item) row {
	last := row{key{q.after.N, q.after.S}, &item{}}
	for _, it := range items {
		if it.info.Spec.ID == q.after.ID {
			last.item = it
			return last
		}
		if it.info.Submitted.Before(q.after.Submitted) {
			last.item = it
		}
	}
	if q.descending {
		last.item = &item{serial: last.item.serial + 1}
	}
	return last
}
