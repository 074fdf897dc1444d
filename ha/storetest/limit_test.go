package storetest

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// limited is a plain store that says how much it takes at once, and takes as much as it really does.
type limited struct {
	*plain
	says, takes limit
	counts      func(records) int // bytes
	excess      func(to, changes records) error
}

func (l *limited) BatchLimit() (records, bytes int) { return l.says.records, l.says.bytes }

var errTooLarge = errors.New("too large")

func newLimited(says limit) *limited {
	l := &limited{plain: newPlain(), says: says, takes: says, counts: sizeOf}
	l.excess = func(records, records) error { return errTooLarge }
	l.apply = func(to, changes records) error {
		if _, ok := changes[""]; ok {
			return errors.New("empty key")
		}
		if !l.takes.takes(len(changes), l.counts(changes)) {
			return l.excess(to, changes)
		}
		put(to, changes)
		return nil
	}
	return l
}

// failedLimits returns the checks that a kind of store fails, each with a new store.
func failedLimits(t *testing.T, says limit, breakIt func(*limited)) []string {
	var failed []string
	for _, c := range append(checks(), limitChecks()...) {
		l := newLimited(says)
		breakIt(l)
		if err := c.run(t.Context(), l, func(Store) Store { return l }); err != nil {
			failed = append(failed, c.name)
		}
	}
	return failed
}

// A store with a limit is not asked for more, however small that is, and passes all checks.
func TestLimitedStorePasses(t *testing.T) {
	for _, says := range []limit{{}, {records: 1}, {records: 2}, {records: 128}, {bytes: 100}, {bytes: 64 << 10}, {records: 64, bytes: 1 << 20}, {records: 1 << 30, bytes: 1 << 40}} {
		require.Empty(t, failedLimits(t, says, func(*limited) {}), says)
		require.Empty(t, failedLimits(t, says, func(l *limited) { l.takes = limit{} }), "takes more than it says, as a whole: %v", says)
	}
	Run(t, func(*testing.T) Store { return newLimited(limit{records: 100, bytes: 4096}) }, nil)
}

func TestBrokenLimitsFail(t *testing.T) {
	says := limit{records: 100, bytes: 64 << 10}
	for name, test := range map[string]struct {
		breakIt func(*limited)
		want    []string
	}{
		"a record less":       {func(l *limited) { l.takes.records-- }, []string{"takes its limit", "many keys"}},
		"a byte less":         {func(l *limited) { l.takes.bytes-- }, []string{"takes its limit"}},
		"keys count for more": {func(l *limited) { l.counts = func(c records) int { return sizeOf(c) + 10*len(c) } }, []string{"takes its limit"}},
		"deletions count for more": {func(l *limited) {
			l.counts = func(c records) int {
				size := sizeOf(c)
				for _, value := range c {
					if value == nil {
						size += 1 << 10
					}
				}
				return size
			}
		}, []string{"takes its limit", "many keys"}},
		"takes the first of too much": {func(l *limited) {
			l.excess = func(to, changes records) error {
				part := records{}
				for _, key := range slices.Sorted(maps.Keys(changes))[:min(len(changes), 3)] {
					part[key] = changes[key]
				}
				put(to, part)
				return errTooLarge
			}
		}, []string{"more than its limit", "refused as a whole"}},
		"forgets the rest of too much": {func(l *limited) {
			l.excess = func(to, changes records) error { put(to, records{"stays": nil}); return nil }
		}, []string{"more than its limit", "refused as a whole"}},
		"breaks of too much": {func(l *limited) {
			l.excess = func(to, changes records) error { l.takes.records = -1; return errTooLarge }
		}, []string{"more than its limit"}},
		"says that another leads": {func(l *limited) {
			l.excess = func(to, changes records) error { return errFenced{true} }
		}, []string{"more than its limit"}},
		"says less and less": {func(l *limited) {
			apply := l.apply
			l.apply = func(to, changes records) error { l.says.bytes--; return apply(to, changes) }
		}, []string{"limit stays"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := failedLimits(t, says, test.breakIt)
			require.NotEmpty(t, got)
			require.Subset(t, test.want, got)
			require.Contains(t, got, test.want[0])
		})
	}
}

func TestDivide(t *testing.T) {
	changes := records{"a": []byte("1"), "b": nil, "c": []byte(strings.Repeat("x", 10)), "d": {}}
	for _, test := range []struct {
		limit limit
		want  []records
	}{
		{limit{}, []records{changes}},
		{limit{records: 4, bytes: 15}, []records{changes}},
		{limit{records: 3}, []records{{"a": changes["a"], "b": nil, "c": changes["c"]}, {"d": {}}}},
		{limit{bytes: 11}, []records{{"a": changes["a"], "b": nil}, {"c": changes["c"]}, {"d": {}}}},
		{limit{bytes: 10}, []records{{"a": changes["a"], "b": nil, "d": {}}}},
	} {
		require.Equal(t, test.want, test.limit.divide(changes), test.limit)
	}
}

func TestSized(t *testing.T) {
	for _, size := range []struct{ records, bytes int }{{1, 6}, {1, 100}, {3, 100}, {7, 1000}, {100, 1600}} {
		changes := sized("a", size.records, size.bytes)
		require.Len(t, changes, size.records)
		require.Equal(t, size.bytes, sizeOf(changes))
	}
	require.Empty(t, sized("a", 0, 10))
	require.Empty(t, sized("a", 10, 10))
}
