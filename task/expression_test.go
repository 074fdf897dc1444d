package task_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// Expressions in Java's syntax are refused, also where Go would take them for something else. The list follows the
// documentation of java.util.regex.Pattern.
func TestExpressionInJavasSyntax(t *testing.T) {
	for _, c := range []struct{ expression, because string }{
		{`[a-z&&[^b]]`, `has no intersection`},
		{`[a-z&&b]`, `has no intersection`},
		{`rack[^a-z&&[def]]+`, `has no intersection`},
		{`[[a-z]&&[b]]`, `has no character class within another`},
		{`[a-d[m-p]]`, `has no character class within another`},
		{`[^a[bc]]x`, `has no character class within another`},
		{`[]a[b]]`, `has no character class within another`},
		{`[[=a=]]`, `has no character class within another`},
		{`a(?=b)`, "error parsing regexp"},
		{`a(?!b).*`, "error parsing regexp"},
		{`(?<=a)b`, "error parsing regexp"},
		{`(?<!a)b`, "error parsing regexp"},
		{`(?>a|ab)c`, "error parsing regexp"},
		{`a++`, "error parsing regexp"},
		{`a*+`, "error parsing regexp"},
		{`a?+`, "error parsing regexp"},
		{`a{2,3}+`, "error parsing regexp"},
		{`(a)\1`, "error parsing regexp"},
		{`(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\10`, "has no backreferences"},
		{`(a)\12`, "has no backreferences"},
		{`(?<n>a)\k<n>`, "error parsing regexp"},
		{`\0123`, `takes at most two digits`},
		{`\p{javaLowerCase}`, "error parsing regexp"},
		{`\p{Alpha}`, "error parsing regexp"},
		{`\p{Lower}+`, "error parsing regexp"},
		{`\p{Digit}`, "takes Digit for a category of Unicode: write [[:digit:]] for ASCII"},
		{`[\p{Punct}a]`, "takes Punct for a category of Unicode"},
		{`\P{Cntrl}`, "takes Cntrl for a category of Unicode"},
		{`\p{IsLatin}`, "error parsing regexp"},
		{`\p{InGreek}`, "error parsing regexp"},
		{`\p{IsAlphabetic}`, "error parsing regexp"},
		{`\p{general_category=Lu}`, "error parsing regexp"},
		{`a\h*`, "error parsing regexp"},
		{`\H`, "error parsing regexp"},
		{`\v`, `takes \v for the vertical tab`},
		{`[\v]`, `takes \v for the vertical tab`},
		{`\V`, "error parsing regexp"},
		{`\R`, "error parsing regexp"},
		{`\X`, "error parsing regexp"},
		{`a\Z`, "error parsing regexp"},
		{`\Ga`, "error parsing regexp"},
		{`\b{g}`, `has no \b{g}`},
		{`\e`, "error parsing regexp"},
		{`\cA`, "error parsing regexp"},
		{`\u0041`, "error parsing regexp"},
		{`\N{DIGIT ONE}`, "error parsing regexp"},
		{`[\Qa-z\E]`, "error parsing regexp"},
		{`(?x)a`, "error parsing regexp"},
		{`(?d)a`, "error parsing regexp"},
		{`(?iu)a`, "error parsing regexp"},
		{`(?U)\w+`, `takes flag U`},
		{`(?iU:a)b`, `takes flag U`},
		{`(?-U)a`, `takes flag U`},
	} {
		for _, operator := range []task.Operator{task.OpLike, task.OpUnlike} {
			err := task.Constraint{Attribute: "rack", Operator: operator, Value: c.expression}.Validate()
			require.ErrorContains(t, err, "must be a regular expression in Go's syntax (RE2)", c.expression)
			require.ErrorContains(t, err, c.because, c.expression)
		}
		// Other operators take no expressions.
		require.NoError(t, task.Constraint{Attribute: "rack", Operator: task.OpIs, Value: c.expression}.Validate())
	}
}

// What means the same in both syntaxes, or is Go's own, is taken.
func TestExpressionInGosSyntax(t *testing.T) {
	for _, expression := range []string{
		``, `.*`, `r[12]`, `rack-[a-z0-9_.]+`, `[^a-z]`, `[]a]+`, `[^]a]`, `a&&b`, `(a&&b)`, `[a&b]`, `[a\&&b]`, `[\[\]]`, `\[a[b]`,
		`[[:alpha:]]+`, `[^[:^digit:]x]`, `[[:word:]-]`, `\Q[a&&b]\1\v\E[a]`, `\Qa&&[`, `\d+\s\w`, `[\d\w]`, `\pL\p{Lu}\P{Greek}`, `\p{L}`,
		`a|b`, `a{2}`, `a{2,3}?`, `a*?`, `(?i)RACK`, `(?i:a)b`, `(?s-m:a)`, `(?P<U>a)`, `(?<U>a)`, `\x41\x{1F600}`, `\0\07\012`, `\0477`, `\.\-\\v`, `\bweb\b\B`, `\Aa\z`, `^a$`,
		`\t\n\r\f\a`,
	} {
		require.NoError(t, task.Constraint{Attribute: "rack", Operator: task.OpLike, Value: expression}.Validate(), expression)
	}
}
