package enginetest

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// Process is the process of a container, for [Handler].
type Process struct {
	Stdout, Stderr io.Writer
	// Environ are the variables of the process, in the form "key=value".
	Environ []string
	// Exit ends the process with this code. It may return before the process has ended.
	Exit func(code int)
}

// Handler returns what a container of a [Fixture] serves on the port that its environment has as PORT0:
//
//	POST /stdout     prints the body, and answers when it is printed; likewise /stderr
//	POST /exit?code= ends the process
//	GET  /env        answers with the environment, a list in JSON
//	GET  /           answers 200
//
// A program that serves it is all that a fixture needs as an image, see the example.
func Handler(p Process) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /env", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(p.Environ)
	})
	mux.HandleFunc("POST /stdout", printer(p.Stdout))
	mux.HandleFunc("POST /stderr", printer(p.Stderr))
	mux.HandleFunc("POST /exit", func(_ http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.FormValue("code"))
		p.Exit(code)
	})
	return mux
}

// printer returns a handler that prints the body of requests.
func printer(to io.Writer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(to, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
}
