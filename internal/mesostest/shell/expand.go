package shell

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// selfPID is the value of $$ in every script.
const selfPID = "100"

// expand takes the quotes off a word and puts values in the place of variables.
func (p *Process) expand(word string) string {
	var out strings.Builder
	for i := 0; i < len(word); {
		n := 1
		switch c := word[i]; {
		case c == '\'':
			n = quotedLength(word[i:])
			out.WriteString(strings.Trim(word[i:i+n], "'"))
		case c == '"':
			n = quotedLength(word[i:])
			out.WriteString(p.expand(unquote(word[i : i+n])))
		case c == '\\' && i+1 < len(word):
			n = 2
			out.WriteByte(word[i+1])
		case c == '$':
			var value string
			value, n = p.variable(word[i:])
			out.WriteString(value)
		default:
			out.WriteByte(c)
		}
		i += n
	}
	return out.String()
}

// unquote takes the double quotes off. Single quotes inside are literal, so they
// are escaped for expand.
func unquote(word string) string {
	word = strings.TrimPrefix(word, `"`)
	word = strings.TrimSuffix(word, `"`)
	return strings.ReplaceAll(word, "'", `\'`)
}

// variable returns the value of the $... at the start of text, and its length.
func (p *Process) variable(text string) (value string, n int) {
	if strings.HasPrefix(text, "$((") {
		n = quotedLength(text)
		return strconv.Itoa(p.arithmetic(strings.TrimSuffix(strings.TrimPrefix(text[:n], "$(("), "))"))), n
	}
	if strings.HasPrefix(text, "$(") {
		n = quotedLength(text)
		words, ok := strings.CutPrefix(strings.TrimSuffix(text[2:n], ")"), "echo ")
		if !ok {
			return "", n // the output of other commands is not modelled
		}
		return p.expand(words), n
	}
	if strings.HasPrefix(text, "${") {
		n = quotedLength(text)
		name, fallback, _ := strings.Cut(strings.Trim(text[1:n], "{}"), ":-")
		if v := p.vars[name]; v != "" {
			return v, n
		}
		return fallback, n
	}
	switch {
	case strings.HasPrefix(text, "$$"):
		return selfPID, 2
	case strings.HasPrefix(text, "$?"):
		return strconv.Itoa(p.last), 2
	}
	n = 1
	for n < len(text) && isNameByte(text[n]) {
		n++
	}
	if n == 1 {
		return "$", 1
	}
	return p.vars[text[1:n]], n
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// arithmetic knows sums and differences of numbers and variables.
func (p *Process) arithmetic(text string) int {
	sum, sign := 0, 1
	term := ""
	add := func() {
		term = strings.TrimPrefix(term, "$")
		n, err := strconv.Atoi(term)
		if err != nil {
			n, _ = strconv.Atoi(p.vars[term]) // an unset variable counts as 0
		}
		sum += sign * n
		term = ""
	}
	for _, c := range strings.ReplaceAll(text, " ", "") {
		switch c {
		case '+':
			add()
			sign = 1
		case '-':
			add()
			sign = -1
		default:
			term += string(c)
		}
	}
	add()
	return sum
}

// truth returns the exit status 0 for true, 1 for false.
func truth(b bool) int {
	if b {
		return 0
	}
	return 1
}

// test returns the status of the command test: files and the usual comparisons.
func (p *Process) test(args []string) int {
	switch {
	case len(args) > 0 && args[0] == "!":
		return truth(p.test(args[1:]) != 0)
	case len(args) == 1:
		return truth(args[0] != "")
	case len(args) == 2:
		switch args[0] {
		case "-s":
			return truth(p.box.exists(args[1]) && len(p.box.Files[args[1]].Data) > 0)
		case "-e", "-f", "-r", "-d":
			return truth(p.box.exists(args[1]))
		case "-n":
			return truth(args[1] != "")
		case "-z":
			return truth(args[1] == "")
		}
	case len(args) == 3:
		return truth(compare(args[0], args[1], args[2]))
	}
	return 1
}

func compare(a, operator, b string) bool {
	x, _ := strconv.Atoi(a) // not a number counts as 0; sh would complain
	y, _ := strconv.Atoi(b)
	switch operator {
	case "=", "==":
		return a == b
	case "!=":
		return a != b
	case "-eq":
		return x == y
	case "-ne":
		return x != y
	case "-lt":
		return x < y
	case "-le":
		return x <= y
	case "-gt":
		return x > y
	case "-ge":
		return x >= y
	}
	return false
}

// sleepTime adds up the arguments of sleep: numbers with a unit. Not ok are none, or a wrong one.
func sleepTime(args []string) (d time.Duration, ok bool) {
	var sum float64
	for _, a := range args {
		unit := 1.0
		if a == "infinity" || a == "inf" {
			return math.MaxInt64 / 2, true
		}
		switch {
		case strings.HasSuffix(a, "s"):
			a = a[:len(a)-1]
		case strings.HasSuffix(a, "m"):
			a, unit = a[:len(a)-1], 60
		case strings.HasSuffix(a, "h"):
			a, unit = a[:len(a)-1], 3600
		case strings.HasSuffix(a, "d"):
			a, unit = a[:len(a)-1], 86400
		}
		n, err := strconv.ParseFloat(a, 64)
		if err != nil || n < 0 {
			return 0, false
		}
		sum += n * unit
	}
	return time.Duration(min(sum*float64(time.Second), math.MaxInt64/2)), len(args) > 0
}
