package actionruntime

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// parse makes steps of a script.
func parse(script string) (*action, error) {
	a := new(action)
	for i, line := range strings.Split(script, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		steps := &a.run
		if rest, ok := strings.CutPrefix(line, "init "); ok {
			line, steps = strings.TrimSpace(rest), &a.init
		}
		name, argument, _ := strings.Cut(line, " ")
		s, err := parseStep(name, strings.TrimSpace(argument))
		if err != nil {
			return nil, fmt.Errorf("line %d, %q: %w", i+1, line, err)
		}
		*steps = append(*steps, s)
	}
	return a, nil
}

// parseStep finds a step in one of the groups in which they are documented.
func parseStep(name, argument string) (step, error) {
	for _, group := range []func(name, argument string) (step, error){resultStep, outputStep, timeStep} {
		if s, err := group(name, argument); s != nil || err != nil {
			return s, err
		}
	}
	return nil, fmt.Errorf("there is no such step")
}

func resultStep(name, argument string) (step, error) {
	switch name {
	case "echo":
		return func(a *activation) { a.result(a.params) }, nil
	case "hello":
		return hello, nil
	case "env":
		return func(a *activation) { a.resultOf(a.env) }, nil
	case "count":
		return func(a *activation) { a.resultOf(map[string]int{"runs": a.runs}) }, nil
	case "return":
		return func(a *activation) { a.result([]byte(argument)) }, nil
	case "error":
		return func(a *activation) {
			if a.body = errorJSON(argument); a.init {
				a.status = http.StatusBadGateway
			}
		}, nil
	case "big":
		n, err := strconv.Atoi(argument)
		filler := max(n-len(`{"big":""}`), 0)
		return func(a *activation) { a.body = fmt.Appendf(nil, `{"big":"%s"}`, bytes.Repeat([]byte("x"), filler)) }, err
	case "status":
		first, text, _ := strings.Cut(argument, " ")
		code, err := strconv.Atoi(first)
		if err == nil && (code < 200 || code > 599) {
			err = fmt.Errorf("not a status")
		}
		return func(a *activation) { a.status, a.body = code, []byte(text) }, err
	case "body":
		return func(a *activation) { a.status, a.body = http.StatusOK, []byte(argument) }, nil
	case "http":
		return hostile(argument)
	}
	return nil, nil
}

func outputStep(name, argument string) (step, error) {
	switch name {
	case "out":
		return func(a *activation) { fmt.Fprintln(a.runtime.stdout, argument) }, nil
	case "err":
		return func(a *activation) { fmt.Fprintln(a.runtime.stderr, argument) }, nil
	case "raw":
		stream, quoted, _ := strings.Cut(argument, " ")
		text, err := strconv.Unquote(strings.TrimSpace(quoted))
		if err == nil && stream != "stdout" && stream != "stderr" {
			err = fmt.Errorf("no such stream")
		}
		return func(a *activation) { fmt.Fprint(a.stream(stream), text) }, err
	case "lines":
		var n, width int
		if _, err := fmt.Sscan(argument+" 0", &n, &width); err != nil {
			return nil, err
		}
		return func(a *activation) { a.lines(n, width) }, nil
	case "sentinel":
		return func(a *activation) {
			fmt.Fprintln(a.runtime.stdout, Sentinel)
			fmt.Fprintln(a.runtime.stderr, Sentinel)
		}, nil
	case "no-sentinel":
		return func(a *activation) { a.unmarked = [2]bool{argument != "stderr", argument != "stdout"} }, nil
	case "late-sentinel":
		d, err := time.ParseDuration(argument)
		return func(a *activation) { a.late = d }, err
	}
	return nil, nil
}

func timeStep(name, argument string) (step, error) {
	switch name {
	case "sleep":
		d, err := time.ParseDuration(argument)
		return func(a *activation) { a.sleep(d) }, err
	case "hang":
		return func(a *activation) { <-a.runtime.life.Done() }, nil
	case "reset":
		return func(a *activation) {
			a.mark()
			panic(http.ErrAbortHandler)
		}, nil
	case "die":
		return die, nil
	case "exit":
		code, err := strconv.Atoi(argument)
		return func(a *activation) { a.runtime.exit(code) }, err
	case "do":
		return do, nil
	}
	return nil, nil
}

func hello(a *activation) {
	params := struct{ Name string }{"stranger"}
	_ = json.Unmarshal(a.params, &params) // what has no name is a stranger
	greeting := "Hello, " + params.Name + "!"
	fmt.Fprintln(a.runtime.stdout, greeting)
	a.resultOf(map[string]string{"greeting": greeting})
}

func die(a *activation) {
	a.runtime.mu.Lock()
	a.runtime.action = nil
	a.runtime.mu.Unlock()
	a.status, a.body = http.StatusBadRequest, errorJSON("The process of the action has ended.")
	a.finish()
}

// do takes the steps that the activation brings.
func do(a *activation) {
	var params struct{ Do string }
	_ = json.Unmarshal(a.params, &params) // no steps
	script, err := parse(params.Do)
	if err != nil {
		a.status, a.body = http.StatusBadGateway, errorJSON(err.Error())
		return
	}
	a.take(script.run)
}

// resultOf sets the result to what a value is in JSON.
func (a *activation) resultOf(v any) {
	a.status = http.StatusOK
	a.body, _ = json.Marshal(v) // of strings and numbers: never fails
}

func (a *activation) stream(name string) *lockedWriter {
	if name == "stderr" {
		return a.runtime.stderr
	}
	return a.runtime.stdout
}

// lines prints n lines, of at least so many bytes each.
func (a *activation) lines(n, width int) {
	for i := range n {
		line := fmt.Sprintf("%s %s %d ", a.name, a.id, i+1)
		if missing := width - len(line) - 1; missing > 0 {
			line += strings.Repeat(".", missing)
		}
		fmt.Fprintln(a.runtime.stdout, line)
	}
}
