package scheduler

import (
	"errors"
	"fmt"
	"math"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// leftovers is what is left of resources after some were taken.
type leftovers []leftover

// leftover is what is left of one resource.
type leftover struct {
	resource *mesos.Resource     // as it was
	amount   int64               // of a scalar, in thousandths
	ranges   []mesos.Value_Range // of ranges
}

func newLeftovers(resources []mesos.Resource) leftovers {
	all := make(leftovers, len(resources))
	for i := range resources {
		r := &resources[i]
		all[i].resource = r
		if r.Scalar != nil {
			all[i].amount = thousandths(r.Scalar.Value)
		}
		all[i].ranges = r.GetRanges().GetRange()
	}
	return all
}

// errTooMuch is returned for more than is left. The amount in the text is the one that was to be taken.
var errTooMuch = errors.New("more than is left")

// take takes resources. It returns an error if they are malformed or more than is left; then some of them were taken.
func (all leftovers) take(resources []mesos.Resource) error {
	for i := range resources {
		r := &resources[i]
		var err error
		switch {
		case r.GetType() == mesos.SCALAR && r.Type != nil && r.Scalar != nil:
			err = all.takeScalar(r)
		case r.GetType() == mesos.RANGES && r.Type != nil && r.Ranges != nil:
			err = all.takeRanges(r)
		default: // a TEXT makes a master abort
			err = errors.New("neither a scalar nor ranges")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", describeResources(resources[i:i+1]), err)
		}
	}
	return nil
}

// takePlacement takes what a placement uses.
func (all leftovers) takePlacement(p *task.Placement) error {
	if err := all.take(p.Resources); err != nil {
		return err
	}
	return all.take(p.ExecutorResources)
}

func (all leftovers) takeScalar(r *mesos.Resource) error {
	const most = 1e12 // larger ones have no exact thousandths
	if v := r.Scalar.Value; !(v >= 0 && v <= most) {
		return errors.New("no valid amount")
	}
	wanted := thousandths(r.Scalar.Value)
	for i := range all {
		if wanted == 0 {
			break
		}
		if l := &all[i]; l.amount > 0 && sameButAmount(l.resource, r) {
			some := min(wanted, l.amount)
			l.amount, wanted = l.amount-some, wanted-some
		}
	}
	if wanted > 0 {
		return errTooMuch
	}
	return nil
}

func (all leftovers) takeRanges(r *mesos.Resource) error {
	for _, wanted := range r.Ranges.Range {
		if wanted.End < wanted.Begin || !all.takeRange(r, wanted) {
			return errTooMuch
		}
	}
	return nil
}

// takeRange takes a range from one of the resources that are as r is, and reports whether it was there.
func (all leftovers) takeRange(r *mesos.Resource, wanted mesos.Value_Range) bool {
	for i := range all {
		if l := &all[i]; sameButAmount(l.resource, r) && l.takeRange(wanted) {
			return true
		}
	}
	return false
}

// takeRange takes a range, and reports whether it was there.
func (l *leftover) takeRange(wanted mesos.Value_Range) bool {
	for i, free := range l.ranges {
		if wanted.Begin < free.Begin || free.End < wanted.End {
			continue
		}
		var rest []mesos.Value_Range
		if free.Begin < wanted.Begin {
			rest = append(rest, mesos.Value_Range{Begin: free.Begin, End: wanted.Begin - 1})
		}
		if wanted.End < free.End {
			rest = append(rest, mesos.Value_Range{Begin: wanted.End + 1, End: free.End})
		}
		l.ranges = slices.Concat(l.ranges[:i], rest, l.ranges[i+1:]) // not in place: they are the offer's
		return true
	}
	return false
}

// resources returns what is left.
func (all leftovers) resources() []mesos.Resource {
	var rest []mesos.Resource
	for i := range all {
		l := &all[i]
		r := *l.resource
		switch {
		case l.amount > 0:
			r.Scalar = &mesos.Value_Scalar{Value: float64(l.amount) / 1000}
		case len(l.ranges) > 0:
			r.Ranges = &mesos.Value_Ranges{Range: l.ranges}
		default:
			continue
		}
		rest = append(rest, r)
	}
	return rest
}

// sameButAmount reports whether what is taken differs from an offered resource at most in its amount. A master adds
// allocation info where it is missing.
func sameButAmount(offered, taken *mesos.Resource) bool {
	return offered.Name == taken.Name && offered.GetType() == taken.GetType() && offered.GetRole() == taken.GetRole() &&
		(taken.AllocationInfo == nil || offered.AllocationInfo.Equal(taken.AllocationInfo)) &&
		slices.EqualFunc(offered.Reservations, taken.Reservations, func(a, b mesos.Resource_ReservationInfo) bool { return a.Equal(&b) }) &&
		offered.Reservation.Equal(taken.Reservation) && offered.Disk.Equal(taken.Disk) && offered.Revocable.Equal(taken.Revocable) &&
		offered.Shared.Equal(taken.Shared) && offered.ProviderID.Equal(taken.ProviderID)
}

// describeResources returns text such as "cpus:1;mem:128", or "none".
func describeResources(resources []mesos.Resource) string {
	if len(resources) == 0 {
		return "none"
	}
	return mesos.Resources(resources).String()
}

func thousandths(x float64) int64 { return int64(math.Round(x * 1000)) }
