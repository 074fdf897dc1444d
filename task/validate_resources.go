package task

import (
	"fmt"
	"math"
	"strings"
)

func (v *violations) resources(s Spec) {
	v.amount("CPUs", s.CPUs)
	v.amount("Mem", s.Mem)
	v.amount("Disk", s.Disk)
	v.amount("GPUs", s.GPUs)
	if s.GPUs != math.Trunc(s.GPUs) && !math.IsNaN(s.GPUs) {
		v.add("GPUs", s.GPUs, "must be a whole number")
	}
	for _, name := range sortedKeys(s.Scalars) {
		switch name {
		case "cpus", "mem", "disk", "gpus", "ports":
			v.add("Scalars", name, "must not name a resource that has a field of its own")
		case "":
			v.add("Scalars", name, "must not have an empty key")
		}
		v.amount(fmt.Sprintf("Scalars[%q]", name), s.Scalars[name])
	}
	if s.CPUs == 0 && s.Mem == 0 && s.Disk == 0 && s.GPUs == 0 && hostPorts(s.Ports) == 0 && !hasAny(s.Scalars) {
		v.add("CPUs", s.CPUs, "must be positive, or one of Mem, Disk, GPUs, Scalars and host Ports asked for: Mesos refuses a task without resources")
	}
}

func hasAny(scalars map[string]float64) bool {
	for _, x := range scalars {
		if x != 0 {
			return true
		}
	}
	return false
}

func (v *violations) amount(field string, x float64) {
	const most = 1e12 // a float64 holds sums of such amounts exactly to three decimal digits
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		v.add(field, x, "must be a finite number")
	case x < 0:
		v.add(field, x, "must not be negative")
	case x > 0 && math.Round(x*1000) == 0:
		v.add(field, x, "must be 0 or at least 0.001: Mesos keeps three decimal digits")
	case x > most:
		v.add(field, x, "must not be greater than 1e12")
	}
}

// executor checks what the executor asks for.
func (v *violations) executor(s Spec) {
	if s.Executor == nil {
		return
	}
	v.amount("Executor.CPUs", s.Executor.CPUs)
	v.amount("Executor.Mem", s.Executor.Mem)
	v.amount("Executor.Disk", s.Executor.Disk)
	if *s.Executor == (ExecutorResources{}) {
		v.add("Executor", 0, "must ask for something, or be nil")
	}
	if s.Pod != "" {
		v.add("Executor", s.Pod, "must be nil in a pod, which has one executor for all members")
	}
}

// limits applies the rules of validateResourceLimits in Mesos' src/master/validation.cpp.
func (v *violations) limits(s Spec) {
	if s.Limits != nil {
		v.limit("Limits.CPUs", s.Limits.CPUs, s.CPUs)
		v.limit("Limits.Mem", s.Limits.Mem, s.Mem)
	}
}

func (v *violations) limit(field string, limit, asked float64) {
	switch {
	case limit == 0:
	case asked == 0:
		v.add(field, limit, "must not be set when nothing is asked for")
	case limit == Unlimited:
	case limit < asked:
		v.add(field, limit, fmt.Sprintf("must be Unlimited or at least the %v asked for", asked))
	default:
		v.amount(field, limit)
	}
}

func (v *violations) ports(s Spec) {
	names, hosts := map[string]bool{}, map[uint16]bool{}
	for i, p := range s.Ports {
		field := fmt.Sprintf("Ports[%d]", i)
		if p.Protocol != "" && p.Protocol != "tcp" && p.Protocol != "udp" {
			v.add(field+".Protocol", p.Protocol, `must be "tcp" or "udp"`)
		}
		if p.Container != 0 && !s.Mapped() {
			v.add(field+".Container", p.Container, "must be 0 without a container on a bridge or user network: nothing is mapped")
		}
		if p.NoHost {
			v.noHost(field, p, s)
		}
		if p.Host != 0 && hosts[p.Host] {
			v.add(field+".Host", p.Host, "must not be wanted twice")
		}
		hosts[p.Host] = true
		// Names that differ only in case or dashes would become the same environment variable.
		same := strings.ReplaceAll(strings.ToUpper(p.Name), "-", "_")
		switch {
		case p.Name != "" && !portName(p.Name):
			v.add(field+".Name", p.Name, `must start with an ASCII letter, followed by letters, digits, "-" and "_"`)
		case p.Name != "" && names[same]:
			v.add(field+".Name", p.Name, "must be unique, apart from case and dashes: it names a variable of the environment")
		}
		names[same] = true
	}
	if s.Container != nil && s.Container.Network == "none" && len(s.Ports) > 0 {
		v.add("Ports", len(s.Ports), `must be empty on network "none"`)
	}
}

// noHost checks a port without a host port.
func (v *violations) noHost(field string, p Port, s Spec) {
	switch {
	case !s.Mapped():
		v.add(field+".NoHost", p.NoHost, "must not be set without a container on a bridge or user network: it would have no address of its own")
	case p.Host != 0:
		v.add(field+".NoHost", p.NoHost, fmt.Sprintf("must not be set together with Host, which is %d", p.Host))
	case p.Container == 0:
		v.add(field+".NoHost", p.NoHost, "must be set together with Container: there is no other port")
	}
}

func portName(name string) bool {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || (r < '0' || r > '9') && r != '-' && r != '_') {
			return false
		}
	}
	return true
}
