package scheduler_test

import (
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

// The policies have names, for flags and logs.
func ExampleUnknownTasks() {
	fmt.Println(scheduler.ReportUnknown, scheduler.AdoptUnknown, scheduler.KillUnknown, scheduler.UnknownTasks(7))
	fmt.Println(scheduler.UntilRunning, scheduler.UntilEnded)
	// Output:
	// report adopt kill UnknownTasks(7)
	// running ended
}
