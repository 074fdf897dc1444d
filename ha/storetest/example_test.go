package storetest_test

import (
	"testing"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/storetest"
)

// shared stands for a store that several processes share, of which the newest one leads.
type shared struct{}

// join returns the store as a process has it that leads from now on.
func (shared) join() storetest.Store { return &ha.Memory{} }

// A further test, for a store that belongs to the process that leads.
func ExampleRunFenced() {
	_ = func(t *testing.T) {
		storetest.RunFenced(t, func(*testing.T) (storetest.Store, func() storetest.Store) {
			var s shared
			return s.join(), s.join // the second time, another process leads
		})
	}
}

// The function is the body of a TestStore.
func ExampleRun() {
	_ = func(t *testing.T) {
		open := func(t *testing.T) storetest.Store {
			s, err := ha.OpenFile(t.TempDir() + "/store")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			return s
		}
		storetest.Run(t, open, nil) // nil: durability is not checked
	}
}
