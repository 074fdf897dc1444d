package resources

import (
	"slices"
	"sort"
)

// span is a range of numbers, both ends included.
type span struct{ begin, end uint64 }

// joinSpans sorts ranges and joins those that touch or overlap. It may reorder its argument.
func joinSpans(spans []span) []span {
	if len(spans) == 0 {
		return nil
	}
	slices.SortFunc(spans, func(a, b span) int {
		switch {
		case a.begin < b.begin:
			return -1
		case a.begin > b.begin:
			return 1
		}
		return 0
	})
	out := []span{spans[0]}
	for _, s := range spans[1:] {
		last := &out[len(out)-1]
		if s.begin > last.end && s.begin-last.end > 1 {
			out = append(out, s)
			continue
		}
		last.end = max(last.end, s.end)
	}
	return out
}

// cutSpans returns what of from is in none of take.
func cutSpans(from, take []span) []span {
	out := slices.Clone(from)
	for _, t := range take {
		var rest []span
		for _, s := range out {
			if t.end < s.begin || t.begin > s.end {
				rest = append(rest, s)
				continue
			}
			if s.begin < t.begin {
				rest = append(rest, span{s.begin, t.begin - 1})
			}
			if s.end > t.end {
				rest = append(rest, span{t.end + 1, s.end})
			}
		}
		out = rest
	}
	return out
}

func addItems(a, b []string) []string {
	out := append(slices.Clone(a), b...)
	sort.Strings(out)
	return slices.Compact(out)
}

func cutItems(from, take []string) []string {
	return slices.DeleteFunc(slices.Clone(from), func(s string) bool { return slices.Contains(take, s) })
}
