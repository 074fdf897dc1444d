package whiskconf

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// prefix is what the names of environment variables with settings begin with.
const prefix = "CONFIG_"

// settings are the settings of an environment, by path, such as "whisk.mesos.role".
type settings map[string]string

// readEnviron returns the settings in an environment, in the form of os.Environ. The rules are those of OpenWhisk: "_" separates
// the parts of a path; camelCase becomes kebab-case, but for parts that begin with a capital; a value "$NAME" stands for that of
// the variable NAME, if that is not empty; empty values count as not set.
func readEnviron(environ []string) settings {
	variables := map[string]string{}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		variables[name] = value
	}
	s := settings{}
	for name, value := range variables {
		path, is := strings.CutPrefix(name, prefix)
		if other, refers := strings.CutPrefix(value, "$"); refers && variables[other] != "" {
			value = variables[other]
		}
		if !is || value == "" {
			continue
		}
		parts := strings.FieldsFunc(path, func(r rune) bool { return r == '_' })
		for i, part := range parts {
			parts[i] = kebab(part)
		}
		s[strings.Join(parts, ".")] = value
	}
	return s
}

// kebab returns a part of a path as OpenWhisk writes it: "masterUrl" is "master-url", and "LogStoreProvider" stays.
func kebab(part string) string {
	if part[0] >= 'A' && part[0] <= 'Z' {
		return part
	}
	var b strings.Builder
	for i := range len(part) {
		c := part[i]
		if c >= 'A' && c <= 'Z' {
			if before := part[i-1]; before >= 'a' && before <= 'z' || before >= '0' && before <= '9' {
				b.WriteByte('-')
				c += 'a' - 'A'
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

// list returns a list: its items by number, "path.0" and so on, or as a JSON array.
func (s settings) list(path string) ([]string, error) {
	if value, is := s[path]; is {
		var items []string
		if err := json.Unmarshal([]byte(value), &items); err != nil {
			return nil, &Error{Setting: path, Value: value, Reason: "it is not a list: give its items by number, as in " + variable(path+".0") + ", or as a JSON array of strings"}
		}
		return items, nil
	}
	items := map[int]string{}
	for _, p := range s.below(path) {
		i, err := strconv.Atoi(strings.TrimPrefix(p, path+"."))
		if err != nil || i < 0 {
			return nil, &Error{Setting: p, Value: s[p], Reason: fmt.Sprintf("items of the list %s have numbers", path)}
		}
		items[i] = s[p]
	}
	var list []string
	for _, i := range slices.Sorted(maps.Keys(items)) {
		list = append(list, items[i])
	}
	return list, nil
}

// below returns the paths below one, sorted.
func (s settings) below(path string) []string {
	var paths []string
	for p := range s {
		if strings.HasPrefix(p, path+".") {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}

// variable returns the environment variable of a path.
func variable(path string) string {
	var b strings.Builder
	b.WriteString(prefix)
	upper := false
	for _, r := range path {
		switch {
		case r == '.':
			b.WriteByte('_')
		case r == '-':
			upper = true
			continue
		case upper:
			b.WriteString(strings.ToUpper(string(r)))
		default:
			b.WriteRune(r)
		}
		upper = false
	}
	return b.String()
}
