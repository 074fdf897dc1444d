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

func TestConstraining(t *testing.T) {
	for version, want := range map[string]bool{"1.11.0": true, "1.12.0-rc1": true, "2.0.0": true, "1.10.0": false, "": false, "x": false} {
		require.Equal(t, want, Supported(version), version)
	}
}
