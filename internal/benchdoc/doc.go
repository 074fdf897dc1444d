// Package benchdoc has a test that holds the tables of docs/benchmarks.md to the benchmarks: each table names the command
// that measures it, each of its rows the benchmark and the unit that the figure comes from, and the baseline that the same run measured. With
// -measure it runs the commands and writes the figures. It has no code of its own and starts no goroutines.
package benchdoc
