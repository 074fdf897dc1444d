package whiskconf

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// unit returns a unit of Scala's durations, or 0.
func unit(name string) time.Duration {
	switch name {
	case "d", "day", "days":
		return 24 * time.Hour
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute
	case "s", "sec", "secs", "second", "seconds":
		return time.Second
	case "ms", "milli", "millis", "millisecond", "milliseconds":
		return time.Millisecond
	case "us", "µs", "micro", "micros", "microsecond", "microseconds":
		return time.Microsecond
	case "ns", "nano", "nanos", "nanosecond", "nanoseconds":
		return time.Nanosecond
	}
	return 0
}

// split returns the number that a value begins with, and the unit after it.
func split(value string) (number float64, unit string, ok bool) {
	value = strings.TrimSpace(value)
	end := strings.IndexFunc(value, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end < 0 {
		end = len(value)
	}
	number, err := strconv.ParseFloat(value[:end], 64)
	return number, strings.TrimSpace(value[end:]), err == nil
}

// duration parses a duration, such as "45 seconds" or "10m".
func duration(value string) (time.Duration, string) {
	number, name, ok := split(value)
	switch u := unit(name); {
	case !ok || u == 0:
		return 0, `it is not a duration, such as "45 seconds" or "10 minutes"`
	case number > float64(math.MaxInt64/u):
		return 0, "it is too long"
	default:
		return time.Duration(number * float64(u)), ""
	}
}

// seconds parses a duration without or with a unit.
func seconds(value string) (time.Duration, string) {
	if _, name, ok := split(value); ok && name == "" {
		value += " s"
	}
	return duration(value)
}

// size parses a size such as "256 MB", "256 m" or "1 GB", and returns it in MiB. OpenWhisk's units are powers of 1024.
func size(value string) (int, string) {
	const malformed = `it is not a size, such as "256 m" or "1 GB"`
	number, name, ok := split(value)
	bytes := 1.0
	switch strings.ToUpper(name) {
	case "B":
	case "K", "KB":
		bytes = 1 << 10
	case "M", "MB":
		bytes = 1 << 20
	case "G", "GB":
		bytes = 1 << 30
	default:
		ok = false
	}
	mib := number * bytes / (1 << 20)
	switch {
	case !ok || number != math.Trunc(number):
		return 0, malformed
	case mib < 1 || mib > 1<<40 || mib != math.Trunc(mib):
		return 0, "it is not a whole number of MiB"
	}
	return int(mib), ""
}

// natural parses a whole number that is not negative.
func natural(value string) (int, string) {
	n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 32)
	if err != nil || n < 0 {
		return 0, "it is not a whole number from 0 on"
	}
	return int(n), ""
}

// truth parses true or false, as Typesafe Config does.
func truth(value string) (bool, string) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "true", "yes", "on":
		return true, ""
	case "false", "no", "off":
		return false, ""
	}
	return false, "it is neither true nor false"
}
