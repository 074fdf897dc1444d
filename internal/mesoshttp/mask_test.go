package mesoshttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/mesoshttp"
)

// A gateway, or whatever else answers, repeats what it got, with the credentials: they are not in the errors, nor in what
// these wrap or have in their fields. What else it says is.
func TestAnswersThatRepeatCredentials(t *testing.T) {
	for where, answer := range map[string]string{
		"body":          "HTTP/1.1 %d x\r\nConnection: close\r\n\r\nyou sent: Authorization: AUTH",
		"two bodies":    "HTTP/1.1 %d x\r\nConnection: close\r\n\r\nyou sent: SECRET and SECRET",
		"location":      "HTTP/1.1 %d x\r\nLocation: /login?you+sent:=SECRET\r\nContent-Length: 0\r\n\r\n",
		"content type":  "HTTP/1.1 %d x\r\nContent-Type: you sent: SECRET\r\nContent-Length: 0\r\n\r\n",
		"header":        "HTTP/1.1 %d x\r\nyou sent AUTH\r\n\r\n",
		"status":        "HTTP/1.1 AUTH\r\n\r\nyou sent: %d",
		"first line":    "you sent: SECRET HTTP/1.1 %d\r\n\r\n",
		"header's name": "HTTP/1.1 %d x\r\n you sent AUTH: x\r\n\r\n",
	} {
		for _, status := range []int{200, 307, 400, 401, 500} {
			for auth, config := range map[string]mesoshttp.Config{
				"Basic cHJpbmNpcGFsOnMzY3JldCBvZiBpdA==": {Credential: &mesoshttp.Credential{Principal: "principal", Secret: "s3cret of it"}},
				`Bearer a"token\of/it==`:                 {Tokens: mesoshttp.NewTokenSource(func(context.Context) (string, error) { return `a"token\of/it==`, nil })},
			} {
				scheme, secret, _ := strings.Cut(auth, " ")
				t.Run(fmt.Sprint(where, status, scheme), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						n := serveRaw(t, func(conn net.Conn, _ *bufio.Reader) {
							text := strings.NewReplacer("AUTH", auth, "SECRET", secret).Replace(answer)
							_, _ = io.WriteString(conn, strings.Replace(text, "%d", fmt.Sprint(status), 1))
						})
						client := newClient(t, n, config)
						_, subscribe := client.Subscribe(t.Context(), master, subscribeCall(), nil)
						call := client.Call(t.Context(), master, streamID, killCall("t"), nil)
						pipeline := client.Pipeline()
						defer pipeline.Close()
						piped := pipeline.Call(t.Context(), master, streamID, []*scheduler.Call{killCall("t")})
						_, find := client.FindFramework(t.Context(), master, "key", "value")
						for _, err := range []error{subscribe, call, piped[0], find} {
							if err == nil {
								continue
							}
							require.NotContains(t, err.Error(), secret)
							require.NotContains(t, err.Error(), strings.Trim(fmt.Sprintf("%q", secret), `"`))
							for inner := err; inner != nil; inner = errors.Unwrap(inner) {
								require.NotContains(t, inner.Error(), secret)
							}
							var refused *mesoshttp.StatusError
							if errors.As(err, &refused) {
								require.NotContains(t, fmt.Sprintf("%+v", *refused), secret)
							}
							var redirect *mesoshttp.RedirectError
							if errors.As(err, &redirect) {
								require.NotContains(t, redirect.Location, secret)
							}
						}
						require.Error(t, subscribe)
					})
				})
			}
		}
	}
}
