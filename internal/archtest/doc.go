// Package archtest has tests of the structure of this module: which package may import which; that the scheduler's machine
// and its parts, with whatever of the module they reach, are free of time, goroutines and I/O; who may change what of the
// machine's state; and that each package has exactly one package comment. It has no code of its own and starts no
// goroutines.
package archtest
