package task

import "maps"

// Discovery is the information about a task for service discovery; Mesos does not interpret it. It includes
// the ports of the task: number (the host port), protocol and name.
type Discovery struct {
	// Visibility is who should be able to discover the task. Default [VisibilityFramework].
	Visibility Visibility `json:"visibility,omitzero"`
	// Name of the service. Default: Spec.Name.
	Name string `json:"name,omitzero"`
	// Environment, such as "prod", Location, such as "us-east", and Version, such as "v2.0", may
	// be empty.
	Environment string `json:"environment,omitzero"`
	Location    string `json:"location,omitzero"`
	Version     string `json:"version,omitzero"`
	// Labels are those of the service; Spec.Labels are those of the task.
	Labels map[string]string `json:"labels,omitzero"`
}

// Visibility is who should be able to discover a task.
type Visibility string

// The visibilities, as Mesos spells them.
const (
	VisibilityFramework Visibility = "FRAMEWORK" // other tasks of the framework
	VisibilityCluster   Visibility = "CLUSTER"   // all tasks of the cluster
	VisibilityExternal  Visibility = "EXTERNAL"  // everybody
)

func (d *Discovery) clone() *Discovery {
	if d = clone(d); d != nil {
		d.Labels = maps.Clone(d.Labels)
	}
	return d
}
