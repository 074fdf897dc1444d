//go:build !linux

package procengine

import (
	"errors"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/invoker"
)

// Engine is an [invoker.Engine] on Linux. Elsewhere there is none.
type Engine struct {
	invoker.Engine
	invoker.Suspender
	invoker.OutputReader
	invoker.AgentLister
}

// New returns an error that wraps errors.ErrUnsupported: elsewhere than on Linux the package only builds.
func New(cfg Config) (*Engine, error) {
	if _, err := cfg.withDefaults(); err != nil {
		return nil, fmt.Errorf("procengine: %w", err)
	}
	return nil, fmt.Errorf("procengine needs Linux: %w", errors.ErrUnsupported)
}

// Close does nothing.
func (*Engine) Close() error { return nil }
