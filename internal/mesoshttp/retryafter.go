package mesoshttp

import (
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter bounds StatusError.RetryAfter. A server that asks for more than a quarter of an hour is mistaken more
// often than it is busy for so long, and a scheduler that believed it would do nothing for that time.
const maxRetryAfter = 15 * time.Minute

// retryAfter returns how long the header Retry-After asks to wait, at most maxRetryAfter: a number of seconds or, counted
// from the header Date if there is one and otherwise from now, a date. It returns 0 if there is none, or nothing that makes
// sense.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date // so that the clocks need not agree
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
