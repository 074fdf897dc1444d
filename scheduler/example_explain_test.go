package scheduler_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// whyPending says in one line what a pending task waits for.
func whyPending(e scheduler.Explanation) string {
	widest, found := e.Widest()
	var wrongID *scheduler.FrameworkIDError
	switch {
	case e.NeverOffered != nil:
		return "it will never run: " + e.NeverOffered.Error()
	case errors.As(e.SubscribeErr, &wrongID):
		return "the master at " + wrongID.Master + " has lost the framework"
	case !e.Subscribed:
		return fmt.Sprint("there is no master: ", e.SubscribeErr)
	case e.StoreErr != nil:
		return fmt.Sprint("the store fails: ", e.StoreErr)
	case !found:
		return "nothing was offered yet"
	}
	return widest.String()
}

// Explain returns all obstacles, of which programs can show the one that counts.
func ExampleExplanation() {
	explanation := scheduler.Explanation{
		Task:       task.Info{Spec: task.Spec{ID: "web-1"}, State: task.StatePending},
		Subscribed: true,
		Findings: []scheduler.Finding{{
			At: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), Offers: 2,
			Reasons: []task.Reason{{Kind: task.ReasonShortage, Resource: "mem", Agents: 2, Short: 512, Hostname: "agent2"}},
		}},
		Cycles: 1,
	}
	fmt.Println(whyPending(explanation))
	explanation.Subscribed, explanation.SubscribeErr = false, errors.New("connection refused")
	fmt.Println(whyPending(explanation))
	// Output:
	// of 2 offers: mem: not enough on 2 agents; closest agent2, 512 MiB short
	// there is no master: connection refused
}
