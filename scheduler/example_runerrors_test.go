package scheduler_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// whyEnded says what an operator should do when Run has returned an error.
func whyEnded(err error) string {
	var (
		config    *scheduler.ConfigError
		subscribe *scheduler.SubscribeError
		removed   *scheduler.FrameworkRemovedError
		other     *scheduler.FingerprintError
		record    *scheduler.RecordError
		fenced    *scheduler.FencedError
	)
	switch {
	case err == nil:
		return "the framework was torn down"
	case errors.As(err, &config):
		return "correct " + config.Field
	case errors.As(err, &subscribe) && subscribe.Status == 401:
		return "correct the credentials for " + subscribe.Master
	case errors.As(err, &subscribe):
		return subscribe.Master + " refuses: " + subscribe.Message
	case errors.As(err, &removed):
		return "the tasks of " + removed.FrameworkID + " are gone: start with an empty store"
	case errors.As(err, &other):
		return fmt.Sprintf("the store is of another framework: its %s is %s", other.Field, other.Stored)
	case errors.As(err, &record):
		return "restore the store, or use a newer version: " + record.Key
	case errors.As(err, &fenced), errors.Is(err, scheduler.ErrEvicted):
		return "another process leads"
	case errors.Is(err, context.Canceled):
		return "the program was stopped"
	}
	return "report this: " + err.Error()
}

// What Run returns tells whether it helps to start the program again.
func Example_runErrors() {
	_, err := scheduler.New(scheduler.Config{Master: "master.example:5050"})
	fmt.Println(whyEnded(err))
	fmt.Println(whyEnded(&scheduler.SubscribeError{Master: "http://master.example:5050", Status: 401}))
	fmt.Println(whyEnded(&scheduler.FrameworkRemovedError{FrameworkID: "F1"}))
	fmt.Println(whyEnded(&scheduler.FingerprintError{Field: "name", Stored: "shop", Config: "bank"}))
	fmt.Println(whyEnded(&scheduler.RecordError{Key: "task/web-1", Err: errors.New("version 9")}))
	fmt.Println(whyEnded(&scheduler.FencedError{Err: errors.New("term 7 is over")}))
	// Output:
	// correct Framework.Name
	// correct the credentials for http://master.example:5050
	// the tasks of F1 are gone: start with an empty store
	// the store is of another framework: its name is shop
	// restore the store, or use a newer version: task/web-1
	// another process leads
}
