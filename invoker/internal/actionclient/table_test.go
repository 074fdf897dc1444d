package actionclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/actionruntime"
)

// want is what a row of the table expects. Reusable follows from the outcome.
type want struct {
	outcome             Outcome
	body                string // all of it, or its beginning if it ends with …
	truncated, timedOut bool
	broken              bool
	took                time.Duration
}

func (want want) check(t *testing.T, got Answer) {
	t.Helper()
	body, cut := strings.CutSuffix(want.body, "…")
	if cut {
		require.True(t, strings.HasPrefix(string(got.Body), body), "%.200s", got.Body)
		require.True(t, json.Valid(got.Body))
		require.LessOrEqual(t, len(got.Body), MaxBody)
	} else {
		require.Equal(t, body, string(got.Body))
	}
	require.Equal(t, want.outcome, got.Outcome)
	require.Equal(t, want.truncated, got.Truncated, "truncated")
	require.Equal(t, want.timedOut, got.TimedOut, "timed out")
	require.Equal(t, want.broken, got.Broken, "broken")
	require.Equal(t, want.broken || want.timedOut, got.Err != nil, "%v", got.Err)
	require.Equal(t, want.took, got.Duration)
	require.Equal(t, want.outcome == Success || want.outcome == ApplicationError, got.Reusable)
	require.True(t, got.Sent)
	require.False(t, got.Refused)
}

// What comes back from /init, and what that means.
func TestInitAnswers(t *testing.T) {
	const ended = `{"error":"The action ended, or broke the connection, before it answered while it was initialised."}`
	for code, want := range map[string]want{
		"echo":                              {outcome: Success},
		"init return {}":                    {outcome: Success},
		"init body this is not JSON":        {outcome: Success},
		"init http chunked":                 {outcome: Success},
		"init http http10":                  {outcome: Success},
		"init sleep 59s":                    {outcome: Success, took: 59 * time.Second},
		"init error no such module":         {outcome: DeveloperError, body: `{"error":"no such module"}`},
		"no such step":                      {outcome: DeveloperError, body: `{"error":"The code cannot be used: line 1…`},
		`init status 500 {"error":{"a":1}}`: {outcome: DeveloperError, body: `{"error":{"a":1}}`},
		`init status 500 {"reason":"x"}`: {
			outcome: DeveloperError, body: `{"error":"The action failed with status 500 while it was initialised: {\"reason\":\"x\"}"}`,
		},
		"init status 503 busy": {outcome: DeveloperError, body: `{"error":"The action failed with status 503 while it was initialised: busy"}`},
		"init status 204":      {outcome: DeveloperError, body: `{"error":"The action failed with status 204 while it was initialised: "}`},
		"init http redirect":   {outcome: DeveloperError, body: `{"error":"The action failed with status 307 while it was initialised: "}`},
		"init big 1048577": {
			outcome: DeveloperError, truncated: true,
			body: `{"error":"The answer of the action is too long: it has 1048577 bytes, of at most 1048576. It begins: {\"big\":\"xxx…`,
		},
		"init big 1048576":  {outcome: Success},
		"init exit 1":       {outcome: DeveloperError, broken: true, body: ended},
		"init exit 137":     {outcome: DeveloperError, broken: true, body: ended},
		"init reset":        {outcome: DeveloperError, broken: true, body: ended},
		"init http nothing": {outcome: DeveloperError, broken: true, body: ended},
		"init http garbage": {outcome: DeveloperError, broken: true, body: ended},
		"init hang": {
			outcome: DeveloperError, timedOut: true, took: time.Minute,
			body: `{"error":"The action took longer than its time limit of 60000 milliseconds while it was initialised."}`,
		},
	} {
		t.Run(code, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.serve(actionruntime.Config{})
				want.check(t, w.init(code))
			})
		})
	}
}

// What comes back from /run, and what that means.
func TestRunAnswers(t *testing.T) {
	const ended = `{"error":"The action ended, or broke the connection, before it answered."}`
	for code, want := range map[string]want{
		"echo":                                {outcome: Success, body: `{"error_count":0}`},
		`return {"a":{"error":1}}`:            {outcome: Success, body: `{"a":{"error":1}}`},
		`return [1,{"error":2}]`:              {outcome: Success, body: `[1,{"error":2}]`},
		`body  {"a":1} `:                      {outcome: Success, body: `{"a":1}`},
		"http chunked":                        {outcome: Success, body: `{}`},
		"http trailers":                       {outcome: Success, body: `{}`},
		"http http10":                         {outcome: Success, body: `{}`},
		"sleep 59999ms":                       {outcome: Success, body: `{}`, took: 59999 * time.Millisecond},
		"big 1048576":                         {outcome: Success, body: `{"big":"xx…`},
		"error no luck":                       {outcome: ApplicationError, body: `{"error":"no luck"}`},
		`return {"error":null}`:               {outcome: ApplicationError, body: `{"error":null}`},
		`return {"a":[1],"\u0065rror":false}`: {outcome: ApplicationError, body: `{"a":[1],"\u0065rror":false}`},
		"big 1048577": {
			outcome: ApplicationError, truncated: true,
			body: `{"error":"The answer of the action is too long: it has 1048577 bytes, of at most 1048576. It begins: {\"big\":\"xxx…`,
		},
		"body this is not JSON":            {outcome: DeveloperError, body: `{"error":"The action returned neither a JSON object nor an array: this is not JSON"}`},
		"body 5":                           {outcome: DeveloperError, body: `{"error":"The action returned neither a JSON object nor an array: 5"}`},
		"body null":                        {outcome: DeveloperError, body: `{"error":"The action returned neither a JSON object nor an array: null"}`},
		"body":                             {outcome: DeveloperError, body: `{"error":"The action returned neither a JSON object nor an array: "}`},
		"body {}{}":                        {outcome: DeveloperError, body: `{"error":"The action returned neither a JSON object nor an array: {}{}"}`},
		"return 5":                         {outcome: DeveloperError, body: `{"error":"The action returned neither an object nor an array."}`},
		`status 500 {"error":"it failed"}`: {outcome: DeveloperError, body: `{"error":"it failed"}`},
		`status 201 {"a":1}`:               {outcome: DeveloperError, body: `{"error":"The action failed with status 201: {\"a\":1}"}`},
		"status 204":                       {outcome: DeveloperError, body: `{"error":"The action failed with status 204: "}`},
		"http redirect":                    {outcome: DeveloperError, body: `{"error":"The action failed with status 307: "}`},
		"die":                              {outcome: DeveloperError, body: `{"error":"The process of the action has ended."}`},
		"exit 1":                           {outcome: DeveloperError, broken: true, body: ended},
		"exit 137":                         {outcome: DeveloperError, broken: true, body: ended},
		"reset":                            {outcome: DeveloperError, broken: true, body: ended},
		"http nothing":                     {outcome: DeveloperError, broken: true, body: ended},
		"http garbage":                     {outcome: DeveloperError, broken: true, body: ended},
		"http short-body":                  {outcome: DeveloperError, broken: true, body: ended},
		"sleep 1m": {
			outcome: DeveloperError, timedOut: true, took: time.Minute, body: `{"error":"The action took longer than its time limit of 60000 milliseconds."}`,
		},
		"hang": {
			outcome: DeveloperError, timedOut: true, took: time.Minute, body: `{"error":"The action took longer than its time limit of 60000 milliseconds."}`,
		},
	} {
		t.Run(code, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.serve(actionruntime.Config{})
				require.Equal(t, Success, w.init(code).Outcome)
				want.check(t, w.run(`{"error_count":0}`))
			})
		})
	}
}

func TestRunBeforeInitIsTheDevelopersError(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.serve(actionruntime.Config{})
		want{outcome: DeveloperError, body: `{"error":"The action is not initialised."}`}.check(t, w.run("{}"))
	})
}

func TestASecondInitIsRefusedByTheRuntime(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.serve(actionruntime.Config{})
		require.Equal(t, Success, w.init("echo").Outcome)
		want{outcome: DeveloperError, body: `{"error":"The action is initialised already."}`}.check(t, w.init("echo"))
	})
}

// An answer that comes when the time is over comes too late, even if it can be read.
func TestWhatTookTheTimeLimitIsTooLate(t *testing.T) {
	for _, init := range []bool{false, true} {
		c := &exchanged{init: init, timeout: time.Second, took: time.Second, sent: true, reply: reply{status: 200, body: []byte("{}")}}
		a := c.answer()
		require.Equal(t, DeveloperError, a.Outcome)
		require.True(t, a.TimedOut)
		c.took--
		require.Equal(t, Success, c.answer().Outcome)
	}
}

// The order of the rows, where two of them apply.
func TestAnotherStatusCountsMoreThanTheLength(t *testing.T) {
	c := &exchanged{timeout: time.Second, sent: true, reply: reply{status: 500, length: -1, cut: true, body: []byte("x")}}
	a := c.answer()
	require.Equal(t, DeveloperError, a.Outcome)
	require.False(t, a.Reusable)
	require.True(t, a.Truncated)
	require.Equal(t, `{"error":"The answer of the action is too long: it has more bytes, of at most 1048576. It begins: x"}`, string(a.Body))
}

func TestWhatIsQuotedIsCutToTheLimit(t *testing.T) {
	for said, want := range map[string]int{"\x00": MaxBody / 6, "ü": MaxBody, "\xff": MaxBody / 6, `"`: MaxBody / 2, "<": MaxBody / 6, "x": MaxBody, "\u2028": MaxBody / 2} {
		var text struct{ Error string }
		body := excerpt("It begins: ", bytes.Repeat([]byte(said), MaxBody/len(said)))
		require.NoError(t, json.Unmarshal(body, &text))
		require.LessOrEqual(t, len(body), MaxBody)
		quoted := strings.ReplaceAll(text.Error, "\uFFFD", "\xff")
		require.InDelta(t, want, len(quoted), 40, "%q", said)
	}
}

func TestOutOfMemory(t *testing.T) {
	c := &exchanged{timeout: time.Second, sent: true, err: syscall.ECONNRESET}
	a := c.answer().OutOfMemory()
	require.Equal(t, DeveloperError, a.Outcome)
	require.False(t, a.Reusable)
	require.True(t, a.Sent)
	require.Equal(t, `{"error":"The action took more memory than it may have, and was killed."}`, string(a.Body))
}

func TestParametersThatAreNoObjectOrArrayAreNotSent(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for _, params := range []string{"5", "null", `"x"`, "{", `{},"api_key":"x"`, "{}{}", " "} {
			a := w.run(params)
			require.ErrorIs(t, a.Err, ErrParams, params)
			require.Equal(t, InternalError, a.Outcome)
			require.False(t, a.Sent || a.Refused || a.Reusable)
		}
		require.Zero(t, w.dials.Load())
	})
}

func TestTheCallerGivesUp(t *testing.T) {
	because := errors.New("the container is gone")
	bubble(t, func(t *testing.T, w *world) {
		w.serve(actionruntime.Config{})
		w.init("sleep 30s")
		a := w.runUntil(10*time.Second, because)
		require.ErrorIs(t, a.Err, because)
		require.Equal(t, InternalError, a.Outcome)
		require.True(t, a.Sent)
		require.False(t, a.Reusable || a.TimedOut || a.Broken || a.Refused)
		require.Equal(t, 10*time.Second, a.Duration)

		require.NoError(t, w.container.Ping(t.Context()))
		require.EqualValues(t, 1, w.open.Load(), "a connection is there to be used")
		a = w.runUntil(0, because)
		require.ErrorIs(t, a.Err, because)
		require.False(t, a.Sent, "there was no time to send anything")
	})
}
