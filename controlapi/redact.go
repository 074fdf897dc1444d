package controlapi

import (
	"maps"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// redacted returns what is known of a task with "redacted" in place of the values of its secrets.
func redacted(info task.Info) task.Info {
	if !hasSecrets(&info.Spec) {
		return info
	}
	spec := info.Spec.Clone()
	spec.Command.Secrets = maps.Clone(spec.Command.Secrets)
	for name, secret := range spec.Command.Secrets {
		hide(&secret)
		spec.Command.Secrets[name] = secret
	}
	if spec.Container != nil {
		for i := range spec.Container.Volumes {
			hide(spec.Container.Volumes[i].Secret)
		}
	}
	info.Spec = spec
	return info
}

func hide(s *task.Secret) {
	if s != nil && s.Value != nil {
		s.Value = []byte("redacted")
	}
}

func hasSecrets(spec *task.Spec) bool {
	if len(spec.Command.Secrets) > 0 {
		return true
	}
	if spec.Container != nil {
		for _, v := range spec.Container.Volumes {
			if v.Secret != nil {
				return true
			}
		}
	}
	return false
}

func redactedAll(infos []task.Info) []task.Info {
	for i := range infos {
		infos[i] = redacted(infos[i])
	}
	return infos
}
