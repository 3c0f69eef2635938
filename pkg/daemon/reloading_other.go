//go:build !linux

package daemon

import "github.com/coreos/go-systemd/v22/daemon"

// reloading is what is told when a reload begins.
func reloading() string { return daemon.SdNotifyReloading }
