package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// shell runs the lines of a document: NAME=VALUE, and curl with the flags -s, -H, -X and -d, perhaps as NAME=$(… | jq -r .FIELD).
type shell struct {
	w    *world
	vars map[string]string
}

// words are single-quoted, double-quoted, or bare.
var words = regexp.MustCompile(`'[^']*'|"[^"]*"|[^\s'"]+`)

func (s *shell) word(text string) string {
	if strings.HasPrefix(text, "'") {
		return strings.Trim(text, "'")
	}
	return os.Expand(strings.Trim(text, `"`), func(name string) string { return s.vars[name] })
}

// run runs a line, and returns what is printed.
func (s *shell) run(t *testing.T, line string) string {
	if name, command, is := strings.Cut(line, "=$("); is {
		command, field, _ := strings.Cut(strings.TrimSuffix(command, ")"), " | jq -r .")
		var answer map[string]any
		require.NoError(t, json.Unmarshal([]byte(s.run(t, command)), &answer), line)
		s.vars[name] = fmt.Sprint(answer[field])
		return ""
	}
	rest, is := strings.CutPrefix(line, "curl ")
	if !is {
		name, value, is := strings.Cut(line, "=")
		require.True(t, is, line)
		s.vars[name] = s.word(value)
		return ""
	}
	method, url, body, headers := "", "", "", []string(nil)
	for all := words.FindAllString(rest, -1); len(all) > 0; all = all[1:] {
		flag := all[0]
		switch flag {
		case "-s":
			continue
		case "-H", "-X", "-d":
			all = all[1:]
		}
		switch value := s.word(all[0]); flag {
		case "-H":
			headers = append(headers, value)
		case "-X":
			method = value
		case "-d":
			body = value
		default:
			url = value
		}
	}
	if method == "" {
		method = "GET"
		if body != "" {
			method = "POST"
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	a := s.w.do(r, headers...)
	require.Less(t, a.status, 300, "%s: %s", line, a.body)
	return a.body
}

// TestDocument runs the commands of docs/invoker.md.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/invoker.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "\n## Over HTTP\n")
	require.True(t, found)
	_, block, found := strings.Cut(section, "```sh\n")
	require.True(t, found)
	block, _, _ = strings.Cut(block, "```")
	const template = `"{{log \"Hello\" .name}}{\"greeting\": \"Hello, {{.name}}!\"}"` // for the runtime of the demo; the one here has scripts
	require.Contains(t, block, template)
	block = strings.Replace(block, template, `"hello"`, 1)
	inWorld(t, func(w *world) { w.pool = invoker.PoolConfig{Memory: 1024} }, func(t *testing.T, w *world) {
		s := &shell{w, map[string]string{}}
		var printed strings.Builder
		for line := range strings.Lines(strings.ReplaceAll(block, "127.0.0.1:8080", apiOf(w.follower().n))) {
			if line = strings.TrimSpace(line); line != "" {
				printed.WriteString(s.run(t, line))
			}
		}
		require.Contains(t, printed.String(), `{"greeting":"Hello, Ann!"}`)
		require.Contains(t, printed.String(), `"stream":"stdout","log":"Hello, Ann!"`)
		require.Contains(t, printed.String(), `"usedMB":128,"limitMB":1024`)
	})
}
