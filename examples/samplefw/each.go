package main

import (
	"fmt"
	"io"
	"sync"
)

// atOnce is how many requests are under way at a time.
const atOnce = 16

// each calls a function for the numbers below n, some at a time, and returns the error of the lowest number that has one.
func each(n int, do func(i int) error) error {
	errs := make([]error, n)
	numbers := make(chan int)
	var workers sync.WaitGroup
	for range min(n, atOnce) {
		workers.Go(func() {
			for i := range numbers {
				errs[i] = do(i)
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// statusLine says on a terminal how much of something is done, in a line that is written again and again. Elsewhere it writes
// nothing.
type statusLine struct {
	to   io.Writer // nil: not a terminal
	rest string    // of the line

	mu    sync.Mutex
	count int
}

// newStatusLine returns a line that begins with what is done of a number of things.
func newStatusLine(to io.Writer, of int, format string) *statusLine {
	l := &statusLine{rest: fmt.Sprintf(format, of)}
	if terminal(to) != nil {
		l.to = to
	}
	l.write()
	return l
}

const clearLine = "\r\x1b[K"

func (l *statusLine) write() {
	if l.to != nil {
		fmt.Fprintf(l.to, "%s%d %s", clearLine, l.count, l.rest)
	}
}

// done counts one more.
func (l *statusLine) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	l.write()
}

// end removes the line.
func (l *statusLine) end() {
	if l.to != nil {
		fmt.Fprint(l.to, clearLine)
	}
}
