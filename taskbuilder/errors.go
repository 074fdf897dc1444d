package taskbuilder

import "errors"

// ErrMismatch is returned by [Standard.Build] and [Standard.BuildPod], wrapped with details, if a placement does not
// match its spec: another task ID, no agent, no resources, a wrong number of host ports, or a check of a port that does
// not exist. It is also returned if the members of a pod do not match each other. The cause is a faulty matcher or a
// spec that was not validated.
var ErrMismatch = errors.New("taskbuilder: the placement does not suit the task")
