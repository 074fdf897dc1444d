package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/mesos-actor/mesos-actor-go"

// outside makes a module outside the repository, which has this one from there, and returns its folder. The network is not
// needed: the module cache has everything.
func outside(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	copyFile(t, "../go.sum", filepath.Join(dir, "go.sum"))
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	mod, err := os.ReadFile("../go.mod")
	require.NoError(t, err)
	text := strings.Replace(string(mod), "module "+module, "module example.com/copied", 1)
	text += "\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + root + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o600))
	return dir
}

// copied copies the program in a folder into a module of its own, and returns that module's folder.
func copied(t *testing.T, folder string) (dir string) {
	t.Helper()
	dir = outside(t)
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			copyFile(t, file, filepath.Join(dir, filepath.Base(file)))
		}
	}
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, content, 0o600))
}

// buildOutside builds the program in a module's folder, and returns its path.
func buildOutside(t *testing.T, dir string) (program string, output string, err error) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "program")
	output, err = goOutside(dir, "build", "-o", program, ".")
	return program, output, err
}

// goOutside runs the go command in a module's folder.
func goOutside(dir string, args ...string) (output string, err error) {
	command := exec.Command("go", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	said, err := command.CombinedOutput()
	return string(said), err
}

// The examples can be copied: each builds in a module of its own.
func TestExamplesBuildOutside(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds programs")
	}
	for _, folder := range []string{"batchrunner", "invoker", "samplefw"} {
		t.Run(folder, func(t *testing.T) {
			program, output, err := buildOutside(t, copied(t, folder))
			require.NoError(t, err, output)
			help, err := exec.Command(program, "-h").CombinedOutput()
			require.NoError(t, err, "%s", help)
			require.Contains(t, string(help), "Usage")
		})
	}
}

// The control: a program that imports an internal package does not build outside.
func TestExamplesBuildOutsideControl(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds programs")
	}
	dir := copied(t, "samplefw")
	internal := "package main\n\nimport _ \"" + module + "/internal/mesostest\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "internal.go"), []byte(internal), 0o600))
	_, output, err := buildOutside(t, dir)
	require.Error(t, err)
	require.Contains(t, output, "use of internal package "+module+"/internal/mesostest not allowed")
}

// The examples in the documentation of package scheduler can be copied: each file passes in a module of its own.
func TestDocumentedExamplesOutside(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds packages")
	}
	dir := outside(t)
	files, err := filepath.Glob("../scheduler/example*_test.go")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := filepath.Base(file)
		folder := filepath.Join(dir, strings.TrimSuffix(name, "_test.go"))
		require.NoError(t, os.Mkdir(folder, 0o700))
		copyFile(t, file, filepath.Join(folder, name))
	}
	said, err := goOutside(dir, "test", "./...")
	require.NoError(t, err, said)
	require.Equal(t, len(files), strings.Count(said, "ok  \t"), said)
}
