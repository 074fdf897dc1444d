package detector_test

import (
	"context"
	"fmt"

	"github.com/mesos-actor/mesos-actor-go/internal/detector"
)

// The first master is dead: the second one is tried next.
func ExampleDetector() {
	d, err := detector.New(detector.Config{Master: "master1:5050, https://master2:5050"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error)
	go func() { done <- d.Run(ctx, nil) }()

	for range 2 {
		lead, err := d.Leader(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("trying", lead.URL)
		d.Failed(lead.URL)
	}
	cancel()
	fmt.Println(<-done)
	// Output:
	// trying http://master1:5050
	// trying https://master2:5050
	// context canceled
}

func ExampleNew() {
	_, err := detector.New(detector.Config{Master: "zk://user:password@zk1:2181"})
	fmt.Println(err)
	// Output: detector: Master "zk://***@zk1:2181" must have a path after the hosts, such as /mesos
}
