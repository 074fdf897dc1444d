package task_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

func TestParseConstraint(t *testing.T) {
	for _, c := range []struct {
		reason, text, delimiter string
		want                    task.Constraint
	}{
		{"as OpenWhisk writes them", "att1 LIKE v1", "", task.Constraint{Attribute: "att1", Operator: task.OpLike, Value: "v1"}},
		{"another delimiter", "att1:UNLIKE:v1", ":", task.Constraint{Attribute: "att1", Operator: task.OpUnlike, Value: "v1"}},
		{"a longer one", "att1 => IS => v1", " => ", task.Constraint{Attribute: "att1", Operator: task.OpIs, Value: "v1"}},
		{"the value may contain it", "ports IS [1-3, 7-7]", " ", task.Constraint{Attribute: "ports", Operator: task.OpIs, Value: "[1-3, 7-7]"}},
		{"without a value", "hostname UNIQUE", " ", task.Constraint{Attribute: task.AttributeHostname, Operator: task.OpUnique}},
		{"an optional value", "@zone GROUP_BY", " ", task.Constraint{Attribute: task.AttributeZone, Operator: task.OpGroupBy}},
		{"an optional value that is there", "@zone GROUP_BY 3", " ", task.Constraint{Attribute: task.AttributeZone, Operator: task.OpGroupBy, Value: "3"}},
		{"another value", "hostname IS_NOT 10.0.0.7", " ", task.Constraint{Attribute: task.AttributeHostname, Operator: task.OpIsNot, Value: "10.0.0.7"}},
		{"Marathon's name of the hostname", "@hostname:LIKE:web.*", ":", task.Constraint{Attribute: "@hostname", Operator: task.OpLike, Value: "web.*"}},
		{"an empty expression, written out", "rack LIKE ", " ", task.Constraint{Attribute: "rack", Operator: task.OpLike}},
	} {
		got, err := task.ParseConstraint(c.text, c.delimiter)
		require.NoError(t, err, c.reason)
		require.Equal(t, c.want, got, c.reason)
	}
}

func TestParseConstraintRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", `task: Constraint: "": must have an attribute and an operator, separated by " "`},
		{"rack", `task: Constraint: "rack": must have an attribute and an operator, separated by " "`},
		{"rack LIKE", `task: Constraint: "rack LIKE": must have a regular expression after LIKE`},
		{" LIKE x", `task: Constraint.Attribute: "": must not be empty`},
		{"rack like x", `task: Constraint.Operator: "like": must be LIKE, UNLIKE, IS, IS_NOT, UNIQUE, CLUSTER, GROUP_BY or MAX_PER`},
		{"rack LIKE (", "task: Constraint.Value: \"(\": must be a regular expression in Go's syntax (RE2): error parsing regexp: missing closing ): `(`"},
		{"rack IS", `task: Constraint.Value: "": must not be empty for IS`},
		{"rack IS_NOT", `task: Constraint.Value: "": must not be empty for IS_NOT`},
		{"@rack UNIQUE", `task: Constraint.Attribute: "@rack": must be @hostname, @region, @zone or the name of an attribute, which does not begin with @`},
		{"rack UNIQUE x", `task: Constraint.Value: "x": must be empty for UNIQUE`},
		{"rack MAX_PER", `task: Constraint.Value: "": must be a whole number from 1 to 2147483647 for MAX_PER`},
		{"rack MAX_PER 0", `task: Constraint.Value: "0": must be a whole number from 1 to 2147483647 for MAX_PER`},
		{"rack MAX_PER 2147483648", `task: Constraint.Value: "2147483648": must be a whole number from 1 to 2147483647 for MAX_PER`},
		{"rack GROUP_BY -1", `task: Constraint.Value: "-1": must be a whole number from 1 to 2147483647 for GROUP_BY`},
	} {
		got, err := task.ParseConstraint(c.text, " ")
		require.EqualError(t, err, c.want)
		require.Zero(t, got, c.text)
		var field *task.FieldError
		require.True(t, errors.As(err, &field), c.text)
	}
}

// Validate checks the constraints of a spec and names the index of a faulty one.
func TestValidatePreferences(t *testing.T) {
	s := valid()
	s.Preferences = []task.Constraint{{Attribute: "rack", Operator: task.OpUnique}, {Attribute: "rack", Operator: task.OpMaxPer, Value: "x"}}
	require.EqualError(t, s.Validate(), `task: Preferences[1].Value: "x": must be a whole number from 1 to 2147483647 for MAX_PER`)
}

// FuzzParseConstraint checks that a parsed constraint is valid and, if the delimiter is one space, that its String is
// the text it was parsed from; and that a failed parse returns the zero Constraint.
func FuzzParseConstraint(f *testing.F) {
	f.Add("rack LIKE r[12]", " ")
	f.Add("hostname UNIQUE", "")
	f.Add("a,b,c,d", ",")
	f.Fuzz(func(t *testing.T, text, delimiter string) {
		c, err := task.ParseConstraint(text, delimiter)
		if err != nil {
			require.Zero(t, c)
			return
		}
		require.NoError(t, c.Validate())
		if delimiter == "" || delimiter == " " {
			require.Contains(t, []string{c.String(), c.String() + " "}, text)
		}
	})
}

func ExampleParseConstraint() {
	c, err := task.ParseConstraint("rack LIKE r[12]", " ")
	fmt.Println(c, err)
	_, err = task.ParseConstraint("rack MAX_PER many", " ")
	fmt.Println(err)
	// Output:
	// rack LIKE r[12] <nil>
	// task: Constraint.Value: "many": must be a whole number from 1 to 2147483647 for MAX_PER
}
