package mesostest

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/mesos/mesos-go/api/v1/lib"
	pb "github.com/mesos/mesos-go/api/v1/lib/quota"

	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/resources"
	"github.com/mesos-actor/mesos-actor-go/internal/mesostest/validate"
)

// quotaFault returns what is wrong with a config by itself, in the master's words, or "".
func (m *Master) quotaFault(c *pb.QuotaConfig) string {
	const invalid = "Invalid QuotaConfig: "
	if m.foreignRole(c.Role) {
		return invalid + "'" + c.Role + "' is not on the roles whitelist"
	}
	if strings.Contains(c.Role, "/") {
		return "Updating quota on nested role '" + c.Role + "' is not supported yet"
	}
	if fault := resources.RoleFault(c.Role); fault != "" {
		return invalid + "Invalid 'QuotaConfig.role': " + fault
	}
	for _, part := range []struct {
		name   string
		values map[string]mesos.Value_Scalar
	}{{"guarantees", c.Guarantees}, {"limits", c.Limits}} {
		if fault := tooLarge(part.values); fault != "" {
			return invalid + "Invalid 'QuotaConfig." + part.name + "': " + fault
		}
	}
	for _, part := range []struct {
		name   string
		values map[string]mesos.Value_Scalar
	}{{"guarantee", c.Guarantees}, {"limit", c.Limits}} {
		for _, name := range slices.Sorted(maps.Keys(part.values)) {
			if fault := validate.Amount(part.values[name].Value); fault != "" {
				return invalid + "Invalid " + part.name + " configuration " + namedScalar(name, part.values[name]) + ": " + fault
			}
		}
	}
	if !resources.ScalarsOf(c.Limits).Allows(resources.ScalarsOf(c.Guarantees)) {
		return invalid + "'QuotaConfig.guarantees' " + bracedScalars(c.Guarantees) +
			" is not contained within the 'QuotaConfig.limits' " + bracedScalars(c.Limits)
	}
	return ""
}

// foreignRole checks against --roles.
func (m *Master) foreignRole(role string) bool {
	return m.config.Roles != nil && role != "*" && !slices.Contains(m.config.Roles, role)
}

func tooLarge(values map[string]mesos.Value_Scalar) string {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		most, text := 1e12, "1 trillion (1000000000000)"
		if name == "mem" || name == "disk" {
			most, text = 1<<40, "1 exabyte (1099511627776)" // of megabytes
		}
		if values[name].Value > most {
			return namedScalar(name, values[name]) + " is invalid: values greater than " + text + " are not supported"
		}
	}
	return ""
}

func namedScalar(name string, v mesos.Value_Scalar) string {
	return "{'" + name + "': " + resources.FormatDouble(v.Value) + "}"
}

func bracedScalars(values map[string]mesos.Value_Scalar) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, name+": "+resources.FormatDouble(values[name].Value))
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// updateWeights sets the weights by which the shares of roles are divided. All offers are rescinded
// if one of the roles has a framework.
func (m *Master) updateWeights(infos []mesos.WeightInfo) error {
	const failed = "Failed to validate update weights request JSON"
	for _, info := range infos {
		role := strings.TrimSpace(info.GetRole())
		switch fault := resources.RoleFault(role); {
		case fault != "":
			return refused(http.StatusBadRequest, failed+": Invalid role '"+role+"': "+fault)
		case m.foreignRole(role):
			return refused(http.StatusBadRequest, failed+": Unknown role '"+role+"'")
		case !(info.Weight > 0):
			return refused(http.StatusBadRequest, failed+" for role '"+role+"': Invalid weight '"+
				resources.FormatDouble(info.Weight)+"': Weights must be positive")
		}
	}
	concerned := false
	for _, info := range infos {
		role := strings.TrimSpace(info.GetRole())
		m.weights[role] = info.Weight
		concerned = concerned || slices.ContainsFunc(m.order, func(f *framework) bool { return slices.Contains(validate.Roles(&f.info), role) })
	}
	if concerned {
		for _, o := range m.allOffers() {
			m.rescind(o)
		}
	}
	return nil
}

// weight returns the weight of a role, 1 unless it was set.
func (m *Master) weight(role string) float64 {
	if w, ok := m.weights[role]; ok {
		return w
	}
	return 1
}
