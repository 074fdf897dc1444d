package task

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Operator is the operator of a [Constraint].
type Operator string

// The operators, as mesos-actor and Marathon spell them. LIKE, UNLIKE, IS, IS_NOT, and CLUSTER with a value depend
// on the agent alone. The others count tasks of the same [Spec.Group] by the values of the attribute on their
// agents: the tasks that run and those placed earlier in the same cycle. A task whose agent does not have the
// attribute is not counted.
const (
	// OpLike holds if the regular expression matches the whole textual form of the attribute. Its syntax is Go's, RE2,
	// which is also that of Mesos; what Java has beyond it, or reads differently, is refused.
	OpLike Operator = "LIKE"
	// OpUnlike holds if the expression does not match. An agent without the attribute fails this as well.
	OpUnlike Operator = "UNLIKE"
	// OpIs holds if the attribute has this value. Scalars are compared as numbers: 4.0 equals 4. For ranges and
	// sets, neither the order of the elements nor blanks in the value matter.
	OpIs Operator = "IS"
	// OpIsNot holds if the attribute has another value. An agent without the attribute fails this as well.
	OpIsNot Operator = "IS_NOT"
	// OpCluster with a value is the same as [OpIs]. Without one it keeps the group on agents that share one value:
	// it holds if no task of the group is on an agent with another value.
	OpCluster Operator = "CLUSTER"
	// OpUnique holds if no task of the group is on an agent with the same value.
	OpUnique Operator = "UNIQUE"
	// OpGroupBy spreads the group evenly: it holds if no value that counts has fewer tasks. A value counts if the task
	// could otherwise run on an agent with this value now, or if such an agent is expected to be offered within
	// seconds, see [KnownAgent]. So values whose agents are all full, too small or excluded do not hold a task back. Of
	// several such constraints, each applies to the agents that those before it leave.
	//
	// The constraint's value, if it is set, is the least number of distinct values to expect: while fewer are known,
	// only values without tasks are accepted. The values of all agents that are offered, were offered recently or run
	// tasks of the group are known, whether they count or not.
	OpGroupBy Operator = "GROUP_BY"
	// OpMaxPer holds if fewer tasks of the group than the constraint's value says are on agents with the same value.
	OpMaxPer Operator = "MAX_PER"
)

// Attribute names that stand for the hostname of an agent and for the region and zone of its fault domain. No other
// name begins with "@".
const (
	AttributeHostname = "hostname" // or "@hostname", as Marathon spells it
	AttributeRegion   = "@region"
	AttributeZone     = "@zone"

	hostnameAlias = "@hostname"
)

// Constraint limits the agents on which a task may run.
//
// The textual form of an attribute is the one that Mesos prints: text unchanged, a scalar without trailing zeros
// ("4", "0.5"), ranges in ascending order ("[1-3, 7-7]"), a set sorted ("{a, b}").
type Constraint struct {
	// Attribute is the name of an attribute, or [AttributeHostname], [AttributeRegion] or [AttributeZone]. An agent without it
	// fails every constraint on it. If an agent has several attributes of that name, the first one counts.
	Attribute string   `json:"attribute,omitzero"`
	Operator  Operator `json:"operator,omitzero"`
	// Value is a regular expression for LIKE and UNLIKE, the value to compare with for IS, IS_NOT and CLUSTER, and a
	// positive whole number for MAX_PER and GROUP_BY. It is optional for CLUSTER and GROUP_BY, and must be
	// empty for UNIQUE.
	Value string `json:"value,omitzero"`
}

// String returns the constraint in the form that [ParseConstraint] reads, such as "rack LIKE r[12]".
func (c Constraint) String() string {
	if c.Value == "" {
		return c.Attribute + " " + string(c.Operator)
	}
	return c.Attribute + " " + string(c.Operator) + " " + c.Value
}

// ParseConstraint parses an attribute, an operator and, if the operator takes one, a value, separated by the
// delimiter: "rack LIKE r[12]", "hostname UNIQUE". The value may contain the delimiter. An empty delimiter
// means one space. It returns an error for constraints that [Constraint.Validate] refuses.
func ParseConstraint(text, delimiter string) (Constraint, error) {
	parts := strings.SplitN(text, cmp.Or(delimiter, " "), 3)
	if len(parts) < 2 {
		return Constraint{}, &FieldError{Field: "Constraint", Value: text, Reason: fmt.Sprintf("must have an attribute and an operator, separated by %q", cmp.Or(delimiter, " "))}
	}
	c := Constraint{Attribute: parts[0], Operator: Operator(parts[1])}
	if len(parts) == 3 {
		c.Value = parts[2]
	} else if c.Operator == OpLike || c.Operator == OpUnlike {
		return Constraint{}, &FieldError{Field: "Constraint", Value: text, Reason: "must have a regular expression after " + parts[1]}
	}
	if err := c.Validate(); err != nil {
		return Constraint{}, err
	}
	return c, nil
}

// Validate checks the constraint. It returns nil, or all violations joined, each a [*FieldError].
func (c Constraint) Validate() error {
	var v violations
	v.constraint("Constraint", c)
	return errors.Join(v...)
}

func (v *violations) constraint(field string, c Constraint) {
	switch c.Attribute {
	case "":
		v.add(field+".Attribute", c.Attribute, "must not be empty")
	case hostnameAlias, AttributeRegion, AttributeZone:
	default:
		if strings.HasPrefix(c.Attribute, "@") {
			v.add(field+".Attribute", c.Attribute, "must be @hostname, @region, @zone or the name of an attribute, which does not begin with @")
		}
	}
	switch c.Operator {
	case OpLike, OpUnlike:
		if fault := checkExpression(c.Value); fault != "" {
			v.add(field+".Value", c.Value, fault)
		}
	case OpIs, OpIsNot:
		if c.Value == "" {
			v.add(field+".Value", c.Value, "must not be empty for "+string(c.Operator))
		}
	case OpCluster:
	case OpUnique:
		if c.Value != "" {
			v.add(field+".Value", c.Value, "must be empty for UNIQUE")
		}
	case OpGroupBy, OpMaxPer:
		if _, ok := c.Number(); !ok && (c.Value != "" || c.Operator == OpMaxPer) {
			v.add(field+".Value", c.Value, "must be a whole number from 1 to 2147483647 for "+string(c.Operator))
		}
	default:
		v.add(field+".Operator", string(c.Operator), "must be LIKE, UNLIKE, IS, IS_NOT, UNIQUE, CLUSTER, GROUP_BY or MAX_PER")
	}
}

// Number returns Value as the number that MAX_PER and GROUP_BY take, and whether it is one: from 1 to 2147483647.
func (c Constraint) Number() (int, bool) {
	n, err := strconv.ParseInt(c.Value, 10, 32)
	return int(n), err == nil && n >= 1 && n <= math.MaxInt32
}
