//go:build linux

package procengine

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/mesos-actor/mesos-actor-go/internal/actionruntime"
	"github.com/mesos-actor/mesos-actor-go/invoker/enginetest"
)

// The first goroutine keeps the first thread.
func init() { runtime.LockOSThread() }

// TestMain runs the test's program as what it is started as: a container, or an invoker that is going to be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "container":
			serve()
			return
		case "headless":
			go serve()
			time.Sleep(10 * time.Millisecond) // for threads to serve with
			_, _, _ = syscall.Syscall(syscall.SYS_EXIT, 0, 0, 0)
		case "engine":
			embedEngine(os.Args[2])
			return
		case "invoker":
			embedInvoker(os.Args[2])
			return
		case "action":
			os.Exit(actionruntime.Main())
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
