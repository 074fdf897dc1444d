//go:build linux

package procengine

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"

	"github.com/mesos-actor/mesos-actor-go/invoker/enginetest"
)

// TestMain runs the test's program as what it is started as: a container, or an invoker that is going to be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "container":
			serve()
			return
		case "invoker":
			embed(os.Args[2])
			return
		}
	}
	os.Exit(m.Run())
}

// serve is the program of the containers of enginetest.
func serve() {
	l, err := net.Listen("tcp", net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT0")))
	if err == nil {
		err = http.Serve(l, enginetest.Handler(enginetest.Process{Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Exit: os.Exit}))
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
