// Package archtest holds the borders of this module as tests: who may import whom, which files
// must stay free of time and I/O, and that each package has exactly one package comment. It has no
// code of its own and starts no goroutines.
package archtest
