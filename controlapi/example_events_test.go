package controlapi_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/mesos-actor/mesos-actor-go/controlapi"
)

// follow reads server-sent events of GET /v1/events?view=summary, and prints what it knows after each.
func follow(stream io.Reader) error {
	tasks := map[string]controlapi.Summary{}
	event := ""
	for lines := bufio.NewScanner(stream); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			event = name
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		switch event {
		case "snapshot": // instead of events that are not there any more
			var part controlapi.Snapshot[controlapi.Summary]
			if err := json.Unmarshal([]byte(data), &part); err != nil {
				return err
			}
			if part.First {
				clear(tasks)
			}
			for _, t := range part.Tasks {
				tasks[t.ID] = t
			}
		case "task":
			var change controlapi.SummaryEvent
			if err := json.Unmarshal([]byte(data), &change); err != nil {
				return err
			}
			tasks[change.Task.ID] = change.Task
			fmt.Println(change.Task.ID, "was", change.Previous, "and is", change.Task.State)
		case "overview":
			var overview controlapi.Overview
			if err := json.Unmarshal([]byte(data), &overview); err != nil {
				return err
			}
			fmt.Println(overview.Framework, "has", overview.Offers, "offers at hand; known here:", len(tasks), "tasks")
		}
	}
	return nil
}

// A program without this library keeps a list of tasks up to date.
func ExampleSnapshot() {
	err := follow(strings.NewReader(`id: 7
event: snapshot
data: {"tasks":[{"id":"web-1","state":"running","version":7},{"id":"web-2","state":"pending","version":6}],"first":true,"last":true}

id: 8
event: task
data: {"task":{"id":"web-2","state":"staging","version":8},"previous":"pending"}

event: overview
data: {"framework":"shop","offers":3}
`))
	fmt.Println(err)
	// Output:
	// web-2 was pending and is staging
	// shop has 3 offers at hand; known here: 2 tasks
	// <nil>
}

// Output that breaks off says why in its last line.
func ExampleLogFailure() {
	last := `{"error":{"code":"agent_away","message":"the output of task \"web-1\" cannot be read: its agent is away"}}`
	var failure controlapi.LogFailure
	if err := json.Unmarshal([]byte(last), &failure); err == nil && failure.Error != nil {
		fmt.Println(failure.Error.Code)
	}
	// Output: agent_away
}
