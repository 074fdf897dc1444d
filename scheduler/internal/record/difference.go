package record

import (
	"encoding/binary"
	"maps"
	"reflect"
	"slices"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// A difference is in what a spec differs from one that is alike: the fields that are often different in the tasks of one
// service. Each part is a byte that says what it is, and texts, each with its length before it. The pod comes first.
const (
	podDiffers   = 'p' // the pod
	nameDiffers  = 'n' // the name
	shellDiffers = 's' // Command.Shell
	argvDiffers  = 'a' // the number of arguments, and these
	envDiffers   = 'e' // a key and its value
	envMissing   = 'E' // a key
	labelDiffers = 'l' // a key and its value
	labelMissing = 'L' // a key
)

// alike reports whether two specs are equal in all but what a difference can say. They are not if one has an empty list or map
// and the other none.
func alike(a, b *task.Spec) bool {
	return a.Role == b.Role && a.CPUs == b.CPUs && a.Mem == b.Mem && a.Disk == b.Disk && a.GPUs == b.GPUs &&
		a.Revocable == b.Revocable && a.Group == b.Group && a.MaxCompletionTime == b.MaxCompletionTime &&
		sameMap(a.Scalars, b.Scalars) && sameList(a.Ports, b.Ports) &&
		sameList(a.Constraints, b.Constraints) && sameList(a.Preferences, b.Preferences) &&
		samePart(a.Executor, b.Executor) && samePart(a.Limits, b.Limits) && samePart(a.KillPolicy, b.KillPolicy) &&
		(a.Labels == nil) == (b.Labels == nil) && alikeCommands(&a.Command, &b.Command) &&
		samePart(a.Container, b.Container) && samePart(a.HealthCheck, b.HealthCheck) && samePart(a.Check, b.Check) && samePart(a.Discovery, b.Discovery)
}

func alikeCommands(a, b *task.Command) bool {
	return (a.Argv == nil) == (b.Argv == nil) && (a.Env == nil) == (b.Env == nil) && a.User == b.User && sameList(a.URIs, b.URIs) &&
		(a.Secrets == nil && b.Secrets == nil || samePart(&a.Secrets, &b.Secrets))
}

func sameList[T comparable](a, b []T) bool { return (a == nil) == (b == nil) && slices.Equal(a, b) }

func sameMap[T comparable](a, b map[string]T) bool {
	return (a == nil) == (b == nil) && maps.Equal(a, b)
}

func samePart[T any](a, b *T) bool { return a == b || a != nil && b != nil && reflect.DeepEqual(a, b) }

// difference returns in what s differs from a spec that is alike.
func difference(base, s *task.Spec) string {
	var scratch [256]byte
	b := scratch[:0]
	for _, f := range [...]struct {
		part      byte
		base, own string
	}{{podDiffers, base.Pod, s.Pod}, {nameDiffers, base.Name, s.Name}, {shellDiffers, base.Command.Shell, s.Command.Shell}} {
		if f.base != f.own {
			b = appendCounted(append(b, f.part), f.own)
		}
	}
	if argv := s.Command.Argv; !slices.Equal(base.Command.Argv, argv) {
		b = binary.AppendUvarint(append(b, argvDiffers), uint64(len(argv)))
		for _, argument := range argv {
			b = appendCounted(b, argument)
		}
	}
	b = appendMapDifference(b, base.Command.Env, s.Command.Env, envDiffers, envMissing)
	return string(appendMapDifference(b, base.Labels, s.Labels, labelDiffers, labelMissing))
}

func appendMapDifference(b []byte, base, own map[string]string, differs, missing byte) []byte {
	var some [8]string
	keys, found := some[:0], 0
	for key, value := range own {
		before, there := base[key]
		if there {
			found++
		}
		if !there || before != value {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys) // so that equal specs have equal differences
	for _, key := range keys {
		b = appendCounted(appendCounted(append(b, differs), key), own[key])
	}
	if found == len(base) {
		return b
	}
	keys = keys[:0]
	for key := range base {
		if _, there := own[key]; !there {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		b = appendCounted(append(b, missing), key)
	}
	return b
}

// applyDifference makes a copy of a base the spec that differs from it.
func applyDifference(s *task.Spec, own string) {
	var env, labels bool // are copied
	for own != "" {
		var text string
		part := own[0]
		if part == argvDiffers {
			s.Command.Argv, own = cutTexts(own[1:])
			continue
		}
		text, own = cutText(own[1:])
		switch part {
		case podDiffers:
			s.Pod = text
		case nameDiffers:
			s.Name = text
		case shellDiffers:
			s.Command.Shell = text
		case envDiffers, envMissing:
			own = applyEntry(&s.Command.Env, &env, text, part == envDiffers, own)
		case labelDiffers, labelMissing:
			own = applyEntry(&s.Labels, &labels, text, part == labelDiffers, own)
		}
	}
}

// applyEntry sets a key to the text with which rest begins, or deletes it, in a copy of the map. It returns what follows.
func applyEntry(of *map[string]string, copied *bool, key string, set bool, rest string) string {
	if !*copied {
		*of, *copied = maps.Clone(*of), true
	}
	if !set {
		delete(*of, key)
		return rest
	}
	(*of)[key], rest = cutText(rest)
	return rest
}

// cutText returns the text with which a part of a difference begins, and what follows.
func cutText(s string) (text, rest string) {
	n, size := cutNumber(s)
	return s[size : size+n], s[size+n:]
}

func cutTexts(s string) (texts []string, rest string) {
	n, size := cutNumber(s)
	texts, rest = make([]string, n), s[size:]
	for i := range texts {
		texts[i], rest = cutText(rest)
	}
	return texts, rest
}

func cutNumber(s string) (n, size int) {
	for shift := 0; ; shift += 7 {
		b := s[size]
		size++
		if n |= int(b&0x7f) << shift; b < 0x80 {
			return n, size
		}
	}
}
