package taskmatcher

import (
	"regexp"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// condition is a constraint or a preference of a class. Whether it holds for a candidate depends on the candidate's
// value of the attribute, and for some operators on the tasks of the group.
type condition struct {
	operator  task.Operator // of a condition that counts tasks; "" for others
	values    []int32       // numbers of the attribute's values, by candidate
	predicate *predicate    // of a condition that does not count tasks
	counter   *counter      // of a condition that counts tasks
	number    int32         // for MAX_PER and GROUP_BY
}

// condition prepares a constraint for a group.
func (m *match) condition(c task.Constraint, group string) condition {
	a := m.attributes.get(m.cluster, c.Attribute)
	result := condition{operator: c.Operator, values: a.byCandidate}
	n, numbered := c.Number()
	switch {
	case c.Operator == task.OpUnique, c.Operator == task.OpCluster && c.Value == "":
		result.counter = m.counter(group, a)
	case c.Operator == task.OpMaxPer && numbered, c.Operator == task.OpGroupBy && (numbered || c.Value == ""):
		result.counter, result.number = m.counter(group, a), int32(n)
	default:
		result.operator = "" // also for MAX_PER and GROUP_BY with an invalid value
		if result.predicate = m.predicates[c]; result.predicate == nil {
			result.predicate = newPredicate(c, a)
			m.predicates[c] = result.predicate
		}
	}
	return result
}

// holds reports whether the condition now holds for a candidate.
func (c *condition) holds(at int32) bool {
	v := c.values[at]
	return v >= 0 && c.holdsFor(v)
}

// holdsFor reports whether the condition now holds for a value. One that does not will not hold later in the cycle either.
// Of GROUP_BY it is one half: whether as many values are known as expected. That no value has fewer tasks is decided
// among the values, by partitionedQueues.
func (c *condition) holdsFor(v int32) bool {
	switch c.operator {
	case task.OpUnique:
		return c.counter.tasks[v] == 0
	case task.OpMaxPer:
		return c.counter.tasks[v] < int64(c.number)
	case task.OpGroupBy:
		return c.counter.known >= int(c.number) || c.counter.tasks[v] == 0
	case task.OpCluster:
		return c.counter.tasks[v] == c.counter.total
	}
	return c.predicate.holds(v)
}

// tasks returns how many tasks have the value of a candidate, for a condition that counts them. The candidate must have one.
func (c *condition) tasks(at int32) int64 { return c.counter.tasks[c.values[at]] }

// predicate evaluates a constraint that depends on the value of the attribute alone. Each value is evaluated at
// most once, when it is first asked for.
type predicate struct {
	constraint task.Constraint
	attribute  *attribute
	results    []result // by value
	expression *regexp.Regexp
	invalid    bool // holds for no value
}

// result is the outcome of a predicate for a value.
type result uint8

const (
	unevaluated result = iota
	satisfied
	unsatisfied
)

func newPredicate(c task.Constraint, a *attribute) *predicate {
	p := &predicate{constraint: c, attribute: a, results: make([]result, len(a.values))}
	p.invalid = c.Validate() != nil // what it refuses, such as Java's syntax, could mean something else
	switch c.Operator {
	case task.OpLike, task.OpUnlike:
		expression, err := regexp.Compile(c.Value)
		if err != nil {
			break
		}
		// The expression must match the whole value, which the longest match shows. Wrapping the text in
		// \A(?:…)\z instead would break expressions like `\Qa`.
		expression.Longest()
		p.expression = expression
	}
	return p
}

func (p *predicate) holds(v int32) bool {
	if p.results[v] == unevaluated {
		p.results[v] = unsatisfied
		if !p.invalid && p.evaluate(p.attribute.values[v]) {
			p.results[v] = satisfied
		}
	}
	return p.results[v] == satisfied
}

func (p *predicate) evaluate(v value) bool {
	if p.expression == nil {
		return v.equals(p.constraint.Value) == (p.constraint.Operator != task.OpIsNot)
	}
	match := p.expression.FindStringIndex(v.text)
	whole := match != nil && match[0] == 0 && match[1] == len(v.text)
	return whole == (p.constraint.Operator == task.OpLike)
}
