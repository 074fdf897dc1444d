package examples

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// commandLine is a call of the sample in a document.
type commandLine struct {
	command string // such as "submit"; "" for none
	flags   []string
}

// commandLines returns the calls of the sample in the shell blocks and in the code spans of a document.
func commandLines(text string) (all []commandLine) {
	var lines []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		lines = append(lines, strings.Split(block[1], "\n")...)
	}
	text = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
	for _, span := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(text, -1) {
		lines = append(lines, span[1])
	}
	call := regexp.MustCompile(`^\s*(?:go run )?(?:\S*/)?samplefw(?:@\w+)?((?: .*)?)$`)
	for _, line := range lines {
		line, _, _ = strings.Cut(line, " #")
		line, _, _ = strings.Cut(line, " | ")
		words := call.FindStringSubmatch(strings.TrimSpace(regexp.MustCompile(`'[^']*'`).ReplaceAllString(line, "X")))
		if words == nil || strings.HasPrefix(words[1], " __") { // what shells call to complete a line
			continue
		}
		var c commandLine
		arguments, _, _ := strings.Cut(words[1]+" ", " -- ")
		for i, word := range strings.Fields(arguments) {
			switch {
			case strings.HasPrefix(word, "-"):
				flag, _, _ := strings.Cut(word, "=")
				c.flags = append(c.flags, flag)
			case i == 0 && regexp.MustCompile(`^[a-z]+$`).MatchString(word):
				c.command = word
			}
		}
		all = append(all, c)
	}
	return all
}

// misused returns what is wrong with a call, "" if nothing. The help of a command is what help returns.
func misused(c commandLine, help func(command string) (string, error)) string {
	text, err := help(c.command)
	if err != nil {
		return fmt.Sprintf("samplefw %s: no such command", c.command)
	}
	for _, flag := range c.flags {
		if !regexp.MustCompile(`(?m)^\s+(-\w, )?`+regexp.QuoteMeta(flag)+`\b|^\s+`+regexp.QuoteMeta(flag)+`, `).MatchString(text) && flag != "--help" {
			return fmt.Sprintf("samplefw %s has no %s", c.command, flag)
		}
	}
	return ""
}

// The documents call the sample with commands and flags that it has.
func TestDocumentedCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program")
	}
	program := filepath.Join(t.TempDir(), "samplefw")
	output, err := exec.Command("go", "build", "-o", program, "./samplefw").CombinedOutput()
	require.NoError(t, err, "%s", output)
	helps := map[string]string{}
	help := func(command string) (string, error) {
		if text, known := helps[command]; known {
			return text, nil
		}
		text, err := exec.Command(program, strings.Fields(command+" --help")...).Output()
		if err == nil && command != "" && !strings.Contains(string(text), "samplefw "+command) {
			err = os.ErrNotExist // the help of the root command
		}
		helps[command] = string(text)
		return string(text), err
	}
	documents, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	calls := 0
	for _, document := range append(documents, "../README.md") {
		text, err := os.ReadFile(document)
		require.NoError(t, err)
		for _, c := range commandLines(string(text)) {
			require.Empty(t, misused(c, help), document)
			calls++
		}
	}
	require.Greater(t, calls, 20)
}

// The control: a command and a flag that do not exist.
func TestDocumentedCommandsControl(t *testing.T) {
	found := commandLines("Use `samplefw ls -o json`, not `samplefw`.\n```sh\ngo install example.com/samplefw@latest\ngo run ./examples/samplefw demo   # three\n" +
		"./samplefw submit --id=x --command 'a --b' -- prog --arg\n```\n")
	require.Equal(t, []commandLine{{"demo", nil}, {"submit", []string{"--id", "--command"}}, {"ls", []string{"-o"}}, {}}, found)
	help := func(command string) (string, error) {
		if command != "ls" {
			return "", os.ErrNotExist
		}
		return "Usage: samplefw ls\n  -o, --output string\n      --at ADDRESS\n", nil
	}
	require.Empty(t, misused(commandLine{"ls", []string{"-o", "--output", "--at", "--help"}}, help))
	require.Equal(t, "samplefw ls has no --out", misused(commandLine{"ls", []string{"--out"}}, help))
	require.Equal(t, "samplefw list: no such command", misused(commandLine{"list", nil}, help))
}
