package record

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Info is a [task.Info] in a form that takes little memory, since there may be very many: Public returns that. Fields that are
// not described are as there.
type Info struct {
	Spec                            Spec
	Version                         uint64
	AgentID, Hostname, AgentAddress string
	HostPorts                       []uint16
	Submitted, Updated              time.Time
	Err                             error
	ExitStatus                      *int
	status                          string    // as it is stored: encoded, without the IDs that are those of the task; "": none
	ips                             *[]string // nil: those that the status lists
	State                           task.State
	Health                          Health
}

// Health is the result of the last health check.
type Health uint8

// The zero value is [Unchecked].
const (
	Unchecked Health = iota
	Healthy
	Unhealthy
)

// HealthOf returns Unchecked for nil.
func HealthOf(healthy *bool) Health {
	switch {
	case healthy == nil:
		return Unchecked
	case *healthy:
		return Healthy
	}
	return Unhealthy
}

// public returns what HealthOf was given.
func (h Health) public() *bool {
	if h == Unchecked {
		return nil
	}
	healthy := h == Healthy
	return &healthy
}

// NewInfo returns the Info of which Public returns info.
func NewInfo(info task.Info) Info {
	i := Info{
		Spec: NewSpec(info.Spec), Version: info.Version,
		AgentID: info.AgentID, Hostname: info.Hostname, AgentAddress: info.AgentAddress, HostPorts: info.HostPorts,
		Submitted: info.Submitted, Updated: info.Updated, Err: info.Err, ExitStatus: info.ExitStatus,
		State: info.State, Health: HealthOf(info.Healthy),
	}
	i.SetStatus(info.Status, info.IPs)
	return i
}

// Public returns what users are told. It shares memory with i and other tasks, and must not be changed.
func (i Info) Public() task.Info { return i.PublicWith(i.Status()) }

// PublicWith is Public for one who has the status.
func (i Info) PublicWith(status *mesos.TaskStatus) task.Info {
	return task.Info{
		Spec: i.Spec.Whole(), State: i.State, Version: i.Version,
		AgentID: i.AgentID, Hostname: i.Hostname, HostPorts: i.HostPorts, AgentAddress: i.AgentAddress, IPs: i.ipsWith(status),
		Healthy: i.Health.public(), ExitStatus: i.ExitStatus, Err: i.Err, Status: status,
		Submitted: i.Submitted, Updated: i.Updated,
	}
}

// IPs returns the addresses of the task's container.
func (i Info) IPs() []string { return i.ipsWith(i.Status()) }

func (i Info) ipsWith(status *mesos.TaskStatus) []string {
	switch {
	case i.ips == nil:
		return IPs(status)
	case len(*i.ips) == 0:
		return nil
	}
	return *i.ips
}

// SetStatus sets the status of a task that is on its agent already, nil for none, and the addresses of its container. A status
// that could not be read again, as none from Mesos is, counts as none.
func (i *Info) SetStatus(s *mesos.TaskStatus, ips []string) {
	i.status, i.ips = "", nil
	if s != nil {
		short := shorten(*s, i)
		var most [512]byte // have a place for this
		wire, size := most[:], short.Size()
		if size > len(most) {
			wire = make([]byte, size)
		}
		if n, err := short.MarshalTo(wire[:size]); err == nil && n <= maxMessage {
			i.status = string(wire[:n])
		}
	}
	if i.status == "" {
		s = nil
	}
	if !slices.Equal(ips, IPs(s)) {
		ips = append([]string{}, ips...) // not nil, so that the record says that there are none
		i.ips = &ips
	}
}

// StatusSize returns how many bytes the status takes, 0 if there is none.
func (i *Info) StatusSize() int { return len(i.status) }

// Status returns the status, nil if there is none. It shares no memory with i.
func (i Info) Status() *mesos.TaskStatus {
	if i.status == "" {
		return nil
	}
	s := &mesos.TaskStatus{}
	if err := unmarshalProto(s, []byte(i.status)); err != nil {
		return nil // it was checked when it was read
	}
	lengthen(s, &i)
	return s
}
