//go:build race

package flood

// raceDetector multiplies what a process takes.
const raceDetector = true
