//go:build linux

package procengine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mesos-actor/mesos-actor-go/invoker"
	"github.com/mesos-actor/mesos-actor-go/invoker/procengine"
)

// The containers of the kind "nodejs:20" are processes of this machine.
func ExampleNew() {
	config := procengine.Config{
		Dir:   filepath.Join(os.TempDir(), "procengine-example"),
		Kinds: map[string][]string{"nodejs:20": {"node", "/opt/runtime/app.js"}},
	}
	var engine *procengine.Engine // is the Engine of an invoker.Config
	engine, err := procengine.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer engine.Close()
	_, err = engine.Create(context.Background(), "example-1", invoker.Spec{Shape: invoker.Shape{Kind: "python:3"}})
	fmt.Println(err)
	// Output: the image cannot be had: no program is configured for kind "python:3"
}
