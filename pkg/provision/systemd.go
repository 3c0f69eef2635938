package provision

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// systemdSocket is where systemd itself answers root, whether or not there is a bus.
const systemdSocket = "/run/systemd/private"

// askSystemd asks how units are, by D-Bus:
// https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html
func askSystemd(ctx context.Context, conn net.Conn, names []string) (map[string]unitSeen, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	bus, err := dbus.NewConn(conn)
	if err != nil {
		return nil, err
	}
	defer bus.Close()
	if err := bus.Auth([]dbus.Auth{dbus.AuthExternal("0")}); err != nil {
		return nil, err
	}
	const systemd = "org.freedesktop.systemd1"
	files := make([]string, len(names))
	for n, name := range names {
		files[n] = name + ".service"
	}
	var units []struct {
		Name, Description, Load, Active, Sub, Following string
		Path                                            dbus.ObjectPath
		Job                                             uint32
		JobType                                         string
		JobPath                                         dbus.ObjectPath
	}
	manager := bus.Object(systemd, "/org/freedesktop/systemd1")
	defer nudge(manager)()
	if err := manager.CallWithContext(ctx, systemd+".Manager.ListUnitsByNames", 0, files).Store(&units); err != nil {
		return nil, err
	}
	calls := make([]*dbus.Call, len(units))
	for n, u := range units {
		calls[n] = bus.Object(systemd, u.Path).GoWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, nil, systemd+".Unit", "UnitFileState")
	}
	seen := map[string]unitSeen{}
	for n, u := range units {
		var state string
		if err := (<-calls[n].Done).Store(&state); err != nil {
			return nil, err
		}
		seen[strings.TrimSuffix(u.Name, ".service")] = unitSeen{active: u.Active == "active", enabled: state == "enabled"}
	}
	if len(seen) < len(names) {
		return nil, fmt.Errorf("systemd tells of %d units of %d", len(seen), len(names))
	}
	return seen, nil
}

// nudge sends what nobody has to answer, ever less often, until it is told to stop. systemd
// may read a first message together with the end of the greeting before it, and then sees
// it only once more has come.
func nudge(object dbus.BusObject) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
			select {
			case <-end:
				return
			case <-time.After(pause):
				object.Go("org.freedesktop.DBus.Peer.Ping", dbus.FlagNoReplyExpected, nil)
			}
		}
	}()
	return func() { close(end); <-ended }
}
