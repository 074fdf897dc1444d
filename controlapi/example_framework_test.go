package controlapi_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// runJob runs a command to its end. The framework is a *scheduler.Scheduler, or a *controlapi.Client in another process.
func runJob(ctx context.Context, framework controlapi.Framework, id, command string) (task.State, error) {
	spec := task.Spec{ID: id, CPUs: 0.1, Mem: 32, Command: task.Command{Shell: command}}
	if _, err := framework.Ensure(ctx, spec); err != nil {
		return task.StateUnknown, err
	}
	info, err := framework.Wait(ctx, id, scheduler.UntilEnded)
	return info.State, err
}

// The same code beside the leader and elsewhere.
func ExampleFramework() {
	at, stop := serveExample() // in another process
	defer stop()
	client, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: []string{at}, Token: "open-sesame"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	fmt.Println(runJob(ctx, client, "report-7", "exit 0"))
	page, err := client.List(ctx, controlapi.ListOptions{States: []task.State{task.StateFinished}, Sort: "-updated", Limit: 10})
	fmt.Println(page.Total, page.Tasks[0].ID, err)
	overview, err := client.Overview(ctx)
	fmt.Println(overview.Tasks, err)
	// Output:
	// finished <nil>
	// 1 report-7 <nil>
	// map[finished:1] <nil>
}

// reason says what an answer was about, in the words of its fields.
func reason(e *controlapi.Error) string {
	capacity := func(c *controlapi.Capacity) string {
		return fmt.Sprintf("no place in %v: %v", time.Duration(c.Waited*float64(time.Second)), c.Rejection)
	}
	refused := func(r *controlapi.Refused) string { return fmt.Sprintf("the master refuses %s: %s", r.Call, r.Message) }
	invalid := func(f controlapi.InvalidField) string { return fmt.Sprintf("%s %s", f.Field, f.Reason) }
	switch {
	case e.Capacity != nil:
		return capacity(e.Capacity)
	case e.Refused != nil:
		return refused(e.Refused)
	case len(e.Fields) > 0:
		return invalid(e.Fields[0])
	}
	return e.Message
}

// Errors of a client have what the server has said, and wrap the errors of the scheduler.
func ExampleError() {
	at, stop := serveExample() // in another process
	defer stop()
	client, err := controlapi.NewClient(controlapi.ClientConfig{Addresses: []string{at}, Token: "open-sesame"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	_, err = client.List(context.Background(), controlapi.ListOptions{Sort: "size"})
	var answer *controlapi.Error
	if errors.As(err, &answer) {
		fmt.Println(answer.Status, reason(answer))
	}
	err = client.Forget(context.Background(), "web-7")
	if errors.As(err, &answer) {
		fmt.Println(answer.Status, reason(answer), errors.Is(err, scheduler.ErrUnknownTask))
	}
	// Output:
	// 400 sort must be submitted, updated, id, state, group or agent, with a - before it for descending order
	// 404 scheduler: unknown task: "web-7" true
}
