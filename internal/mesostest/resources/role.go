package resources

import "strings"

// RoleFault returns what a master says about the name of a role, "" if nothing is wrong with it.
func RoleFault(role string) string {
	switch {
	case role == "*":
		return ""
	case strings.HasPrefix(role, "/"):
		return "Role '" + role + "' cannot start with a slash"
	case strings.HasSuffix(role, "/"):
		return "Role '" + role + "' cannot end with a slash"
	case strings.Contains(role, "//"):
		return "Role '" + role + "' cannot contain two adjacent slashes"
	case role == "":
		return "Role names cannot be the empty string"
	}
	for part := range strings.SplitSeq(role, "/") {
		switch {
		case part == "." || part == ".." || part == "*":
			return "Role '" + role + "' cannot include '" + part + "' as a component"
		case strings.HasPrefix(part, "-"):
			return "Role component '" + part + "' is invalid because it starts with a dash"
		case strings.ContainsAny(part, "\x09\x0a\x0b\x0c\x0d\x20\x7f"):
			return "Role component '" + part + "' is invalid because it contains backspace or whitespace"
		}
	}
	return ""
}
