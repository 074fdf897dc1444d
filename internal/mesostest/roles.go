package mesostest

import (
	"maps"
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	pb "github.com/mesos/mesos-go/api/v1/lib/quota"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/validate"
)

// This file is what operators see of roles: /roles, /quota, /weights and the calls of the v1 API that ask for the same.

// knownRoles returns the roles of frameworks, of reservations, and those with a weight or a quota, each with its
// ancestors; with --roles just those of the flag.
func (m *Master) knownRoles() []string {
	known := map[string]bool{}
	add := func(role string) {
		for role != "" && !known[role] {
			known[role] = true
			role = role[:max(strings.LastIndexByte(role, '/'), 0)]
		}
	}
	for _, role := range m.config.Roles {
		add(role)
	}
	if m.config.Roles != nil {
		return slices.Sorted(maps.Keys(known))
	}
	for _, f := range m.order {
		for _, role := range validate.Roles(&f.info) {
			add(role)
		}
	}
	for _, a := range m.agents {
		for role := range a.reserved() {
			add(role)
		}
	}
	for role := range m.weights {
		add(role)
	}
	for role := range m.quotas {
		add(role)
	}
	return slices.Sorted(maps.Keys(known))
}

// roleUse is what belongs to a role and its subroles.
type roleUse struct{ allocated, offered, reserved, consumed resources.Scalars }

func (m *Master) useOf(role string) roleUse {
	use := roleUse{resources.Scalars{}, resources.Scalars{}, resources.Scalars{}, m.used(role)}
	allocated := func(e resources.Entry) bool { return below(e.AllocatedTo(), role) }
	for _, a := range m.agents {
		use.allocated.Add(m.inUse(a).Filter(allocated).Scalars())
		use.offered.Add(a.offered().Filter(allocated).Scalars())
		use.reserved.Add(a.total.Filter(func(e resources.Entry) bool { return e.ReservedFor() != "" && below(e.ReservedFor(), role) }).Scalars())
	}
	return use
}

// subscribers returns the IDs of the frameworks of a role.
func (m *Master) subscribers(role string) []string {
	ids := []string{}
	for _, f := range m.order {
		if slices.Contains(validate.Roles(&f.info), role) {
			ids = append(ids, f.id)
		}
	}
	return ids
}

func (m *Master) weightOf(role string) float64 {
	if w, ok := m.weights[role]; ok {
		return w
	}
	return 1
}

// rolesView returns /roles.
func (m *Master) rolesView() any {
	return map[string]any{"roles": viewAll(m.knownRoles(), func(role string) any {
		use, q := m.useOf(role), m.quotas[role]
		both := resources.Scalars{}
		both.Add(use.allocated)
		both.Add(use.offered)
		return map[string]any{
			"name": role, "weight": m.weightOf(role), "frameworks": m.subscribers(role),
			"resources": scalarsView(both), "allocated": scalarsView(use.allocated), "offered": scalarsView(use.offered),
			"reserved": scalarsView(use.reserved),
			"quota": map[string]any{
				"role": role, "guarantee": scalarsView(q.guarantees), "limit": scalarsView(q.limits), "consumed": scalarsView(use.consumed),
			},
		}
	})}
}

func scalarsView(s resources.Scalars) map[string]float64 {
	view := make(map[string]float64, len(s))
	for name, milli := range s {
		view[name] = float64(milli) / 1000
	}
	return view
}

// roleMessages returns what GET_ROLES answers.
func (m *Master) roleMessages() []mesos.Role {
	var list []mesos.Role
	for _, role := range m.knownRoles() {
		r := mesos.Role{Name: role, Weight: m.weightOf(role)}
		for _, id := range m.subscribers(role) {
			r.Frameworks = append(r.Frameworks, mesos.FrameworkID{Value: id})
		}
		use := m.useOf(role)
		use.allocated.Add(use.offered)
		r.Resources = scalarMessages(use.allocated)
		list = append(list, r)
	}
	return list
}

// scalarMessages returns amounts as resources, by name.
func scalarMessages(s resources.Scalars) []mesos.Resource {
	var list []mesos.Resource
	for _, name := range slices.Sorted(maps.Keys(s)) {
		list = append(list, mesos.Resource{
			Name: name, Type: mesos.SCALAR.Enum(), Scalar: &mesos.Value_Scalar{Value: float64(s[name]) / 1000},
		})
	}
	return list
}

func (m *Master) weightMessages() []mesos.WeightInfo {
	var list []mesos.WeightInfo
	for _, role := range slices.Sorted(maps.Keys(m.weights)) {
		list = append(list, mesos.WeightInfo{Role: &role, Weight: m.weights[role]})
	}
	return list
}

// quotaStatus returns the quotas in the form of both APIs.
func (m *Master) quotaStatus() pb.QuotaStatus {
	status := pb.QuotaStatus{}
	for _, role := range slices.Sorted(maps.Keys(m.quotas)) {
		q := m.quotas[role]
		status.Infos = append(status.Infos, pb.QuotaInfo{Role: &role, Guarantee: scalarMessages(q.guarantees)})
		status.Configs = append(status.Configs, pb.QuotaConfig{
			Role: role, Guarantees: named(scalarsView(q.guarantees)), Limits: named(scalarsView(q.limits)),
		})
	}
	return status
}
