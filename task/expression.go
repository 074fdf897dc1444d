package task

import (
	"regexp"
	"strings"
)

// checkExpression returns what is wrong with a regular expression, or "".
//
// Expressions that were written for Marathon are in Java's syntax. Go refuses most of what it does not have, but takes
// some of it for something else, and the constraint would silently hold for other agents. So that is refused, too.
func checkExpression(expression string) string {
	const want = "must be a regular expression in Go's syntax (RE2)"
	if _, err := regexp.Compile(expression); err != nil {
		return want + ": " + err.Error()
	}
	if difference := misread(expression); difference != "" {
		return want + ", which " + difference
	}
	return ""
}

// misread returns how a valid expression differs from what it means in Java, or "".
func misread(expression string) string {
	inClass := false
	for rest := expression; rest != ""; {
		n, difference := 1, ""
		switch {
		case rest[0] == '\\':
			n, difference = misreadEscape(rest)
		case inClass && rest[0] == ']':
			inClass = false
		case inClass && strings.HasPrefix(rest, "[:") && strings.Contains(rest, ":]"): // such as [:alpha:]
			n = strings.Index(rest, ":]") + len(":]")
		case inClass && rest[0] == '[':
			difference = `has no character class within another: write \[ for the character itself`
		case inClass && strings.HasPrefix(rest, "&&"):
			difference = `has no intersection of character classes: write \& for the character itself`
		case inClass:
		case rest[0] == '[':
			inClass, n = true, openingOfClass(rest)
		case strings.HasPrefix(rest, "(?"):
			difference = misreadFlags(rest)
		}
		if difference != "" {
			return difference
		}
		rest = rest[n:]
	}
	return ""
}

// openingOfClass returns the length of what begins a character class: "[" or "[^", with a "]" that stands for itself.
func openingOfClass(rest string) int {
	n := 1
	if strings.HasPrefix(rest[n:], "^") {
		n++
	}
	if strings.HasPrefix(rest[n:], "]") {
		n++
	}
	return n
}

// misreadEscape returns the length of the escape with which a text begins, and how it differs.
func misreadEscape(rest string) (n int, difference string) {
	octal := func(i int, most byte) bool { return i < len(rest) && '0' <= rest[i] && rest[i] <= most }
	switch c := rest[1]; {
	case c == 'Q':
		if end := strings.Index(rest, `\E`); end >= 0 {
			return end + len(`\E`), ""
		}
		return len(rest), ""
	case c == 'v':
		return 2, `takes \v for the vertical tab alone`
	case c == 'b' && strings.HasPrefix(rest[2:], "{g}"):
		return 2, `has no \b{g}`
	case '1' <= c && c <= '9':
		return 2, "has no backreferences: it takes the digits for the number of a character"
	case c == '0' && octal(2, '3') && octal(3, '7') && octal(4, '7'):
		return 2, `takes at most two digits after \0: write \x`
	case c == 'p' || c == 'P':
		for name, ascii := range map[string]string{"Digit": "digit", "Punct": "punct", "Cntrl": "cntrl"} {
			if strings.HasPrefix(rest[2:], "{"+name+"}") {
				return 2, "takes " + name + " for a category of Unicode: write [[:" + ascii + ":]] for ASCII"
			}
		}
	}
	return 2, ""
}

// misreadFlags returns how the group with which a text begins differs: flag U is for Unicode classes in Java.
func misreadFlags(rest string) string {
	flags, _, _ := strings.Cut(rest[len("(?"):], ")")
	flags, _, _ = strings.Cut(flags, ":")
	if strings.Contains(flags, "U") && strings.Trim(flags, "imsU-") == "" {
		return `takes flag U for "prefer short matches"`
	}
	return ""
}
