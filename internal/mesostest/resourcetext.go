package mesostest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// parseResources reads the text of mesos-agent's --resources, for example
// "cpus:4;mem:4096;ports:[31000-31999];cpus(prod):1", or its JSON form, an array of Resource.
// An empty text is an empty bag.
func parseResources(text string) (resources, error) {
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
	return offerOrder(newResources(list)), nil
}

// offerOrder is the order in which a master lists an agent's resources in its offers: what is not
// a scalar, then what is reserved, then the rest.
func offerOrder(rs resources) resources {
	rank := func(e resource) int {
		switch {
		case e.shape.GetType() != mesos.SCALAR:
			return 0
		case e.reservedFor() != "":
			return 1
		}
		return 2
	}
	rs = slices.Clone(rs)
	slices.SortStableFunc(rs, func(a, b resource) int { return rank(a) - rank(b) })
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

// parseAttributes reads the text of mesos-agent's --attributes, for example "rack:r1;cores:8".
func parseAttributes(text string) ([]mesos.Attribute, error) {
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

// parseValue tells the type of a value by its looks: "[1-2,5-9]" is ranges, "{a,b}" a set, a
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

// String prints the bag as the master does in its messages:
// "cpus(allocated: test):3.9; ports(allocated: test):[31000-31999]".
func (rs resources) String() string {
	if len(rs) == 0 {
		return "{}"
	}
	parts := make([]string, 0, len(rs))
	for _, e := range rs {
		r := e.proto()
		parts = append(parts, formatResource(&r))
	}
	return strings.Join(parts, "; ")
}

// formatResource prints one resource as it was received, valid or not.
func formatResource(r *mesos.Resource) string { return describe(r) + ":" + formatValue(r) }

// formatValue prints the value that the type of the resource asks for.
func formatValue(r *mesos.Resource) string {
	switch r.GetType() {
	case mesos.RANGES:
		parts := []string{}
		for _, p := range r.GetRanges().GetRange() {
			parts = append(parts, fmt.Sprintf("%d-%d", p.Begin, p.End))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case mesos.SET:
		return "{" + strings.Join(r.GetSet().GetItem(), ", ") + "}"
	}
	return formatDouble(float64(toMilli(r.GetScalar().GetValue())) / 1000)
}

// formatDouble prints a number as a C++ stream with 15 digits does.
func formatDouble(v float64) string { return trimExponent(strconv.FormatFloat(v, 'g', 15, 64), v) }

// trimExponent undoes the switch to exponents of Go for integers below 1e15, and the trailing
// zeros that %g of C++ does not print.
func trimExponent(s string, v float64) string {
	if !strings.Contains(s, "e") {
		return s
	}
	if v > -1e15 && v < 1e15 && (v >= 1e-4 || v <= -1e-4) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return s
}

// describe prints all of a resource but its value.
func describe(r *mesos.Resource) string {
	var b strings.Builder
	b.WriteString(r.Name)
	if a := r.GetAllocationInfo(); a != nil {
		fmt.Fprintf(&b, "(allocated: %s)", a.GetRole())
	}
	if len(r.Reservations) > 0 {
		parts := []string{}
		for i := range r.Reservations {
			parts = append(parts, "("+describeReservation(&r.Reservations[i])+")")
		}
		fmt.Fprintf(&b, "(reservations: [%s])", strings.Join(parts, ","))
	}
	if d := r.GetDisk(); d != nil {
		fmt.Fprintf(&b, "[%s]", describeDisk(d))
	}
	if r.GetRevocable() != nil {
		b.WriteString("{REV}")
	}
	if r.GetShared() != nil {
		b.WriteString("<SHARED>")
	}
	return b.String()
}

func describeReservation(info *mesos.Resource_ReservationInfo) string {
	s := info.GetType().String() + "," + info.GetRole()
	if info.Principal != nil {
		s += "," + *info.Principal
	}
	if info.Labels != nil {
		parts := []string{}
		for _, l := range info.Labels.Labels {
			text := l.Key
			if l.Value != nil {
				text += ": " + *l.Value
			}
			parts = append(parts, text)
		}
		s += ",{" + strings.Join(parts, ", ") + "}"
	}
	return s
}

func describeDisk(d *mesos.Resource_DiskInfo) string {
	s := ""
	if src := d.GetSource(); src != nil {
		s = src.Type.String()
		switch {
		case src.GetMount().GetRoot() != "":
			s += ":" + src.GetMount().GetRoot()
		case src.GetPath().GetRoot() != "":
			s += ":" + src.GetPath().GetRoot()
		}
	}
	if p := d.GetPersistence(); p != nil {
		if s != "" {
			s += ","
		}
		s += p.ID
	}
	if v := d.GetVolume(); v != nil {
		s += ":" + v.ContainerPath
	}
	return s
}

// malformedResource checks the resources of an operation for what makes the master refuse the
// whole operation. It returns the master's message, or "".
func malformedResource(list []mesos.Resource) string {
	for i := range list {
		if fault := resourceFault(&list[i]); fault != "" {
			shown := refined(list[i])
			return "Resource '" + formatResource(&shown) + "' is invalid: " + fault
		}
	}
	return ""
}

// resourceFault tells what is wrong with one resource, "" when nothing is.
func resourceFault(r *mesos.Resource) string {
	if r.Name == "" {
		return "Empty resource name"
	}
	if fault := valueFault(r); fault != "" {
		return fault
	}
	if r.Disk != nil && r.Name != "disk" {
		return "DiskInfo should not be set for " + r.Name + " resource"
	}
	return reservationFault(r)
}

func valueFault(r *mesos.Resource) string {
	scalar, ranges, set := r.Scalar != nil, r.Ranges != nil, r.Set != nil
	switch r.GetType() {
	case mesos.SCALAR:
		if !scalar || ranges || set {
			return "Invalid scalar resource"
		}
		if r.Scalar.Value != 0 && toMilli(r.Scalar.Value) <= 0 {
			return "Invalid scalar resource: value <= 0"
		}
	case mesos.RANGES:
		if scalar || !ranges || set {
			return "Invalid ranges resource"
		}
		return rangesFault(r.Ranges.Range)
	case mesos.SET:
		if scalar || ranges || !set {
			return "Invalid set resource"
		}
		if items := addItems(nil, r.Set.Item); len(items) != len(r.Set.Item) {
			return "Invalid set resource: duplicated elements"
		}
	default:
		return "Unsupported resource type"
	}
	return ""
}

func rangesFault(list []mesos.Value_Range) string {
	for i, a := range list {
		if a.Begin > a.End {
			return "Invalid ranges resource: begin > end"
		}
		for _, b := range list[i+1:] {
			if a.Begin <= b.Begin && b.Begin <= a.End {
				return "Invalid ranges resource: overlapping ranges"
			}
		}
	}
	return ""
}

func reservationFault(r *mesos.Resource) string {
	if len(r.Reservations) == 0 {
		if r.Role != nil {
			if fault := roleFault(*r.Role); fault != "" {
				return fault
			}
		}
		switch {
		case r.Reservation == nil:
			return ""
		case r.Reservation.Type != nil:
			return "'Resource.ReservationInfo.type' must not be set for the 'Resource.reservation' field"
		case r.Reservation.Role != nil:
			return "'Resource.ReservationInfo.role' must not be set for the 'Resource.reservation' field"
		case r.GetRole() == "*":
			return `Invalid reservation: role "*" cannot be dynamically reserved`
		}
		return ""
	}
	for i := range r.Reservations {
		info := &r.Reservations[i]
		switch {
		case info.Type == nil:
			return "Invalid reservation: 'Resource.ReservationInfo.type' field must be set."
		case info.Role == nil:
			return "Invalid reservation: 'Resource.ReservationInfo.role' field must be set."
		case roleFault(*info.Role) != "":
			return roleFault(*info.Role)
		case *info.Role == "*":
			return `Invalid reservation: role "*" cannot be reserved`
		}
	}
	return ""
}
