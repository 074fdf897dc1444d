package task

// Operator compares an agent with a constraint's value.
type Operator string

// The operators, as mesos-actor and Marathon spell them. The last four count the tasks of the same
// [Spec.Group], by the values of the attribute on their agents.
const (
	Like    Operator = "LIKE"     // the regular expression matches the whole attribute
	Unlike  Operator = "UNLIKE"   // it does not; an agent without the attribute fails as well
	Is      Operator = "IS"       // the attribute has this value
	Cluster Operator = "CLUSTER"  // it has this value or, without one, the same for all tasks
	Unique  Operator = "UNIQUE"   // no other task has the same value
	GroupBy Operator = "GROUP_BY" // no other value has fewer tasks; the number, if any, says how many values there are at least
	MaxPer  Operator = "MAX_PER"  // no value has more tasks than the number
)

// Names that stand for something other than an attribute.
const (
	Hostname = "hostname"
	Region   = "@region"
	Zone     = "@zone"
)

// Constraint limits the agents on which a task may run.
type Constraint struct {
	// Attribute is the name of an attribute, or [Hostname], [Region] or [Zone]. An agent without it
	// fails every constraint on it; of several attributes of that name the first counts.
	Attribute string
	Operator  Operator
	// Value is a regular expression in Go's syntax for LIKE and UNLIKE, a number for GROUP_BY
	// and MAX_PER, and otherwise the text of a value.
	Value string
}

// String gives one line, such as "rack LIKE r[12]".
func (c Constraint) String() string {
	return c.Attribute + " " + string(c.Operator) + " " + c.Value
}
