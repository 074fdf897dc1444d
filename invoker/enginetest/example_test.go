package enginetest_test

import (
	"net"
	"net/http"
	"os"
	"testing"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/enginetest"
)

// engine stands for the engine to check, and its platform.
type engine struct{ invoker.Engine }

func (engine) processes() int { return 0 }

// The function is the body of a TestEngine.
func ExampleRun() {
	_ = func(t *testing.T) {
		enginetest.Run(t, func(*testing.T) enginetest.Fixture {
			e := engine{}
			return enginetest.Fixture{
				Engine:  e,
				Spec:    invoker.Spec{Shape: invoker.Shape{Kind: "test", Memory: 64}},
				Running: e.processes,
				Refused: []enginetest.Refused{
					{Why: "a kind that does not exist", Spec: invoker.Spec{Shape: invoker.Shape{Kind: "none"}}, Want: invoker.ErrImage},
				},
			}
		})
	}
}

// The function is the main of the program that the containers of a fixture run.
func ExampleHandler() {
	_ = func() error {
		l, err := net.Listen("tcp", ":"+os.Getenv("PORT0"))
		if err != nil {
			return err
		}
		return http.Serve(l, enginetest.Handler(enginetest.Process{
			Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Exit: os.Exit,
		}))
	}
}
