package task

// BuildInput is what a builder builds a task from. What its fields point to is shared and must not be changed.
type BuildInput struct {
	Spec      Spec
	Placement Placement
	// FrameworkID is the ID of the framework that launches the task.
	FrameworkID string
}

// PodBuildInput is what a builder builds a pod from. Its members satisfy [ValidatePod]. What its
// fields point to is shared and must not be changed.
type PodBuildInput struct {
	Members []Spec
	// Placements are those of the members, in the same order.
	Placements []Placement
	// Executor is the placement of the pod's executor. Its TaskID is the name of the pod.
	Executor Placement
	// FrameworkID is the ID of the framework that launches the pod.
	FrameworkID string
}
