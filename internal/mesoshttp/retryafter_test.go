package mesoshttp_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

// Virtual time begins at midnight of 2000-01-01, a Saturday.
func TestRetryAfter(t *testing.T) {
	for _, test := range []struct {
		why, header, date string
		want              time.Duration
	}{
		{"none", "", "", 0},
		{"seconds", "120", "", 2 * time.Minute},
		{"no time at all", "0", "", 0},
		{"the longest that is believed", "900", "", 15 * time.Minute},
		{"too long", "901", "", 15 * time.Minute},
		{"a century", "3153600000", "", 15 * time.Minute},
		{"more than a duration holds", "9223372037", "", 15 * time.Minute},
		{"the largest number", "18446744073709551615", "", 15 * time.Minute},
		{"more than any number holds", "18446744073709551616", "", 0},
		{"negative", "-5", "", 0},
		{"a sign", "+5", "", 0},
		{"a fraction", "1.5", "", 0},
		{"an exponent", "1e3", "", 0},
		{"not a number", "NaN", "", 0},
		{"hexadecimal", "0x10", "", 0},
		{"a word", "soon", "", 0},
		{"a duration of Go", "30s", "", 0},
		{"two values", "1, 2", "", 0},
		{"a date", "Sat, 01 Jan 2000 00:01:00 GMT", "", time.Minute},
		{"a date in an old form", "Saturday, 01-Jan-00 00:01:00 GMT", "", time.Minute},
		{"a date against a clock that is a day ahead", "Sun, 02 Jan 2000 00:00:30 GMT", "Sun, 02 Jan 2000 00:00:00 GMT", 30 * time.Second},
		{"a date against a Date that is none", "Sat, 01 Jan 2000 00:01:00 GMT", "yesterday", time.Minute},
		{"a date in the past", "Fri, 31 Dec 1999 23:59:59 GMT", "", 0},
		{"a date far in the past", "Mon, 01 Jan 0001 00:00:00 GMT", "", 0},
		{"a date far in the future", "Fri, 31 Dec 9999 23:59:59 GMT", "", 15 * time.Minute},
		{"a date far after the Date", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", 15 * time.Minute},
		{"a date with a number of days that no month has", "Sat, 41 Jan 2000 00:01:00 GMT", "", 0},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := serve(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header()["Date"] = nil // otherwise net/http adds one
					if test.date != "" {
						w.Header().Set("Date", test.date)
					}
					if test.header != "" {
						w.Header().Set("Retry-After", test.header)
					}
					w.WriteHeader(http.StatusServiceUnavailable)
				})
				client := newClient(t, n, mesoshttp.Config{})
				pipeline := client.Pipeline()
				defer pipeline.Close()
				_, subscribe := client.Subscribe(t.Context(), master, subscribeCall(), nil)
				errs := append(pipeline.Call(t.Context(), master, streamID, kills(2)),
					subscribe, client.Call(t.Context(), master, streamID, killCall("t"), nil))
				for _, err := range errs {
					var status *mesoshttp.StatusError
					require.ErrorAs(t, err, &status)
					require.Equal(t, test.want, status.RetryAfter)
				}
			})
		})
	}
}

// Any answer may have it, not only 429 and 503.
func TestRetryAfterOfAnyStatus(t *testing.T) {
	for _, code := range []int{307, 400, 401, 403, 404, 429, 500, 502, 503, 504} {
		synctest.Test(t, func(t *testing.T) {
			n := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(code)
			})
			err := newClient(t, n, mesoshttp.Config{}).Call(t.Context(), master, streamID, killCall("t"), nil)
			require.Equal(t, &mesoshttp.StatusError{Master: master, Call: scheduler.Call_KILL, Status: code, RetryAfter: 7 * time.Second}, err)
		})
	}
}
