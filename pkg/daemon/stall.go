//go:build !deadlock

package daemon

// stall is where a build with the tag deadlock can have a loop hang.
func stall(string) {}
