//go:build !unix

package taskmatcher_test

import "time"

// processorTime returns 0, since it is not known here.
func processorTime() time.Duration { return 0 }
