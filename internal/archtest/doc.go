// Package archtest has tests of the structure of this module: which package may import which, which files
// must stay free of time and I/O, and that each package has exactly one package comment. It has no
// code of its own and starts no goroutines.
package archtest
