package task

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

func (v *violations) container(s Spec) {
	c := s.Container
	if c == nil {
		return
	}
	docker := c.RunBy() != ContainerizerMesos
	if docker && c.RunBy() != ContainerizerDocker {
		v.add("Container.Containerizer", string(c.Containerizer), `must be "docker" or "mesos"`)
	}
	switch {
	case c.Image == "" && docker:
		v.add("Container.Image", c.Image, "must not be empty")
	case strings.ContainsAny(c.Image, whiteSpace):
		v.add("Container.Image", c.Image, "must not contain white space")
	case c.Image == "" && c.ForcePull:
		v.add("Container.ForcePull", c.ForcePull, "must not be set without an image")
	}
	switch {
	case strings.ContainsAny(string(c.Network), whiteSpace):
		v.add("Container.Network", string(c.Network), "must be the name of a network, without white space")
	case c.Network == "none" && !docker:
		v.add("Container.Network", string(c.Network), "must not be none: the mesos containerizer has nothing like it")
	}
	for i, p := range c.Parameters {
		v.parameter(fmt.Sprintf("Container.Parameters[%d].Key", i), p.Key)
	}
	if len(c.Parameters) > 0 && !docker {
		v.add("Container.Parameters", len(c.Parameters), "must be empty: they are options of docker run, which the mesos containerizer would ignore")
	}
	paths := map[string]bool{}
	for i, volume := range c.Volumes {
		field := fmt.Sprintf("Container.Volumes[%d].", i)
		v.volume(field, volume, docker, s.Pod != "")
		if at := path.Clean(volume.Path); paths[at] {
			v.add(field+"Path", volume.Path, "must not be that of another volume")
		} else {
			paths[at] = true
		}
	}
}

const whiteSpace = " \t\r\n\v\f"

// parameter refuses options that would break the task: Mesos finds its containers by their names, and a network
// option would silently replace Container.Network.
func (v *violations) parameter(field, key string) {
	switch {
	case key == "":
		v.add(field, key, "must not be empty")
	case strings.HasPrefix(key, "-"):
		v.add(field, key, "must be written without leading dashes")
	case key == "name":
		v.add(field, key, "must not be set: Mesos names the container")
	case key == "net" || key == "network":
		v.add(field, key, "must not be set: use Container.Network")
	}
}

// volume refuses sources that the containerizer does not support, since Docker's silently ignores them, and paths
// on which agents fail tasks.
func (v *violations) volume(field string, volume Volume, docker, inPod bool) {
	sources := 0
	for _, set := range []bool{volume.HostPath != "", volume.SandboxPath != "", volume.Tmpfs != 0, volume.Secret != nil} {
		if set {
			sources++
		}
	}
	if sources != 1 {
		v.add(strings.TrimSuffix(field, "."), volume.Path, fmt.Sprintf("must have one of HostPath, SandboxPath, Tmpfs and Secret, has %d", sources))
	}
	v.volumePath(field+"Path", volume.Path, docker)
	switch absolute := path.IsAbs(volume.Path); {
	case volume.Path == "" || absolute:
	case volume.Tmpfs != 0:
		v.add(field+"Path", volume.Path, "must be absolute for a tmpfs")
	case volume.SandboxPath != "" && !inPod:
		v.add(field+"Path", volume.Path, "must be absolute for a SandboxPath: the task finds it in its sandbox anyway")
	}
	if volume.HostPath != "" {
		v.volumePath(field+"HostPath", volume.HostPath, docker)
		if !path.IsAbs(volume.HostPath) {
			v.add(field+"HostPath", volume.HostPath, "must be absolute")
		}
	}
	if volume.SandboxPath != "" {
		v.volumePath(field+"SandboxPath", volume.SandboxPath, docker)
		if path.IsAbs(volume.SandboxPath) {
			v.add(field+"SandboxPath", volume.SandboxPath, "must be relative to the sandbox")
		}
	}
	if volume.Tmpfs != 0 {
		v.tmpfs(field, volume, docker)
	}
	if volume.Secret != nil {
		v.secret(field+"Secret", *volume.Secret)
		if docker {
			v.add(field+"Secret", volume.Path, "must not be set: the docker containerizer would ignore the volume")
		}
	}
}

func (v *violations) tmpfs(field string, volume Volume, docker bool) {
	switch {
	case !docker:
		v.add(field+"Tmpfs", volume.Tmpfs, "must be 0: the mesos containerizer cannot mount a tmpfs")
	case volume.Tmpfs < 0:
		v.add(field+"Tmpfs", volume.Tmpfs, "must not be negative")
	case volume.ReadOnly:
		v.add(field+"ReadOnly", volume.ReadOnly, "must not be set for a tmpfs, which starts empty")
	}
}

// volumePath refuses relative paths that lead out of the sandbox, and colons, at which docker run splits its volume
// option.
func (v *violations) volumePath(field, p string, docker bool) {
	switch {
	case p == "":
		v.add(field, p, "must not be empty")
	case strings.ContainsRune(p, 0):
		v.add(field, p, "must not contain a zero byte")
	case docker && strings.Contains(p, ":"):
		v.add(field, p, "must not contain a colon: docker would split it there")
	case !path.IsAbs(p):
		v.inSandbox(field, p)
	}
}

// inSandbox refuses paths that contain "..".
func (v *violations) inSandbox(field, p string) {
	if slices.Contains(strings.Split(p, "/"), "..") {
		v.add(field, p, `must not contain ".."`)
	}
}
