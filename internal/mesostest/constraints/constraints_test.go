package constraints

import (
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/require"
)

// Of several attributes of a name the first counts, and expressions match whole texts.
func TestAdmission(t *testing.T) {
	attribute := func(name, text string) mesos.Attribute {
		return mesos.Attribute{Name: name, Type: mesos.TEXT, Text: &mesos.Value_Text{Value: text}}
	}
	a := Agent{Attributes: []mesos.Attribute{attribute("rack", "r1"), attribute("rack", "r2"), attribute("odd", "r(")}}
	for _, c := range []struct {
		name, expression string
		want             bool
	}{
		{"rack", "r1", true},
		{"rack", "r2", false},
		{"rack", "r", false},
		{"rack", "1", false},
		{"rack", "r|r1", true},
		{"odd", `\Qr(`, true},
		{"missing", ".*", false},
	} {
		constraint := Attribute{
			Selector:  &Selector{AttributeName: &c.name},
			Predicate: &Predicate{TextMatches: &Regex{Regex: &c.expression}},
		}
		require.Equal(t, c.want, constraint.holds(a), "%s %s", c.name, c.expression)
	}
}

func TestSupported(t *testing.T) {
	for version, want := range map[string]bool{"1.11.0": true, "1.12.0-rc1": true, "2.0.0": true, "1.10.0": false, "": false, "x": false} {
		require.Equal(t, want, Supported(version), version)
	}
}

func TestFault(t *testing.T) {
	text := func(s string) *string { return &s }
	number := func(n int32) *int32 { return &n }
	of := func(s Selector, p Predicate) *Role {
		return &Role{Groups: []*Group{{AttributeConstraints: []*Attribute{{Selector: &s, Predicate: &p}}}}}
	}
	rack := Selector{AttributeName: text("rack")}
	exists := Predicate{Exists: &Exists{}}
	matches := func(s string) Predicate {
		return Predicate{TextMatches: &Regex{Regex: &s}}
	}
	const invalid = "Offer constraints are not valid: A role r has an invalid 'AttributeConstraint': "
	for _, test := range []struct {
		reason string
		role   *Role
		want   string
	}{
		{"a good one", of(rack, exists), ""},
		{"no groups", &Role{}, "Offer constraints are not valid: 'OfferConstraints::role_constraints' has an empty 'RoleConstraints::groups' for role r"},
		{"no selector", of(Selector{}, exists),
			invalid + "Exactly one of 'AttributeConstraint::Selector::name' or 'AttributeConstraint::Selector::pseudoattribute_type' must be set"},
		{"an unknown selector", of(Selector{PseudoattributeType: number(0)}, exists), invalid + "Unknown pseudoattribute type"},
		{"no predicate", of(rack, Predicate{}), invalid + "Unknown predicate type"},
		{"half an expression", of(rack, matches("(a")), invalid + "Failed to construct regex from pattern '(a': missing ): (a"},
		{"an expression that is too long", of(rack, matches("a{101}")), invalid + "Regex 'a{101}' is too complex: program size of 103 is larger than maximum of 100 allowed"},
	} {
		c := &Offer{RoleConstraints: map[string]*Role{"r": test.role}}
		require.Equal(t, test.want, c.Fault([]string{"r"}), test.reason)
	}
	c := &Offer{RoleConstraints: map[string]*Role{"r": nil}}
	require.Equal(t, "Offer constraints specify `role_constraints` for a role 'r'not contained in the set of roles", c.Fault([]string{"other"}))
	require.Empty(t, (*Offer)(nil).Fault(nil))
}

func TestAdmits(t *testing.T) {
	hostname := int32(1)
	on := func(name string) *Group {
		return &Group{AttributeConstraints: []*Attribute{{
			Selector:  &Selector{PseudoattributeType: &hostname},
			Predicate: &Predicate{TextEquals: &Text{Value: &name}},
		}}}
	}
	c := &Offer{RoleConstraints: map[string]*Role{"r": {Groups: []*Group{on("a"), on("b")}}}}
	require.True(t, c.Admits("r", Agent{Hostname: "b"}), "one group is enough")
	require.False(t, c.Admits("r", Agent{Hostname: "c"}))
	require.True(t, c.Admits("other", Agent{Hostname: "c"}), "a role without constraints")
	require.True(t, (*Offer)(nil).Admits("r", Agent{}))
}
