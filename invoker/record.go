package invoker

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The keys of what is stored. Other users of the same store have keys that begin otherwise.
const (
	runKey          = "invoker/run"        // the number of the last run, in decimal
	ordersKey       = "invoker/orders"     // what an operator has asked for: orders
	containerPrefix = "invoker/container/" // and the ID of a container: a record
)

// storedRecord is a record in the store. Names are short and never change.
type storedRecord struct {
	Incarnation string        `json:"incarnation,omitempty"`
	Namespace   string        `json:"namespace"`
	Action      string        `json:"action"`
	Revision    string        `json:"revision,omitempty"`
	Kind        string        `json:"kind"`
	Image       string        `json:"image,omitempty"`
	Memory      int           `json:"memory"`
	Tenant      string        `json:"tenant,omitempty"`
	Concurrency int           `json:"concurrency"`
	Timeout     time.Duration `json:"timeout"`
	Term        uint64        `json:"term"`
	Initialised bool          `json:"initialised,omitempty"`
}

func encodeRecord(r record) []byte {
	k := r.Key
	value, _ := json.Marshal(storedRecord{
		r.Incarnation, k.Namespace, k.Action, k.Revision, k.Kind, k.Image, k.Memory, k.Tenant, k.Concurrency, r.Timeout, r.Term, r.Initialised,
	}) // fails for no value of this type
	return value
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// decodeRecord returns the record of a container. One that cannot be read is that of a container of which nobody knows what
// it was bound to: it has no key, and /init has not succeeded.
func decodeRecord(id string, value []byte) record {
	var s storedRecord
	if json.Unmarshal(value, &s) != nil {
		return record{ID: id}
	}
	return record{
		ID: id, Incarnation: s.Incarnation, Timeout: s.Timeout, Term: s.Term, Initialised: s.Initialised,
		Key: Key{s.Namespace, s.Action, s.Revision, Shape{s.Kind, s.Image, s.Memory, s.Tenant}, s.Concurrency},
	}
}

// contents are what is in a store.
type contents struct {
	run     uint64   // the number of the last one
	records []record // in the order of their IDs
	orders  orders
}

// decodeStore returns what is in a store.
func decodeStore(all map[string][]byte) (c contents, err error) {
	if text, found := all[runKey]; found {
		if c.run, err = strconv.ParseUint(string(text), 10, 64); err != nil {
			return contents{}, fmt.Errorf("invoker: the store's record %s: %w", runKey, err)
		}
	}
	if text, found := all[ordersKey]; found {
		if err := json.Unmarshal(text, &c.orders); err != nil {
			return contents{}, fmt.Errorf("invoker: the store's record %s: %w", ordersKey, err)
		}
	}
	for _, key := range sortedKeys(all) {
		if id, ours := strings.CutPrefix(key, containerPrefix); ours {
			c.records = append(c.records, decodeRecord(id, all[key]))
		}
	}
	return c, nil
}
