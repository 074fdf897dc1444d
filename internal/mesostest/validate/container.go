package validate

import mesos "github.com/mesos/mesos-go/api/v1/lib"

func commandFault(c *mesos.CommandInfo) string {
	for _, v := range c.GetEnvironment().GetVariables() {
		name := "Environment variable '" + v.Name + "' of type "
		secret := v.Type != nil && *v.Type == mesos.Environment_Variable_SECRET
		switch {
		case v.Type != nil && *v.Type == mesos.Environment_Variable_UNKNOWN:
			return "Environment variable of type 'UNKNOWN' is not allowed"
		case secret && v.Secret == nil:
			return name + "'SECRET' must have a secret set"
		case secret && v.Value != nil:
			return name + "'SECRET' must not have a value set"
		case !secret && v.Value == nil:
			return name + "'VALUE' must have a value set"
		case !secret && v.Secret != nil:
			return name + "'VALUE' must not have a secret set"
		}
	}
	return ""
}

func containerFault(c *mesos.ContainerInfo) string {
	if c == nil {
		return ""
	}
	for _, v := range c.Volumes {
		count := 0
		for _, set := range []bool{v.HostPath != nil, v.Image != nil, v.Source != nil} {
			if set {
				count++
			}
		}
		if count != 1 {
			return "Invalid volume: Only one of them should be set: 'host_path', 'image' and 'source'"
		}
	}
	if !IsDocker(c) {
		return ""
	}
	if c.Docker == nil {
		return "DockerInfo 'docker' is not set for DOCKER typed ContainerInfo"
	}
	for _, p := range c.Docker.Parameters {
		if p.Key == "name" {
			return "Parameter in DockerInfo must not be 'name'"
		}
	}
	return ""
}

// IsDocker reports whether there is a container and its type is DOCKER. GetType is no test of that: of no container
// it returns DOCKER, the first of its values.
func IsDocker(c *mesos.ContainerInfo) bool {
	return c != nil && c.Type != nil && *c.Type == mesos.ContainerInfo_DOCKER
}
