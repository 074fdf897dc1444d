package task

import "maps"

// Discovery is the information about a task for service discovery; Mesos does not interpret it. It includes
// the ports of the task: number (the host port), protocol and name.
type Discovery struct {
	// Visibility is who should be able to discover the task. Default [InFramework].
	Visibility Visibility
	// Name of the service. Default: Spec.Name.
	Name string
	// Environment, such as "prod", Location, such as "us-east", and Version, such as "v2.0", may
	// be empty.
	Environment string
	Location    string
	Version     string
	// Labels are those of the service; Spec.Labels are those of the task.
	Labels map[string]string
}

// Visibility is who should be able to discover a task.
type Visibility string

// The visibilities, as Mesos spells them.
const (
	InFramework Visibility = "FRAMEWORK" // other tasks of the framework
	InCluster   Visibility = "CLUSTER"   // all tasks of the cluster
	External    Visibility = "EXTERNAL"  // everybody
)

func (d *Discovery) clone() *Discovery {
	if d = clone(d); d != nil {
		d.Labels = maps.Clone(d.Labels)
	}
	return d
}
