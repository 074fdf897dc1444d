package resources

import (
	"maps"
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Scalars are quantities of scalar resources by name, in thousandths.
type Scalars map[string]int64

// Limited returns no more of each name than most says; what it does not name stays.
func (rs List) Limited(most Scalars) List {
	left := maps.Clone(most)
	var out List
	for _, e := range rs {
		if amount, named := left[e.Shape.Name]; named {
			e.milli = min(e.milli, amount)
			left[e.Shape.Name] -= e.milli
		}
		out = out.plus(e)
	}
	return out
}

// Only returns no more of each name than most says, and nothing that it does not name.
func (rs List) Only(most Scalars) List {
	return rs.Filter(func(e Entry) bool {
		_, named := most[e.Shape.Name]
		return named
	}).Limited(most)
}

// Scalars returns the sums of the scalars by name.
func (rs List) Scalars() Scalars {
	sum := Scalars{}
	for _, e := range rs {
		if e.Shape.GetType() == mesos.SCALAR {
			sum[e.Shape.Name] += e.milli
		}
	}
	return sum
}

// ScalarsOf returns the scalars of a message.
func ScalarsOf(named map[string]mesos.Value_Scalar) Scalars {
	sum := Scalars{}
	for name, scalar := range named {
		sum[name] = Milli(scalar.Value)
	}
	return sum
}

// Add adds y to x.
func (x Scalars) Add(y Scalars) {
	for name, amount := range y {
		if amount != 0 {
			x[name] += amount
		}
	}
}

// Subtract takes y away from x, of which nothing gets less than zero.
func (x Scalars) Subtract(y Scalars) {
	for name, amount := range y {
		x[name] = max(x[name]-amount, 0)
	}
}

// Minus returns what y leaves of each amount of x.
func (x Scalars) Minus(y Scalars) Scalars {
	left := maps.Clone(x)
	for name := range left {
		left[name] = max(left[name]-y[name], 0)
	}
	return left
}

// Contains reports whether there is at least as much of everything.
func (x Scalars) Contains(y Scalars) bool {
	for name, amount := range y {
		if x[name] < amount {
			return false
		}
	}
	return true
}

// Allows reports whether y is within the limits x; what has no limit is.
func (x Scalars) Allows(y Scalars) bool {
	for name, limit := range x {
		if limit < y[name] {
			return false
		}
	}
	return true
}

// String returns scalars as Mesos prints quantities: "cpus:2; mem:512".
func (x Scalars) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(x)) {
		parts = append(parts, name+":"+FormatDouble(float64(x[name])/1000))
	}
	if parts == nil {
		return "{}"
	}
	return strings.Join(parts, "; ")
}
