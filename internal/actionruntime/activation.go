package actionruntime

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// action is what /init made of the code: a function, or steps.
type action struct {
	function  Function
	init, run []step
}

// step does something in an activation, or in /init.
type step func(a *activation)

// activation is an /init or a /run that is under way.
type activation struct {
	runtime  *Runtime
	w        http.ResponseWriter
	init     bool
	name, id string
	params   json.RawMessage
	env      map[string]string
	runs     int // how many there were, with this one

	status   int // of the answer
	body     []byte
	answered bool          // there was one, or there will be none
	unmarked [2]bool       // no sentinel on stdout, stderr
	late     time.Duration // how long the sentinels come after the answer
}

// take takes steps until there is an answer.
func (a *activation) take(steps []step) {
	for _, s := range steps {
		if a.answered {
			return
		}
		s(a)
		a.abortIfDead()
	}
}

// abortIfDead breaks the connection if the process has ended.
func (a *activation) abortIfDead() {
	if a.runtime.life.Err() != nil {
		panic(http.ErrAbortHandler)
	}
}

// call has a function give the result.
func (a *activation) call(f Function) {
	result, err := f(a.runtime.life, &Call{Params: a.params, Env: a.env, Stdout: a.runtime.stdout, Stderr: a.runtime.stderr})
	a.abortIfDead()
	if err != nil {
		a.body = errorJSON(err.Error())
		return
	}
	if a.body, err = json.Marshal(result); err != nil {
		a.status, a.body = http.StatusBadGateway, errorJSON(fmt.Sprintf("The result cannot be encoded: %v.", err))
	}
}

// finish marks the end of the activation and answers.
func (a *activation) finish() {
	if a.answered {
		return
	}
	a.answered = true
	a.mark()
	respond(a.w, a.status, a.body)
}

// mark prints the sentinels: after each /run, and after an /init that failed.
func (a *activation) mark() {
	if a.runtime.config.NoSentinels || a.init && a.status == http.StatusOK {
		return
	}
	if a.late == 0 {
		a.sentinels()
		return
	}
	if a.runtime.begin() {
		go func() {
			defer a.runtime.work.Done()
			a.sleep(a.late)
			if a.runtime.life.Err() == nil {
				a.sentinels()
			}
		}()
	}
}

func (a *activation) sentinels() {
	for i, stream := range []io.Writer{a.runtime.stdout, a.runtime.stderr} {
		if !a.unmarked[i] {
			_, _ = io.WriteString(stream, Sentinel+"\n")
		}
	}
}

// result sets what is answered. A runtime does not pass on what is neither an object nor an array.
func (a *activation) result(result []byte) {
	a.status, a.body = http.StatusOK, result
	if first := bytes.TrimSpace(result); !json.Valid(result) || first[0] != '{' && first[0] != '[' {
		a.status, a.body = http.StatusBadGateway, errorJSON("The action returned neither an object nor an array.")
	}
}

// sleep waits until the time is over or the process has ended.
func (a *activation) sleep(d time.Duration) { sleep(a.runtime.life, d) }

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
