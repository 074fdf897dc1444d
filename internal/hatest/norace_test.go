//go:build !race

package hatest

const defaultSeeds = 30
