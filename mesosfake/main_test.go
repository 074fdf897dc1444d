package mesosfake_test

import (
	"flag"
	"testing"
)

// runTest runs a test inside an example, once and quietly whatever the flags of the example's own run are.
func runTest(test func(t *testing.T)) {
	for name, value := range map[string]string{"test.v": "false", "test.count": "1", "test.cpu": ""} {
		f := flag.Lookup(name)
		before := f.Value.String()
		_ = f.Value.Set(value)
		defer func() { _ = f.Value.Set(before) }()
	}
	all := func(string, string) (bool, error) { return true, nil }
	if !testing.RunTests(all, []testing.InternalTest{{Name: "Test", F: test}}) {
		panic("the test in the example has failed")
	}
}
