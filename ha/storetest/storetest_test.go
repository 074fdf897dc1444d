package storetest

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// plain is a correct store, with fields that make it a broken one.
type plain struct {
	mu      sync.Mutex
	records records
	last    records // before the last Apply

	load  func(records) records           // what Load returns
	apply func(to, changes records) error // how Apply changes the records
	ended func(context.Context) error     // whether a context has ended
	torn  bool                            // other calls may run after each key
}

func newPlain() *plain {
	return &plain{
		records: records{},
		load:    cloned,
		apply: func(to, changes records) error {
			if _, ok := changes[""]; ok {
				return errors.New("empty key")
			}
			put(to, changes)
			return nil
		},
		ended: func(ctx context.Context) error { return context.Cause(ctx) },
	}
}

func cloned(of records) records {
	c := records{}
	for key, value := range of {
		c[key] = bytes.Clone(value)
	}
	return c
}

func put(to, changes records) {
	for key, value := range changes {
		if value == nil {
			delete(to, key)
		} else {
			to[key] = bytes.Clone(value)
		}
	}
}

func (p *plain) Load(ctx context.Context) (map[string][]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.ended(ctx); err != nil {
		return nil, err
	}
	if p.torn {
		p.letIn()
	}
	return p.load(p.records), nil
}

func (p *plain) Apply(ctx context.Context, changes map[string][]byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.ended(ctx); err != nil {
		return err
	}
	p.last = cloned(p.records)
	if !p.torn {
		return p.apply(p.records, changes)
	}
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		put(p.records, records{key: changes[key]})
		p.letIn()
	}
	return nil
}

// letIn takes some time, as a disk would, and lets other calls run. It must be called in a synctest bubble.
func (p *plain) letIn() {
	pause := time.Duration(rand.IntN(1000)) * time.Microsecond
	p.mu.Unlock()
	time.Sleep(pause)
	p.mu.Lock()
}

func (p *plain) reopen(Store) Store { return p }

// failures returns the checks that a kind of store fails, each with a new store.
func failures(t *testing.T, breakIt func(*plain)) []string {
	var failed []string
	for _, c := range checks() {
		p := newPlain()
		breakIt(p)
		if err := c.run(t.Context(), p, p.reopen); err != nil {
			failed = append(failed, c.name)
		}
	}
	return failed
}

func TestRightStorePasses(t *testing.T) {
	require.Empty(t, failures(t, func(*plain) {}))
	Run(t, func(*testing.T) Store { return newPlain() }, nil)
}

// Each kind of broken store fails exactly the checks listed for it.
func TestBrokenStoresFail(t *testing.T) {
	tests := []struct {
		name    string
		breakIt func(*plain)
		want    []string
	}{
		{"loads nil when empty", func(p *plain) {
			p.load = func(of records) records {
				if len(of) == 0 {
					return nil
				}
				return cloned(of)
			}
		}, []string{"empty at first", "delete", "many keys", "durable"}},
		{"is not empty at first", func(p *plain) { p.records["x"] = []byte("old") },
			[]string{"empty at first", "any bytes", "overwrite", "delete", "large values", "many keys",
				"arguments are copied", "results are the caller's", "refused as a whole", "context ended", "durable"}},
		{"loads empty values as nil", func(p *plain) {
			p.load = func(of records) records {
				c := cloned(of)
				for key, value := range c {
					if len(value) == 0 {
						c[key] = nil
					}
				}
				return c
			}
		}, []string{"any bytes", "overwrite", "delete", "durable"}},
		{"ends keys at a zero byte", func(p *plain) {
			p.apply = func(to, changes records) error {
				for key, value := range changes {
					if before, _, found := strings.Cut(key, "\x00"); found && before != "" {
						key = before
					}
					put(to, records{key: value})
				}
				return nil
			}
		}, []string{"any bytes"}},
		{"ignores case", func(p *plain) {
			p.apply = func(to, changes records) error {
				for key, value := range changes {
					put(to, records{strings.ToLower(key): value})
				}
				return nil
			}
		}, []string{"any bytes", "durable"}},
		{"keeps the first value", func(p *plain) {
			p.apply = func(to, changes records) error {
				for key, value := range changes {
					if _, ok := to[key]; !ok || value == nil {
						put(to, records{key: value})
					}
				}
				return nil
			}
		}, []string{"overwrite", "delete", "large values", "refused as a whole", "concurrent applies have an order", "load sees whole applies", "durable"}},
		{"loses deletions", func(p *plain) {
			p.apply = func(to, changes records) error {
				for key, value := range changes {
					if value != nil {
						put(to, records{key: value})
					}
				}
				return nil
			}
		}, []string{"delete", "large values", "many keys", "refused as a whole", "load sees whole applies", "durable"}},
		{"deletes empty values", func(p *plain) {
			p.apply = func(to, changes records) error {
				for key, value := range changes {
					if len(value) == 0 {
						value = nil
					}
					put(to, records{key: value})
				}
				return nil
			}
		}, []string{"any bytes", "overwrite", "delete", "durable"}},
		{"cuts large values", func(p *plain) {
			p.apply = func(to, changes records) error {
				for key, value := range changes {
					put(to, records{key: value[:min(len(value), 1<<20-1)]})
				}
				return nil
			}
		}, []string{"large values"}},
		{"replaces everything", func(p *plain) {
			p.apply = func(to, changes records) error { clear(to); put(to, changes); return nil }
		}, []string{"overwrite", "delete", "large values", "many keys", "refused as a whole", "concurrent applies have an order", "durable"}},
		{"keeps the arguments", func(p *plain) {
			p.apply = func(to, changes records) error {
				put(to, changes)
				for key, value := range changes {
					if value != nil {
						to[key] = value
					}
				}
				return nil
			}
		}, []string{"arguments are copied"}},
		{"returns its own slices", func(p *plain) { p.load = maps.Clone[records] }, []string{"results are the caller's"}},
		{"applies a refused batch in part", func(p *plain) {
			p.apply = func(to, changes records) error {
				for _, key := range slices.Backward(slices.Sorted(maps.Keys(changes))) {
					if key == "" {
						return errors.New("empty key")
					}
					put(to, records{key: changes[key]})
				}
				return nil
			}
		}, []string{"refused as a whole"}},
		{"ignores contexts", func(p *plain) { p.ended = func(context.Context) error { return nil } }, []string{"context ended"}},
		{"forgets the cause", func(p *plain) { p.ended = context.Context.Err }, []string{"context ended"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := failures(t, test.breakIt)
			for _, name := range test.want {
				require.Contains(t, got, name)
			}
			require.Subset(t, test.want, got)
		})
	}
}

// These stores would end the test's process in other checks, or pass them by chance.
func TestBrokenStoresFailOneCheck(t *testing.T) {
	tests := []struct {
		name    string
		breakIt func(*plain)
		check   func(context.Context, Store) error
	}{
		{"returns its own map", func(p *plain) { p.load = func(of records) records { return of } }, resultsCopied},
		{"writes key by key, others between", func(p *plain) { p.torn = true }, serialOrder},
		{"writes key by key, loads between", func(p *plain) { p.torn = true }, wholeApplies},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlain()
				test.breakIt(p)
				require.Error(t, test.check(t.Context(), p))
			})
		})
	}
}

// There are several ways not to be durable.
func TestNotDurableFails(t *testing.T) {
	for name, reopened := range map[string]func(*plain){
		"forgets all":        func(p *plain) { p.records = records{} },
		"forgets the last":   func(p *plain) { p.records = p.last },
		"forgets a deletion": func(p *plain) { p.records["a"] = []byte("1") },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlain()
			require.Error(t, durable(t.Context(), p, func(Store) Store { reopened(p); return p }))
		})
	}
}

// Two workers apply perRound batches each, and test.last is what these may leave.
func TestSerial(t *testing.T) {
	batches := []batch{{0, 1}, {0, 2}, {1, 2}, {0, 1}, {2}, {2}} // 0, 1, 2 by one worker, 3, 4, 5 by another
	tests := []struct {
		why  string
		last []int
		want bool
	}{
		{"0 1 2, then 3 4 5", []int{3, 3, 5}, true},
		{"3 4 5, then 0 1 2", []int{1, 2, 2}, true},
		{"0 1 3 4 5 2", []int{3, 2, 2}, true},
		{"3 wrote key 0 after 1, hence after 0, which wrote key 1 after 3", []int{3, 0, 2}, false},
		{"1 after 3 on key 0, 3 after 2 on key 1, but 1 comes before 2", []int{1, 3, 5}, false},
		{"4 is before 5, which writes the same key", []int{3, 3, 4}, false},
		{"2 does not write key 0", []int{2, 2, 2}, false},
		{"no value that was written", []int{-1, 3, 5}, false},
	}
	for _, test := range tests {
		t.Run(test.why, func(t *testing.T) { require.Equal(t, test.want, serial(batches, test.last)) })
	}
}
