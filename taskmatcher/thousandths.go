package taskmatcher

import "math"

// thousandths is an amount of a resource, exact: Mesos keeps three decimal digits.
type thousandths int64

// most bounds amounts, so that sums of some thousand of them cannot overflow.
const most = thousandths(1e15)

// offered gives what is surely there: fractions of a thousandth are cut off, unless they are
// mere noise of floating point (1.001*1000 is 1000.9999999999999). Nothing if x is not a positive
// finite number.
func offered(x float64) thousandths {
	if !(x > 0) || math.IsInf(x, 1) { // also true for NaN
		return 0
	}
	if x >= float64(most)/1000 {
		return most
	}
	const noise = 1e-3 // at 1e12 units, the largest amount of a Spec, the error of x*1000 is 1.2e-4
	n := math.Round(x * 1000)
	if n-x*1000 > noise {
		n--
	}
	return thousandths(n)
}

// wanted gives what is asked for, rounded as Mesos does. What is not a proper amount is more than
// any offer holds: such a task is never placed.
func wanted(x float64) thousandths {
	if !(x >= 0 && x <= float64(most)/1000) { // also true for NaN
		return math.MaxInt64
	}
	return thousandths(math.Round(x * 1000))
}

func (t thousandths) float() float64 { return float64(t) / 1000 }
