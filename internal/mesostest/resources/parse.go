package resources

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Parse reads the text of mesos-agent's --resources, for example
// "cpus:4;mem:4096;ports:[31000-31999];cpus(prod):1", or its JSON form, an array of Resource.
// An empty text is an empty list.
func Parse(text string) (List, error) {
	var list []mesos.Resource
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil, fmt.Errorf("resources: %w", err)
		}
	} else {
		for _, part := range splitFields(text) {
			r, err := parseResource(part)
			if err != nil {
				return nil, fmt.Errorf("resources %q: %w", text, err)
			}
			list = append(list, r)
		}
	}
	for i := range list {
		if fault := resourceFault(&list[i]); fault != "" {
			return nil, fmt.Errorf("resources %q: %s", text, fault)
		}
	}
	return OfferOrder(New(list)), nil
}

// OfferOrder returns a list in the order in which a master lists an agent's resources in its offers: what is not
// a scalar, then what is reserved, then the rest.
func OfferOrder(rs List) List {
	rank := func(e Entry) int {
		switch {
		case e.Shape.GetType() != mesos.SCALAR:
			return 0
		case e.ReservedFor() != "":
			return 1
		}
		return 2
	}
	rs = slices.Clone(rs)
	for i := range rs {
		rs[i].given = nil // an agent's own ranges are joined
	}
	slices.SortStableFunc(rs, func(a, b Entry) int { return rank(a) - rank(b) })
	return rs
}

func splitFields(text string) []string {
	return strings.FieldsFunc(text, func(c rune) bool { return c == ';' || c == '\n' })
}

// parseResource reads one "name(role):value".
func parseResource(text string) (mesos.Resource, error) {
	name, value, ok := strings.Cut(text, ":")
	if !ok {
		return mesos.Resource{}, fmt.Errorf("%q has no value", text)
	}
	role := "*"
	name = strings.TrimSpace(name)
	if before, after, found := strings.Cut(name, "("); found {
		if !strings.HasSuffix(after, ")") {
			return mesos.Resource{}, fmt.Errorf("%q: role without closing parenthesis", text)
		}
		name, role = before, strings.TrimSuffix(after, ")")
	}
	v, err := parseValue(value)
	if err != nil {
		return mesos.Resource{}, err
	}
	if v.Type == mesos.TEXT {
		return mesos.Resource{}, fmt.Errorf("%q: a resource cannot be text", text)
	}
	return mesos.Resource{
		Name: name, Type: &v.Type, Role: &role,
		Scalar: v.Scalar, Ranges: v.Ranges, Set: v.Set,
	}, nil
}

// ParseAttributes reads the text of mesos-agent's --attributes, for example "rack:r1;cores:8".
func ParseAttributes(text string) ([]mesos.Attribute, error) {
	var list []mesos.Attribute
	for _, part := range splitFields(text) {
		name, value, ok := strings.Cut(part, ":")
		if !ok {
			return nil, fmt.Errorf("attributes %q: %q has no value", text, part)
		}
		v, err := parseValue(value)
		if err != nil {
			return nil, fmt.Errorf("attributes %q: %w", text, err)
		}
		list = append(list, mesos.Attribute{
			Name: strings.TrimSpace(name), Type: v.Type,
			Scalar: v.Scalar, Ranges: v.Ranges, Set: v.Set, Text: v.Text,
		})
	}
	return list, nil
}

// parseValue recognizes the type of a value by its form: "[1-2,5-9]" is ranges, "{a,b}" a set, a
// number a scalar, anything else text.
func parseValue(text string) (mesos.Value, error) {
	text = strings.ReplaceAll(text, " ", "")
	switch {
	case text == "":
		return mesos.Value{}, fmt.Errorf("empty value")
	case text[0] == '[':
		ranges, err := parseRanges(text)
		return mesos.Value{Type: mesos.RANGES, Ranges: ranges}, err
	case text[0] == '{':
		if !strings.HasSuffix(text, "}") {
			return mesos.Value{}, fmt.Errorf("%q: set without closing brace", text)
		}
		set := &mesos.Value_Set{}
		if inner := text[1 : len(text)-1]; inner != "" {
			set.Item = strings.Split(inner, ",")
		}
		return mesos.Value{Type: mesos.SET, Set: set}, nil
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return mesos.Value{Type: mesos.SCALAR, Scalar: &mesos.Value_Scalar{Value: f}}, nil
	}
	return mesos.Value{Type: mesos.TEXT, Text: &mesos.Value_Text{Value: text}}, nil
}

func parseRanges(text string) (*mesos.Value_Ranges, error) {
	if !strings.HasSuffix(text, "]") {
		return nil, fmt.Errorf("%q: ranges without closing bracket", text)
	}
	ranges := &mesos.Value_Ranges{}
	for part := range strings.SplitSeq(text[1:len(text)-1], ",") {
		if part == "" {
			continue
		}
		from, to, ok := strings.Cut(part, "-")
		if !ok {
			return nil, fmt.Errorf("%q: %q is not a range", text, part)
		}
		begin, err := strconv.ParseUint(from, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		end, err := strconv.ParseUint(to, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		ranges.Range = append(ranges.Range, mesos.Value_Range{Begin: begin, End: end})
	}
	return ranges, nil
}
