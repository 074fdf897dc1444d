package metrics

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/scheduler"
	"github.com/mesos-actor/mesos-actor-go/task"
)

// query is what PromQL names. The parser knows no precedence and no types: only what is a name of a metric, a label, a
// function or a keyword.
type query struct {
	selectors []selector
	grouping  []string // labels of by and without
	problems  []string
}

// selector is a metric with the labels that it is selected by, and whether it is selected over a range.
type selector struct {
	name   string
	labels map[string]string
	ranged bool
}

// of reports whether a selector selects a metric, or a part of a histogram.
func (s selector) of(m described) bool {
	if m.kind == histogram {
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			if s.name == m.name+part {
				return true
			}
		}
		return false
	}
	return s.name == m.name
}

// tokens of PromQL: names, selections, ranges, texts, numbers with units, and operators.
func tokens(expr string) []string {
	return regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]|[a-zA-Z_:][a-zA-Z0-9_:]*|[0-9.]+[a-z]*|[=!<>]=|\S`).FindAllString(expr, -1)
}

// functions are those that the files use, with how many arguments each takes and whether the last one is a range.
func functions() map[string]struct {
	arguments int
	ranged    bool
} {
	type f = struct {
		arguments int
		ranged    bool
	}
	return map[string]f{
		"rate": {1, true}, "increase": {1, true}, "max_over_time": {1, true},
		"sum": {1, false}, "max": {1, false}, "min": {1, false}, "absent": {1, false}, "time": {0, false}, "histogram_quantile": {2, false},
	}
}

// parse returns what an expression names.
func parse(expr string) query {
	p := parser{tokens: tokens(expr)}
	p.expression()
	if p.at < len(p.tokens) {
		p.problem("unexpected %q", p.tokens[p.at])
	}
	return p.query
}

type parser struct {
	query
	tokens []string
	at     int
}

func (p *parser) problem(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
	p.at = len(p.tokens)
}

func (p *parser) peek() string {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return ""
}

// take takes the next token, if it is the wanted one.
func (p *parser) take(wanted string) bool {
	is := p.peek() == wanted
	if is {
		p.at++
	}
	return is
}

func (p *parser) need(wanted string) {
	if !p.take(wanted) {
		p.problem("%q instead of %q", p.peek(), wanted)
	}
}

// expression takes operands with operators between them.
func (p *parser) expression() {
	p.operand()
	for slices.Contains([]string{"+", "-", "*", "/", "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless"}, p.peek()) {
		p.at++
		p.operand()
	}
}

func (p *parser) operand() {
	token := p.peek()
	function, isFunction := functions()[token]
	switch p.at++; {
	case token == "(":
		p.expression()
		p.need(")")
	case isFunction:
		if p.peek() == "by" || p.peek() == "without" {
			p.at++
			p.groups()
		}
		before := len(p.selectors)
		if given := p.arguments(); given != function.arguments {
			p.problem("%s takes %d arguments, not %d", token, function.arguments, given)
		}
		if ranged := len(p.selectors) == before+1 && p.selectors[before].ranged; function.ranged != ranged && function.ranged {
			p.problem("%s takes one range", token)
		}
		if function.ranged {
			p.selectors[before].ranged = false // it is a vector now
		}
	case regexp.MustCompile(`^[0-9.]+$`).MatchString(token):
	case regexp.MustCompile(`^[a-z_]+$`).MatchString(token):
		p.selector(token)
	default:
		p.problem("unexpected %q", token)
	}
}

// groups takes the labels of by and without.
func (p *parser) groups() {
	p.need("(")
	for p.peek() != ")" && p.at < len(p.tokens) {
		p.grouping = append(p.grouping, p.peek())
		p.at++
		p.take(",")
	}
	p.need(")")
}

// arguments takes those of a function, and returns how many there are.
func (p *parser) arguments() (given int) {
	p.need("(")
	for p.peek() != ")" && p.at < len(p.tokens) {
		given++
		p.expression()
		if p.peek() != ")" {
			p.need(",")
		}
	}
	p.need(")")
	return given
}

func (p *parser) selector(name string) {
	s := selector{name: name, labels: map[string]string{}}
	if by := p.peek(); strings.HasPrefix(by, "{") {
		p.at++
		for _, matcher := range strings.Split(strings.Trim(by, "{}"), ",") {
			parts := regexp.MustCompile(`^ *([a-z_]+) *(?:=|!=|=~|!~) *"([^"]*)" *$`).FindStringSubmatch(matcher)
			if parts == nil {
				p.problem("cannot select by %s", matcher)
				return
			}
			s.labels[parts[1]] = parts[2]
		}
	}
	if within := p.peek(); strings.HasPrefix(within, "[") {
		p.at++
		s.ranged = true
		if !regexp.MustCompile(`^\[([0-9]+[smhd]|\$__rate_interval)\]$`).MatchString(within) {
			p.problem("no range: %s", within)
		}
	}
	p.selectors = append(p.selectors, s)
}

// unknownNames returns what is wrong with an expression: what cannot be parsed, names of metrics and labels that do not exist,
// ranges where a vector belongs, rates of gauges, and counters without a rate. Prometheus adds the label instance.
func unknownNames(expr string) []string {
	q := parse(expr)
	wrong := q.problems
	known := []string{"instance"}
	for _, s := range q.selectors {
		i := slices.IndexFunc(allDescribed(), s.of)
		if i < 0 {
			wrong = append(wrong, "there is no metric "+s.name)
			continue
		}
		labels := append([]string{"instance"}, allDescribed()[i].labels...)
		if strings.HasSuffix(s.name, "_bucket") {
			labels = append(labels, "le")
		}
		for label, values := range s.labels {
			if !slices.Contains(labels, label) {
				wrong = append(wrong, fmt.Sprintf("%s has no label %s", s.name, label))
			}
			for value := range strings.SplitSeq(values, "|") {
				if of := knownValues()[label]; of != nil && !slices.Contains(of, value) {
					wrong = append(wrong, fmt.Sprintf("label %s has no value %s", label, value))
				}
			}
		}
		if s.ranged {
			wrong = append(wrong, s.name+" is a range")
		}
		known = append(known, labels...)
	}
	for _, l := range q.grouping {
		if !slices.Contains(known, l) {
			wrong = append(wrong, "nothing has a label "+l)
		}
	}
	return wrong
}

// knownValues are those of labels that have the same ones in each framework.
func knownValues() map[string][]string {
	values := map[string][]string{"phase": {"place", "store", "accept", "run"}}
	for state := task.StatePending; state <= task.StateUnknown; state++ {
		values["state"] = append(values["state"], state.String())
	}
	for _, o := range outcomes(&scheduler.CallMetrics{}) {
		values["outcome"] = append(values["outcome"], o.name)
	}
	return values
}

// unknownTemplates returns the labels that the texts of an alert use, and that its expression does not keep.
func unknownTemplates(r alert) []string {
	q := parse(r.Expr)
	kept := append([]string{"framework", "instance"}, q.grouping...)
	var wrong []string
	for _, text := range r.Annotations {
		for _, found := range regexp.MustCompile(`\$labels\.([a-z_]+)`).FindAllStringSubmatch(text, -1) {
			if !slices.Contains(kept, found[1]) {
				wrong = append(wrong, found[1])
			}
		}
	}
	return wrong
}

func TestUnknownNamesControl(t *testing.T) {
	for expr, wrong := range map[string]string{
		`mesos_actor_task`:                                                         "there is no metric mesos_actor_task",
		`sum(mesos_actor_step_duration_seconds)`:                                   "there is no metric mesos_actor_step_duration_seconds",
		`sum by (host) (mesos_actor_tasks)`:                                        "nothing has a label host",
		`mesos_actor_tasks{type="KILL"}`:                                           "mesos_actor_tasks has no label type",
		`mesos_actor_tasks{state=~"running|done"}`:                                 "label state has no value done",
		`mesos_actor_tasks{state}`:                                                 "cannot select by state",
		`rate(mesos_actor_runs_total)`:                                             "rate takes one range",
		`mesos_actor_runs_total[5m]`:                                               "mesos_actor_runs_total is a range",
		`sum(mesos_actor_runs_total[5m])`:                                          "mesos_actor_runs_total is a range",
		`rate(mesos_actor_runs_total[5 minutes])`:                                  "no range: [5 minutes]",
		`sum (mesos_actor_tasks`:                                                   `"" instead of ")"`,
		`mesos_actor_tasks mesos_actor_tasks`:                                      `unexpected "mesos_actor_tasks"`,
		`mesos_actor_tasks >`:                                                      `unexpected ""`,
		`histogram_quantile(mesos_actor_step_duration_seconds_bucket)`:             "histogram_quantile takes 2 arguments, not 1",
		`histogram_quantile(0.9, mesos_actor_step_duration_seconds_bucket, 1)`:     "histogram_quantile takes 2 arguments, not 3",
		`sum by (framework, le) (rate(mesos_actor_step_duration_seconds_sum[5m]))`: "nothing has a label le",
	} {
		require.Contains(t, unknownNames(expr), wrong, expr)
	}
	require.Empty(t, unknownNames(`1 - (mesos_actor_tasks{state=~"lost|gone", framework="x"} or time()) > 0.5`))
	r := alert{Expr: `max by (framework) (mesos_actor_tasks)`, Annotations: map[string]string{"summary": "{{ $labels.state }}"}}
	require.Equal(t, []string{"state"}, unknownTemplates(r))
}
