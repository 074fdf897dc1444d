package mesoshttp_test

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

func TestRefusals(t *testing.T) {
	sentinels := map[error]int{
		mesoshttp.ErrRedirect: 307, mesoshttp.ErrBadRequest: 400, mesoshttp.ErrUnauthorized: 401, mesoshttp.ErrForbidden: 403,
		mesoshttp.ErrNotFound: 404, mesoshttp.ErrMethodNotAllowed: 405, mesoshttp.ErrNotAcceptable: 406,
		mesoshttp.ErrUnsupportedMediaType: 415, mesoshttp.ErrTooManyRequests: 429, mesoshttp.ErrInternalServerError: 500,
		mesoshttp.ErrUnavailable: 503,
	}
	for _, status := range []int{204, 301, 302, 303, 308, 400, 401, 403, 404, 405, 406, 415, 418, 429, 500, 502, 503, 504} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := "No leader elected"
				if status == http.StatusNoContent {
					body = ""
				}
				n := serve(t, func(w http.ResponseWriter, r *http.Request) {
					w.WriteHeader(status)
					_, _ = io.WriteString(w, body)
				})
				client := newClient(t, n, mesoshttp.Config{})
				_, subscribe := client.Subscribe(t.Context(), master, subscribeCall(), nil)
				call := client.Call(t.Context(), master, streamID, killCall("t"), nil)
				for name, err := range map[scheduler.Call_Type]error{scheduler.Call_SUBSCRIBE: subscribe, scheduler.Call_KILL: call} {
					var got *mesoshttp.StatusError
					require.ErrorAs(t, err, &got)
					require.Equal(t, &mesoshttp.StatusError{Master: master, Call: name, Status: status, Body: body}, got)
					for sentinel, code := range sentinels {
						require.Equal(t, code == status, errors.Is(err, sentinel))
					}
				}
			})
		})
	}
}

func TestStatusErrorText(t *testing.T) {
	require.EqualError(t, &mesoshttp.StatusError{Master: master, Call: scheduler.Call_KILL, Status: 403, Body: "Framework is not subscribed"},
		"mesoshttp: KILL refused by http://master.example:5050: 403 Forbidden: Framework is not subscribed")
	require.EqualError(t, &mesoshttp.StatusError{Master: master, Status: 307, Call: scheduler.Call_SUBSCRIBE, Location: "//host:5050/api/v1/scheduler"},
		"mesoshttp: SUBSCRIBE refused by http://master.example:5050: 307 Temporary Redirect, location //host:5050/api/v1/scheduler")
}
