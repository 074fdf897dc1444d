package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"text/template"
)

// sentinel marks the end of an activation in the output.
const sentinel = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"

// templates is a small runtime, which speaks the protocol of OpenWhisk's. The code of an action is a template of package
// text/template for its result. In it, log prints a line.
type templates struct {
	stdout, stderr io.Writer

	mu   sync.Mutex
	code *template.Template
}

// listen serves a runtime to this process's end.
func listen(host, port string) error {
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return err
	}
	return http.Serve(l, (&templates{stdout: os.Stdout, stderr: os.Stderr}).handler())
}

func (t *templates) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /init", t.init)
	mux.HandleFunc("POST /run", t.run)
	return mux
}

func (t *templates) init(w http.ResponseWriter, r *http.Request) {
	var body struct{ Value struct{ Code string } }
	err := json.NewDecoder(r.Body).Decode(&body)
	if err == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.code, err = template.New("action").Funcs(template.FuncMap{"log": t.log}).Parse(body.Value.Code)
	}
	if err != nil {
		t.fail(w, err)
	}
}

func (t *templates) run(w http.ResponseWriter, r *http.Request) {
	var body struct{ Value map[string]any }
	var result strings.Builder
	t.mu.Lock()
	defer t.mu.Unlock()
	err := json.NewDecoder(r.Body).Decode(&body)
	if err == nil {
		err = t.code.Execute(&result, body.Value)
	}
	fmt.Fprintln(t.stdout, sentinel)
	fmt.Fprintln(t.stderr, sentinel)
	if err != nil {
		t.fail(w, err)
		return
	}
	fmt.Fprint(w, result.String())
}

// fail answers that the action does not work.
func (t *templates) fail(w http.ResponseWriter, err error) {
	w.WriteHeader(http.StatusBadGateway)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}

// log is a function of templates. It prints its arguments, and returns nothing to be in the result.
func (t *templates) log(args ...any) string {
	fmt.Fprintln(t.stdout, args...)
	return ""
}
