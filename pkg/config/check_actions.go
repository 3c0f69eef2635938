package config

// checkActions refuses a first delay above the longest. It fills in the defaults,
// which count as well.
func (d *decoder) checkActions(a *Actions) {
	d.defaults(a)
	if a.LongestDelay > 0 && a.FirstDelay > a.LongestDelay {
		d.problem(d.where(&a.FirstDelay, &a.LongestDelay), "first_delay is %s, longer than longest_delay, %s",
			formatDuration(a.FirstDelay), formatDuration(a.LongestDelay))
	}
}
