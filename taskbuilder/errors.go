package taskbuilder

import "errors"

// ErrMismatch is returned by [Standard.Build] and [Standard.BuildPod], wrapped with the details, when
// the placement does not belong to the spec: another task, no agent, no resources, not a host port
// for each port, or none for a check; or when members of a pod do not belong together. It points to
// a faulty matcher or to a spec that was not validated.
var ErrMismatch = errors.New("taskbuilder: the placement does not suit the task")
