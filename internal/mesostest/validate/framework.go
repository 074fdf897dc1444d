package validate

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
)

// Policy is what the flags of a master say about frameworks.
type Policy struct {
	Roles             []string // --roles, nil for all
	NoRootSubmissions bool     // --root_submissions=false
}

// FrameworkInfo returns what a master says about a framework_info and the suppressed roles beside it, in the
// order in which it looks; "" if nothing is wrong. Whether the ID is one of a removed framework comes between the two
// and is not known here.
func FrameworkInfo(info *mesos.FrameworkInfo, suppressed []string, p Policy) string {
	for _, check := range []func() string{
		func() string { return rolesFault(info) },
		func() string {
			if id := info.GetID().GetValue(); id != "" {
				return idFault(id)
			}
			return ""
		},
		func() string { return offerFiltersFault(info) },
		func() string { return failoverTimeoutFault(info.GetFailoverTimeout()) },
		func() string { return foreignRoles(info, p.Roles) },
		func() string {
			if info.User == "root" && p.NoRootSubmissions {
				return "User 'root' is not allowed to run frameworks without --root_submissions set"
			}
			return ""
		},
		func() string {
			if extra := without(suppressed, Roles(info)); len(extra) > 0 {
				return "Suppressed roles " + bracedSet(extra) + " are not contained in the set of roles"
			}
			return ""
		},
	} {
		if fault := check(); fault != "" {
			return fault
		}
	}
	return ""
}

// HasCapability reports whether a framework has a capability.
func HasCapability(info *mesos.FrameworkInfo, c mesos.FrameworkInfo_Capability_Type) bool {
	return slices.ContainsFunc(info.Capabilities, func(have mesos.FrameworkInfo_Capability) bool { return have.Type == c })
}

// Roles returns the roles that a framework subscribes for. A framework of the single-role kind that names
// none has the role "*".
func Roles(info *mesos.FrameworkInfo) []string {
	if HasCapability(info, mesos.FrameworkInfo_Capability_MULTI_ROLE) {
		return info.Roles
	}
	return []string{info.GetRole()}
}

func rolesFault(info *mesos.FrameworkInfo) string {
	if !HasCapability(info, mesos.FrameworkInfo_Capability_MULTI_ROLE) {
		if len(info.Roles) > 0 {
			return "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable"
		}
		if fault := resources.RoleFault(info.GetRole()); fault != "" {
			return "'FrameworkInfo.role' is not a valid role: " + fault
		}
		return ""
	}
	if info.Role != nil {
		return "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable"
	}
	var twice []string
	for i, role := range info.Roles {
		if slices.Contains(info.Roles[:i], role) {
			twice = append(twice, role)
		}
	}
	if len(twice) > 0 {
		return "'FrameworkInfo.roles' contains duplicate items: " + bracedSet(twice)
	}
	for _, role := range info.Roles {
		if fault := resources.RoleFault(role); fault != "" {
			return "'FrameworkInfo.roles' contains invalid role: " + fault
		}
	}
	return ""
}

// maxIDLength is NAME_MAX of Linux: Mesos makes folders of IDs.
const maxIDLength = 255

// idFault returns what is wrong with an ID, "" if nothing.
func idFault(id string) string {
	switch {
	case id == "":
		return "ID must not be empty"
	case len(id) > maxIDLength:
		return "ID must not be greater than " + strconv.Itoa(maxIDLength) + " characters"
	case id == "." || id == "..":
		return "'" + id + "' is disallowed"
	}
	for i := range len(id) {
		if c := id[i]; c < ' ' || c == 0x7f || c == '/' || c == '\\' {
			return "'" + id + "' contains invalid characters"
		}
	}
	return ""
}

func offerFiltersFault(info *mesos.FrameworkInfo) string {
	for _, role := range slices.Sorted(maps.Keys(info.OfferFilters)) {
		filters := info.OfferFilters[role]
		for _, q := range filters.GetMinAllocatableResources().GetQuantities() {
			if len(q.Quantities) == 0 {
				return "Resource quantities must contain at least one quantity"
			}
			for _, name := range slices.Sorted(maps.Keys(q.Quantities)) {
				if fault := Amount(q.Quantities[name].Value); fault != "" {
					return "Invalid resource quantity for '" + name + "': " + fault
				}
			}
		}
	}
	return ""
}

// Amount checks a number that an operator or a framework wants as a quantity of something.
func Amount(x float64) string {
	const smallestNormal = 0x1p-1022
	switch {
	case math.IsInf(x, 0):
		return "Infinite values not supported"
	case math.IsNaN(x):
		return "NaN not supported"
	case x != 0 && math.Abs(x) < smallestNormal:
		return "Subnormal values not supported"
	case x < 0:
		return "Negative values not supported"
	}
	return ""
}

// failoverTimeoutFault refuses what does not fit into 64 bits of nanoseconds. Negative values are
// fine with Mesos.
func failoverTimeoutFault(seconds float64) string {
	if ns := seconds * 1e9; ns > math.MaxInt64 || ns < math.MinInt64 {
		return "The framework failover_timeout (" + strconv.FormatFloat(seconds, 'g', 6, 64) + ") is invalid"
	}
	return ""
}

// foreignRoles checks against --roles; "*" is always among them.
func foreignRoles(info *mesos.FrameworkInfo, allowed []string) string {
	if allowed == nil {
		return ""
	}
	extra := without(Roles(info), append([]string{"*"}, allowed...))
	if len(extra) == 0 {
		return ""
	}
	return "Roles " + bracedSet(extra) + " are not present in the master's --roles"
}

func without(list, known []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(known, s) })
}

// bracedSet returns a set as stout prints it: "{ a, b }".
func bracedSet(items []string) string {
	items = slices.Compact(slices.Sorted(slices.Values(items)))
	return "{ " + strings.Join(items, ", ") + " }"
}
