package mesosfake

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest"
)

// ErrNotFound is wrapped by the errors of methods that are told of an agent, task or framework that is not there.
var ErrNotFound = errors.New("not found")

// ErrRefused is wrapped by the errors of methods that do what an operator does, when a real master would refuse it. Their text
// is that of a master.
var ErrRefused = errors.New("refused by the master")

// operated returns the error of what an operator does.
func operated(err error) error {
	var refusal *mesostest.OperatorError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &refusal):
		return fmt.Errorf("mesosfake: %w", err)
	case refusal.Status == http.StatusNotFound:
		return fmt.Errorf("mesosfake: %w: %s", ErrNotFound, refusal.Message)
	default:
		return fmt.Errorf("mesosfake: %w: %s", ErrRefused, refusal.Message)
	}
}
