package peers

import (
	"math"
	"time"
)

// Phi is the suspicion that whoever has been silent for so long is dead: −log₁₀ of the
// probability that an arrival is still to come, where intervals are normally
// distributed (Hayashibara, Défago, Yared, Katayama: The φ Accrual Failure Detector,
// SRDS 2004, section 4.2). With phi 1 one judgement in ten is wrong, with 2 one in a
// hundred. Intervals without any deviation are never late by a moment without being
// infinitely suspect: phi is then 0 before the mean, log₁₀ 2 at it and +Inf after.
func Phi(silence, mean, deviation time.Duration) float64 {
	late := float64(silence - mean)
	if deviation <= 0 {
		switch {
		case late < 0:
			return 0
		case late == 0:
			return math.Log10(2)
		}
		return math.Inf(1)
	}
	z := late / float64(deviation)
	if z > 30 {
		// Erfc comes near the least number there is. Of Q(z) = e^(−z²/2) / (z√2π) · (1 − 1/z² + …)
		// the first two terms are exact to 10⁻⁵ here.
		return (z*z/2 + math.Log(z) + math.Log(2*math.Pi)/2 - math.Log1p(-1/(z*z))) / math.Ln10
	}
	return -math.Log10(math.Erfc(z/math.Sqrt2) / 2)
}
