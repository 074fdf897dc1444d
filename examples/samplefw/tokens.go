package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// tokens is the bearer token of the API: what a process that serves it asks for, and what a client shows.
type tokens struct{ token, file string }

func (t *tokens) flags(f *pflag.FlagSet) {
	f.StringVar(&t.token, "token", "", "bearer `TOKEN` of the API (rather in the environment, as SAMPLEFW_TOKEN, or in a file, since everybody sees a command line)")
	f.StringVar(&t.file, "token-file", "", "`FILE` with the bearer token of the API")
}

// read returns the token, or "" if there is none.
func (t *tokens) read() (string, error) {
	if t.file == "" || t.token != "" {
		return t.token, nil
	}
	text, err := os.ReadFile(t.file)
	if err != nil {
		return "", unread("--token-file", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fmt.Errorf("--token-file: %s is empty", t.file)
	}
	return token, nil
}
