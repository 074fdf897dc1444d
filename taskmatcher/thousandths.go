package taskmatcher

import "math"

// thousandths is an amount of a resource in thousandths of its unit. It is exact, since Mesos keeps three decimal digits.
type thousandths int64

// maxAmount limits amounts, so that sums of a few thousand of them cannot overflow.
const maxAmount = thousandths(1e15)

// offeredAmount converts an offered amount. It rounds down, since more must not be taken than there is, but
// ignores rounding errors of floating point (1.001*1000 is 1000.9999999999999). It returns 0 if x is not
// a positive finite number.
func offeredAmount(x float64) thousandths {
	if !(x > 0) || math.IsInf(x, 1) { // also true for NaN
		return 0
	}
	if x >= float64(maxAmount)/1000 {
		return maxAmount
	}
	const tolerance = 1e-3 // for 1e12, the largest amount of a Spec, the error of x*1000 is 1.2e-4
	n := math.Round(x * 1000)
	if n-x*1000 > tolerance {
		n--
	}
	return thousandths(n)
}

// wantedAmount converts an amount that a task asks for, rounded as Mesos does. For an invalid amount it returns more than
// any candidate can have, so that the task is never placed.
func wantedAmount(x float64) thousandths {
	if !(x >= 0 && x <= float64(maxAmount)/1000) { // also true for NaN
		return math.MaxInt64
	}
	return thousandths(math.Round(x * 1000))
}

func (t thousandths) float() float64 { return float64(t) / 1000 }
