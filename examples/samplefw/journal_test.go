//go:build integration

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// journal is what has happened in a generation.
type journal struct {
	lock       sync.Mutex
	tally      tally
	faults     []string
	transcript strings.Builder
}

func (j *journal) count(name string, n int) {
	j.lock.Lock()
	defer j.lock.Unlock()
	j.tally[name] += n
}

// fault records something that must not happen.
func (j *journal) fault(format string, args ...any) {
	j.lock.Lock()
	defer j.lock.Unlock()
	j.faults = append(j.faults, fmt.Sprintf(format, args...))
	fmt.Fprintln(&j.transcript, "FAULT", j.faults[len(j.faults)-1])
}

// write adds a line to the transcript.
func (j *journal) write(format string, args ...any) {
	j.lock.Lock()
	defer j.lock.Unlock()
	fmt.Fprintf(&j.transcript, format+"\n", args...)
}

func (j *journal) said() string {
	j.lock.Lock()
	defer j.lock.Unlock()
	return j.transcript.String()
}

// tally counts what happened, to show at which moments the kills came.
type tally map[string]int

func (t tally) sum(other tally) {
	for name, n := range other {
		t[name] += n
	}
}

func (t tally) String() string {
	var s strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t)) {
		fmt.Fprintf(&s, "%6d %s\n", t[name], name)
	}
	return s.String()
}
