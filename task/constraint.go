package task

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Operator compares an agent with a constraint's value.
type Operator string

// The operators, as mesos-actor and Marathon spell them. The first three and CLUSTER with a value look at
// the agent alone. The others count tasks of the same [Spec.Group], those that run and those placed before
// in the same cycle, by the values of the attribute on their agents; a task whose agent has no such
// attribute is not counted.
const (
	// Like holds if the regular expression, in Go's syntax, matches the whole textual form of the attribute.
	Like Operator = "LIKE"
	// Unlike holds if it does not. Agents without the attribute fail this as well.
	Unlike Operator = "UNLIKE"
	// Is holds if the attribute has this value. Scalars are compared as numbers: 4.0 is 4. Ranges and sets
	// are equal whatever the order of their parts, and blanks in the value do not matter.
	Is Operator = "IS"
	// Cluster with a value is the same as [Is]. Without one it keeps the group together: no task of
	// it may be where the attribute has another value.
	Cluster Operator = "CLUSTER"
	// Unique holds if no task of the group is where the attribute has the same value.
	Unique Operator = "UNIQUE"
	// GroupBy spreads the group evenly: no known value may have fewer tasks. Known are the values of all agents
	// that offer something now or run tasks of the group. A number tells how many values there are
	// at least: while fewer are known, only values without tasks will do.
	GroupBy Operator = "GROUP_BY"
	// MaxPer holds if fewer tasks of the group than the number are where the attribute has the same value.
	MaxPer Operator = "MAX_PER"
)

// Names that stand for something other than an attribute.
const (
	Hostname = "hostname"
	Region   = "@region"
	Zone     = "@zone"
)

// Constraint limits the agents on which a task may run.
//
// The textual form of an attribute is how Mesos writes it: text as it is, a scalar without needless digits
// ("4", "0.5"), ranges in ascending order ("[1-3, 7-7]"), a set in the order of its items ("{a, b}").
type Constraint struct {
	// Attribute is the name of an attribute, or [Hostname], [Region] or [Zone]. An agent without it
	// fails every constraint on it; of several attributes of that name the first counts.
	Attribute string   `json:"attribute,omitzero"`
	Operator  Operator `json:"operator,omitzero"`
	// Value is a regular expression for LIKE and UNLIKE, what the attribute is compared with for IS and
	// CLUSTER, a whole number from 1 on for MAX_PER and GROUP_BY. CLUSTER and GROUP_BY can do without,
	// UNIQUE has none.
	Value string `json:"value,omitzero"`
}

// String gives one line, such as "rack LIKE r[12]".
func (c Constraint) String() string {
	if c.Value == "" {
		return c.Attribute + " " + string(c.Operator)
	}
	return c.Attribute + " " + string(c.Operator) + " " + c.Value
}

// ParseConstraint reads an attribute, an operator and, if the operator takes one, a value, each separated
// from the next by the delimiter: "rack LIKE r[12]", "hostname UNIQUE". The value may contain
// the delimiter. An empty delimiter stands for one space. What [Constraint.Validate] refuses is an error.
func ParseConstraint(text, delimiter string) (Constraint, error) {
	parts := strings.SplitN(text, cmp.Or(delimiter, " "), 3)
	if len(parts) < 2 {
		return Constraint{}, &FieldError{Field: "Constraint", Value: text, Reason: fmt.Sprintf("must have an attribute and an operator, separated by %q", cmp.Or(delimiter, " "))}
	}
	c := Constraint{Attribute: parts[0], Operator: Operator(parts[1])}
	if len(parts) == 3 {
		c.Value = parts[2]
	} else if c.Operator == Like || c.Operator == Unlike {
		return Constraint{}, &FieldError{Field: "Constraint", Value: text, Reason: "must have a regular expression after " + parts[1]}
	}
	if err := c.Validate(); err != nil {
		return Constraint{}, err
	}
	return c, nil
}

// Validate says what is wrong with the constraint: nil, or all violations joined, each a [*FieldError].
func (c Constraint) Validate() error {
	var v violations
	v.constraint("Constraint", c)
	return errors.Join(v...)
}

func (v *violations) constraint(field string, c Constraint) {
	if c.Attribute == "" {
		v.add(field+".Attribute", c.Attribute, "must not be empty")
	}
	switch c.Operator {
	case Like, Unlike:
		if _, err := regexp.Compile(c.Value); err != nil {
			v.add(field+".Value", c.Value, "must be a regular expression: "+err.Error())
		}
	case Is:
		if c.Value == "" {
			v.add(field+".Value", c.Value, "must not be empty for IS")
		}
	case Cluster:
	case Unique:
		if c.Value != "" {
			v.add(field+".Value", c.Value, "must be empty for UNIQUE")
		}
	case GroupBy, MaxPer:
		if _, ok := c.Number(); !ok && (c.Value != "" || c.Operator == MaxPer) {
			v.add(field+".Value", c.Value, "must be a whole number from 1 to 2147483647 for "+string(c.Operator))
		}
	default:
		v.add(field+".Operator", string(c.Operator), "must be LIKE, UNLIKE, IS, UNIQUE, CLUSTER, GROUP_BY or MAX_PER")
	}
}

// Number gives the value as the number that MAX_PER and GROUP_BY take, from 1 to 2147483647.
func (c Constraint) Number() (int, bool) {
	n, err := strconv.ParseInt(c.Value, 10, 32)
	return int(n), err == nil && n >= 1 && n <= math.MaxInt32
}
