//go:build race

package hatest

// defaultSeeds are few: under the race detector each takes several times as long.
const defaultSeeds = 5
