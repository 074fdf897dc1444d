package storetest_test

import (
	"testing"

	"github.com/mesos-actor/mesos-actor-go/ha"
	"github.com/mesos-actor/mesos-actor-go/ha/storetest"
)

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
