package whiskconf

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDurations(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"45 seconds": 45 * time.Second, "1 second": time.Second, "5s": 5 * time.Second, " 10 minutes ": 10 * time.Minute, "1 m": time.Minute,
		"50 milliseconds": 50 * time.Millisecond, "50 millis": 50 * time.Millisecond, "2 hours": 2 * time.Hour, "1 day": 24 * time.Hour,
		"0 seconds": 0, "1.5 s": 1500 * time.Millisecond, "7 µs": 7 * time.Microsecond, "9 nanos": 9,
	} {
		d, reason := duration(value)
		require.Empty(t, reason, value)
		require.Equal(t, want, d, value)
	}
	for _, value := range []string{"", "5", "s", "5 fortnights", "-5 s", "5 s s", "1..2 s"} {
		_, reason := duration(value)
		require.Equal(t, `it is not a duration, such as "45 seconds" or "10 minutes"`, reason, value)
	}
	_, reason := duration("1000000 days")
	require.Equal(t, "it is too long", reason)
	d, reason := seconds("60")
	require.Empty(t, reason)
	require.Equal(t, time.Minute, d)
	d, _ = seconds("2 minutes")
	require.Equal(t, 2*time.Minute, d)
}

func TestSizes(t *testing.T) {
	for value, want := range map[string]int{"256 MB": 256, "256 m": 256, "256M": 256, "1 GB": 1024, "2g": 2048, "1048576 B": 1, "2048 kb": 2} {
		n, reason := size(value)
		require.Empty(t, reason, value)
		require.Equal(t, want, n, value)
	}
	for value, want := range map[string]string{
		"": `it is not a size, such as "256 m" or "1 GB"`, "256": `it is not a size, such as "256 m" or "1 GB"`, "x MB": `it is not a size, such as "256 m" or "1 GB"`,
		"1.5 GB": `it is not a size, such as "256 m" or "1 GB"`, "1 KB": "it is not a whole number of MiB", "0 MB": "it is not a whole number of MiB", "99999999999 GB": "it is not a whole number of MiB",
	} {
		_, reason := size(value)
		require.Equal(t, want, reason, value)
	}
}

func TestNumbersAndTruth(t *testing.T) {
	n, reason := natural(" 3 ")
	require.Empty(t, reason)
	require.Equal(t, 3, n)
	for _, value := range []string{"", "-1", "3.0", "99999999999"} {
		_, reason = natural(value)
		require.Equal(t, "it is not a whole number from 0 on", reason, value)
	}
	for value, want := range map[string]bool{"true": true, "Yes": true, "on": true, "false": false, "no": false, "OFF": false} {
		b, reason := truth(value)
		require.Empty(t, reason)
		require.Equal(t, want, b, value)
	}
	_, reason = truth("1")
	require.Equal(t, "it is neither true nor false", reason)
}
