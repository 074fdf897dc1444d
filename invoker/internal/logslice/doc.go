// Package logslice cuts the output of a container into slices, one for each activation.
//
// A runtime prints a line, the [Sentinel], to both streams when an activation is over. The slice of an activation is what lies
// between two sentinels of a stream: the n-th activation has what comes before the n-th sentinel. So it does not matter when the
// output is read, and the next activation can begin before that of the last one was.
//
// It promises:
//   - each byte is in one slice at most, in whatever pieces the output is read;
//   - a slice is closed: by its sentinels; or when its activation is over and 2 s pass without a byte; or 30 s after the activation;
//   - after a sentinel that is missing, sentinels are not counted any more: the container is serial, and the sizes of its streams
//     before each activation say where slices begin;
//   - lines are valid UTF-8, and it keeps 16 KiB of a stream at most, however long a line is;
//   - whatever is missing in a slice, a line in it says so.
//
// It does not read anything, and does not keep what it has cut. An action that prints the sentinel itself gets a slice that ends
// too early, and its next activation the rest. An activation whose sentinel is missing may have lines of those that came after it
// until that is noticed. What a container prints after a sentinel is in the slice of its next activation.
//
// Everything is a function of the arguments: there is no clock, no goroutine and no lock. A [Cutter] is for one goroutine at a time.
package logslice
