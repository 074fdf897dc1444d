package validate

import (
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// OperationSite is what the validation of an operation on resources must know beside it. Its resources are expected to
// carry their allocation (see resources.Allocate).
type OperationSite struct {
	Framework *mesos.FrameworkInfo
	Volumes   resources.List // all persistent volumes of the agent, allocated to nobody
	Used      resources.List // what tasks and executors on the agent hold, allocated to nobody
}

// Operation checks a RESERVE, UNRESERVE, CREATE or DESTROY. It returns the message of the OPERATION_ERROR without the
// name of the agent at its end, or "".
func Operation(op *mesos.Offer_Operation, site OperationSite) string {
	switch op.Type {
	case mesos.Offer_Operation_RESERVE:
		return reserveFault(op.Reserve, site.Framework)
	case mesos.Offer_Operation_UNRESERVE:
		return unreserveFault(op.Unreserve.Resources)
	case mesos.Offer_Operation_CREATE:
		return createFault(op.Create.Volumes, site)
	case mesos.Offer_Operation_DESTROY:
		return destroyFault(op.Destroy.Volumes, site)
	}
	return ""
}

func reserveFault(op *mesos.Offer_Operation_Reserve, framework *mesos.FrameworkInfo) string {
	if fault := operandFault(op.Resources); fault != "" {
		return fault
	}
	roles := Roles(framework)
	for i := range op.Resources {
		r := &op.Resources[i]
		if !dynamic(r) {
			return "Resource " + resources.Format(r) + " is not dynamically reserved"
		}
		last := r.Reservations[len(r.Reservations)-1]
		if p := framework.Principal; p != nil {
			switch {
			case last.Principal == nil:
				return "A reserve operation was attempted by principal '" + *p + "', but there is a reserved resource in the request with no principal set"
			case *last.Principal != *p:
				return "A reserve operation was attempted by authenticated principal '" + *p +
					"', which does not match a reserved resource in the request with principal '" + *last.Principal + "'"
			}
		}
		allocated := r.GetAllocationInfo().GetRole()
		switch {
		case allocated != last.GetRole():
			return "A reserve operation was attempted for a resource with role '" + last.GetRole() +
				"', but the resource was allocated to role '" + allocated + "'"
		case !slices.Contains(roles, allocated):
			return "A reserve operation was attempted for a resource allocated to role '" + allocated +
				"', but the framework only has roles '" + bracedSet(roles) + "'"
		}
	}
	return ""
}

func unreserveFault(list []mesos.Resource) string {
	if fault := operandFault(list); fault != "" {
		return fault
	}
	for i := range list {
		switch r := &list[i]; {
		case !dynamic(r):
			return "Resource " + resources.Format(r) + " is not dynamically reserved"
		case r.Disk.GetPersistence() != nil:
			return "A dynamically reserved persistent volume " + resources.Format(r) +
				" cannot be unreserved directly. Please destroy the persistent volume first then unreserve the resource"
		}
	}
	return ""
}

func createFault(volumes []mesos.Resource, site OperationSite) string {
	if fault := volumesFault(volumes); fault != "" {
		return fault
	}
	type identity struct{ role, id string }
	seen := map[identity]bool{}
	for _, e := range site.Volumes {
		seen[identity{e.ReservedFor(), e.Shape.Disk.Persistence.ID}] = true
	}
	for i := range volumes {
		r := &volumes[i]
		id := identity{id: r.Disk.Persistence.ID}
		if n := len(r.Reservations); n > 0 {
			id.role = r.Reservations[n-1].GetRole()
		}
		if seen[id] {
			return "Persistence ID '" + id.id + "' is not unique"
		}
		seen[id] = true
	}
	for i := range volumes {
		r := &volumes[i]
		if r.Shared != nil && !HasCapability(site.Framework, mesos.FrameworkInfo_Capability_SHARED_RESOURCES) {
			return "Create volume operation for '" + resources.Format(r) + "' has been attempted by framework '" +
				site.Framework.GetID().GetValue() + "' with no SHARED_RESOURCES capability"
		}
		if p := site.Framework.Principal; p != nil {
			switch owner := r.Disk.Persistence.Principal; {
			case owner == nil:
				return "Create volume operation attempted by principal '" + *p +
					"', but there is a volume in the operation with no principal set in 'disk.persistence'"
			case *owner != *p:
				return "Create volume operation attempted by authenticated principal '" + *p +
					"', which does not match a volume in the operation with principal '" + *owner + "' set in 'disk.persistence'"
			}
		}
	}
	return ""
}

func destroyFault(volumes []mesos.Resource, site OperationSite) string {
	if fault := volumesFault(volumes); fault != "" {
		return fault
	}
	for i := range volumes {
		if volumes[i].ProviderID == nil && !site.Volumes.Contains(resources.New(volumes[i:i+1]).Unallocated()) {
			return "Persistent volumes not found"
		}
	}
	for i := range volumes {
		if site.Used.Contains(resources.New(volumes[i : i+1]).Unallocated()) {
			return "Persistent volumes in use"
		}
	}
	return ""
}

// operandFault checks the resources of any operation.
func operandFault(list []mesos.Resource) string {
	const invalid = "Invalid resources: "
	if fault := listFault(list); fault != "" {
		return invalid + fault
	}
	if fault := providerFault(list); fault != "" {
		return invalid + fault
	}
	return ""
}

// listFault checks the resources of a task, an executor or an operation.
func listFault(list []mesos.Resource) string {
	if fault := resources.Fault(list); fault != "" {
		return "Invalid resources: " + fault
	}
	if resources.New(list).Milli("gpus")%1000 != 0 {
		return "Invalid 'gpus' resource: The 'gpus' resource must be an unsigned integer"
	}
	for i := range list {
		if fault := diskInfoFault(&list[i]); fault != "" {
			return "Invalid DiskInfo: " + fault
		}
	}
	for i := range list {
		if r := &list[i]; dynamic(r) && r.Revocable != nil {
			return "Invalid ReservationInfo: Dynamically reserved resource " + resources.Format(r) + " cannot be created from revocable resources"
		}
	}
	return ""
}

func volumesFault(volumes []mesos.Resource) string {
	if fault := operandFault(volumes); fault != "" {
		return fault
	}
	const invalid = "Not a persistent volume: "
	for i := range volumes {
		switch r := &volumes[i]; {
		case r.Disk == nil:
			return invalid + "Resource " + resources.Format(r) + " does not have DiskInfo"
		case r.Disk.Persistence == nil:
			return invalid + "'persistence' is not set in DiskInfo"
		case r.Disk.Volume.GetMode() == mesos.RO: // operandFault has seen that there is one
			return invalid + "Read-only persistent volume not supported"
		}
	}
	return ""
}

func diskInfoFault(r *mesos.Resource) string {
	switch d := r.Disk; {
	case d == nil:
		return ""
	case d.Persistence == nil && d.Volume != nil:
		return "Non-persistent volume not supported"
	case d.Persistence == nil && d.Source == nil:
		return "DiskInfo is set but empty"
	case d.Persistence == nil:
		return ""
	case r.Revocable != nil:
		return "Persistent volumes cannot be created from revocable resources"
	case len(r.Reservations) == 0:
		return "Persistent volumes cannot be created from unreserved resources"
	case d.Volume == nil:
		return "Expecting 'volume' to be set for persistent volume"
	case d.Volume.HostPath != nil:
		return "Expecting 'host_path' to be unset for persistent volume"
	}
	if fault := idFault(r.Disk.Persistence.ID); fault != "" {
		return "Invalid persistence ID for persistent volume: " + fault
	}
	return ""
}

// providerFault checks that all resources are of one resource provider, or of none.
func providerFault(list []mesos.Resource) string {
	var providers []string
	for i := range list {
		if id := list[i].GetProviderID().GetValue(); !slices.Contains(providers, id) {
			providers = append(providers, id)
		}
	}
	switch {
	case len(providers) == 1:
		return ""
	case slices.Contains(providers, ""):
		return "Some resources have a resource provider and some do not"
	}
	return "The resources have multiple resource providers: " + strings.Join(providers, ", ")
}

// dynamic reports whether the innermost reservation was made by an operation.
func dynamic(r *mesos.Resource) bool {
	n := len(r.Reservations)
	return n > 0 && r.Reservations[n-1].GetType() == mesos.Resource_ReservationInfo_DYNAMIC
}
