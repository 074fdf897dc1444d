package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// settledRun returns the flags of "samplefw run" as the command line, the environment and the file set them.
func settledRun(t *testing.T, args ...string) (tasks int, hold time.Duration, err error) {
	t.Helper()
	root := newRoot()
	cmd, rest, err := root.Find(withTwoDashes(root, append([]string{"run"}, args...)))
	require.NoError(t, err)
	require.NoError(t, cmd.ParseFlags(rest))
	if err := settle(cmd); err != nil {
		return 0, 0, err
	}
	tasks, err = cmd.Flags().GetInt("tasks")
	require.NoError(t, err)
	hold, err = cmd.Flags().GetDuration("hold")
	return tasks, hold, err
}

// The command line goes before the environment, that before the file, and that before the default.
func TestPrecedenceOfFlags(t *testing.T) {
	config := file(t, "tasks: 5\nhold: 5s\nlisten: 127.0.0.1:0\n")
	for _, row := range []struct {
		name  string
		args  []string
		env   map[string]string
		tasks int
		hold  time.Duration
	}{
		{"defaults", nil, nil, 3, 10 * time.Second},
		{"file", []string{"--config", config}, nil, 5, 5 * time.Second},
		{"file by environment", nil, map[string]string{"SAMPLEFW_CONFIG": config}, 5, 5 * time.Second},
		{"JSON", []string{"--config", file(t, `{"tasks": 6, "hold": "6s"}`)}, nil, 6, 6 * time.Second},
		{"environment", []string{"--config", config}, map[string]string{"SAMPLEFW_TASKS": "7"}, 7, 5 * time.Second},
		{"empty variable", []string{"--config", config}, map[string]string{"SAMPLEFW_TASKS": ""}, 5, 5 * time.Second},
		{"command line", []string{"--config", config, "--tasks", "8"}, map[string]string{"SAMPLEFW_TASKS": "7", "SAMPLEFW_HOLD": "7s"}, 8, 7 * time.Second},
		{"one dash", []string{"-config=" + config, "-tasks", "9"}, nil, 9, 5 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			for name, value := range row.env {
				t.Setenv(name, value)
			}
			tasks, hold, err := settledRun(t, row.args...)
			require.NoError(t, err)
			require.Equal(t, row.tasks, tasks)
			require.Equal(t, row.hold, hold)
		})
	}
}

// A flag that may be repeated has a list in a file, and the environment of all of them.
func TestListsOfFlags(t *testing.T) {
	ls := lsCommand()
	ls.Flags().String("config", file(t, "at: [a:1, b:2]\nlabel: [x=1, y]\nstate: running\n"), "")
	require.NoError(t, settle(ls))
	at, err := ls.Flags().GetStringSlice("at")
	require.NoError(t, err)
	require.Equal(t, []string{"a:1", "b:2"}, at)
	labels, err := ls.Flags().GetStringArray("label")
	require.NoError(t, err)
	require.Equal(t, []string{"x=1", "y"}, labels)

	t.Setenv("SAMPLEFW_AT", "c:3,d:4")
	ls = lsCommand()
	require.NoError(t, settle(ls))
	at, err = ls.Flags().GetStringSlice("at")
	require.NoError(t, err)
	require.Equal(t, []string{"c:3", "d:4"}, at)
}

// What a file says wrongly is named, with its line.
func TestMistakesInConfigFile(t *testing.T) {
	for content, text := range map[string]string{
		"tasks: 1\ntsks: 3\nhld: 1s":  `no flag that a file can set has the name "hld" in line 3, "tsks" in line 2`,
		"alone: true":                 `"alone" in line 1`,
		"config: other.yaml":          `"config" in line 1`,
		"tasks: [1, 2]":               "tasks in line 1: must be a single value",
		"tasks: {a: 1}":               "tasks in line 1: must be a single value",
		"hold:":                       "hold in line 1: must be a single value",
		"\ntasks: many":               "tasks in line 2: ",
		"tasks: 1\ntasks: 2":          "already defined",
		"- tasks":                     "cannot unmarshal",
		`{"tasks": 1, "help": "yes"}`: `"help" in line 1`,
	} {
		_, _, err := settledRun(t, "--config", file(t, content))
		require.ErrorContains(t, err, text)
		require.Equal(t, exitUsage, exitCode(err))
	}
	_, _, err := settledRun(t, "--config", "/no/such/file")
	require.ErrorContains(t, err, "no such file")
}

// A single dash is understood before names of flags only, and not in what follows two dashes.
func TestSingleDash(t *testing.T) {
	root := newRoot()
	require.Equal(t,
		[]string{"ha", "--name=x", "--tasks", "3", "-o", "json", "-x", "-", "--sort", "-id", "--command", "-tasks", "--all", "--id", "--", "-tasks"},
		withTwoDashes(root, []string{"ha", "-name=x", "-tasks", "3", "-o", "json", "-x", "-", "--sort", "-id", "-command", "-tasks", "-all", "-id", "--", "-tasks"}))
}

// parse returns what is wrong with the flags and arguments of a command line, as the tool says it.
func parse(args ...string) error {
	root := newRoot()
	cmd, rest, err := root.Find(withTwoDashes(root, args))
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return nil
	case err != nil:
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// commandLines returns the arguments of each call of the tool in a text: of lines that begin with it.
func commandLines(text string) (calls [][]string) {
	text = strings.ReplaceAll(text, "\\\n", " ")
	call := regexp.MustCompile(`(?m)^\s*(?:\$ )?(?:\w+=\S* )*(?:go run (?:\./examples|\S*/examples)/samplefw(?:@latest)?|(?:\./)?samplefw|docker[ -]compose exec \w+ samplefw)\b([^#\n|]*)`)
	for _, found := range call.FindAllStringSubmatch(text, -1) {
		calls = append(calls, fields(found[1]))
	}
	return calls
}

// fields splits a command line as a shell does, of which it knows quotes.
func fields(line string) (words []string) {
	for _, word := range regexp.MustCompile(`(?:'[^']*'|"[^"]*"|[^\s'"])+`).FindAllString(line, -1) {
		words = append(words, regexp.MustCompile(`['"]`).ReplaceAllString(word, ""))
	}
	return words
}

// The help of each command has an example, and what examples and documents say the tool understands.
func TestExamplesAreUnderstood(t *testing.T) {
	root := newRoot()
	for _, cmd := range append(root.Commands(), root) {
		require.NotEmpty(t, cmd.Example, cmd.Name())
		require.NotEmpty(t, commandLines(cmd.Example), cmd.Name())
		for _, args := range commandLines(cmd.Example) {
			require.NoError(t, parse(args...), "%s: %q", cmd.Name(), args)
		}
	}
	documents, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	found := 0
	for _, document := range append(documents, "../../README.md") {
		text, err := os.ReadFile(document)
		require.NoError(t, err)
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			for _, args := range commandLines(block[1]) {
				require.NoError(t, parse(args...), "%s: %q", document, args)
				found++
			}
		}
	}
	require.Greater(t, found, 5)
}

// The control: what is wrong in an example is found.
func TestExamplesAreUnderstoodControl(t *testing.T) {
	for line, text := range map[string]string{
		"samplefw run --tsks 3":                  "unknown flag: --tsks",
		"$ ./samplefw clutser":                   `"clutser" is not a command`,
		"go run ./examples/samplefw --tasks x":   `invalid argument "x"`,
		"SAMPLEFW_AT=x samplefw members more":    `arguments ["more"]`,
		"samplefw ha --name \\\n  m1 --presets":  "unknown flag: --presets",
		"docker compose exec m1 samplefw --oops": "unknown flag: --oops",
	} {
		calls := commandLines("text\n" + line + " # samplefw --comment\n")
		require.Len(t, calls, 1, line)
		require.ErrorContains(t, parse(calls[0]...), text)
	}
}
