package ha_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/electiontest"
	"github.com/mesos-actor/mesos-actor-go/scheduler"
)

func ExampleOpenFile() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path, ctx := filepath.Join(dir, "tasks.store"), context.Background()

	var store *ha.File
	store, err = ha.OpenFile(path)
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Apply(ctx, map[string][]byte{"task/web-1": []byte("staging"), "task/web-2": []byte("staging")}); err != nil {
		log.Fatal(err)
	}
	if err := store.Apply(ctx, map[string][]byte{"task/web-1": []byte("running"), "task/web-2": nil}); err != nil {
		log.Fatal(err)
	}

	_, err = ha.OpenFile(path)
	fmt.Println("a second scheduler:", errors.Is(err, ha.ErrLocked))
	if err := store.Close(); err != nil {
		log.Fatal(err)
	}

	store, err = ha.OpenFile(path) // the next process
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	records, err := store.Load(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for key, value := range records {
		fmt.Printf("%s: %s\n", key, value)
	}
	// Output:
	// a second scheduler: true
	// task/web-1: running
}

func ExampleMemory() {
	var store ha.Memory
	ctx := context.Background()
	if err := store.Apply(ctx, map[string][]byte{"task/web-1": []byte("running")}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(store.Apply(ctx, map[string][]byte{"": []byte("no key")}))
	records, err := store.Load(ctx)
	fmt.Println(len(records), err)
	// Output:
	// ha: record "": the key is empty
	// 1 <nil>
}

// Three copies of a framework, here in one process and on a cluster that does not exist. The one that leads hands over when
// it stops.
func ExampleRun() {
	election := electiontest.New(electiontest.Config{Members: 3})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	for _, elector := range election.Members() {
		sched, err := scheduler.New(scheduler.Config{
			Master: "localhost:1", Framework: scheduler.Framework{Name: "example"}, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			log.Fatal(err)
		}
		go func() { ended <- ha.Run(ctx, elector, sched) }()
	}
	for status := range election.Members()[0].Watch(ctx) {
		if status.Leader != "" {
			fmt.Println("term", status.Term)
			break
		}
	}
	stop()
	for range 3 {
		fmt.Println(<-ended)
	}
	// Output:
	// term 1
	// context canceled
	// context canceled
	// context canceled
}
