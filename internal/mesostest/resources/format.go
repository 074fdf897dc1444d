package resources

import (
	"fmt"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// String returns the list as the master prints it in its messages:
// "cpus(allocated: test):3.9; ports(allocated: test):[31000-31999]".
func (rs List) String() string {
	if len(rs) == 0 {
		return "{}"
	}
	parts := make([]string, 0, len(rs))
	for _, e := range rs {
		r := e.Proto()
		parts = append(parts, Format(&r))
	}
	return strings.Join(parts, "; ")
}

// Format returns one resource as it was received, valid or not.
func Format(r *mesos.Resource) string { return describe(r) + ":" + FormatValue(r) }

// FormatValue returns the value that the type of the resource asks for.
func FormatValue(r *mesos.Resource) string {
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
	return FormatDouble(float64(Milli(r.GetScalar().GetValue())) / 1000)
}

// FormatDouble returns a number as a C++ stream with 15 digits prints it.
func FormatDouble(v float64) string { return trimExponent(strconv.FormatFloat(v, 'g', 15, 64), v) }

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

// describe returns all of a resource but its value.
func describe(r *mesos.Resource) string {
	var b strings.Builder
	appendDescription(&b, r)
	return b.String()
}

// appendDescription is what the key of every resource of every task is made with.
func appendDescription(b *strings.Builder, r *mesos.Resource) {
	b.WriteString(r.Name)
	if a := r.GetAllocationInfo(); a != nil {
		b.WriteString("(allocated: ")
		b.WriteString(a.GetRole())
		b.WriteByte(')')
	}
	if len(r.Reservations) > 0 {
		parts := []string{}
		for i := range r.Reservations {
			parts = append(parts, "("+describeReservation(&r.Reservations[i])+")")
		}
		fmt.Fprintf(b, "(reservations: [%s])", strings.Join(parts, ","))
	}
	if d := r.GetDisk(); d != nil {
		fmt.Fprintf(b, "[%s]", describeDisk(d))
	}
	if r.GetRevocable() != nil {
		b.WriteString("{REV}")
	}
	if r.GetShared() != nil {
		b.WriteString("<SHARED>")
	}
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
