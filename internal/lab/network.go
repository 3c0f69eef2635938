package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// network is the bridge of a lab with its way out.
type network struct{ subnet uint8 }

// cable is a machine's connection: its end on the host, and what the machine's end is.
type cable struct {
	bridge  string
	port    string // the interface on the host
	mac     string
	address netip.Prefix
	gateway netip.Addr
}

func newNetwork(subnet uint8) network { return network{subnet} }

// bridge is also the name of the lab's packet filter tables.
func (n network) bridge() string { return fmt.Sprintf("clab%d", n.subnet) }

func (n network) ip(host uint8) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 213, n.subnet, host})
}

func (n network) hostIP() netip.Addr { return n.ip(1) }

// firstHost is the last byte of the first machine's address.
const firstHost = 11

// cable describes the connection of the machine with that last byte of the address.
func (n network) cable(host uint8) cable {
	return cable{
		bridge:  n.bridge(),
		port:    fmt.Sprintf("%sm%d", n.bridge(), host-firstHost+1), // m1, m2, …; around at 256
		mac:     fmt.Sprintf("02:c1:0a:d5:%02x:%02x", n.subnet, host),
		address: netip.PrefixFrom(n.ip(host), 24),
		gateway: n.hostIP(),
	}
}

// forwarding switches routing between interfaces of this host on.
const forwarding = "/proc/sys/net/ipv4/ip_forward"

// forwardingWas exists while labs do that switched forwarding on.
var forwardingWas = filepath.Join(labsDir, ".forwarding-was-off")

// up makes the bridge and lets its machines out. Without a fixed address a bridge
// changes its own with every new port, and connections stall.
func (n network) up(ctx context.Context) error {
	b := n.bridge()
	if _, err := tool(ctx, fmt.Sprintf(`link add %[1]s address 02:c1:0a:d5:%02[2]x:01 type bridge forward_delay 0 mcast_snooping 0
addr add %[3]s/24 dev %[1]s
link set %[1]s up
`, b, n.subnet, n.hostIP()), "ip", "-batch", "-"); err != nil {
		return fmt.Errorf("cannot make bridge %s: %w", b, err)
	}
	if _, err := tool(ctx, fmt.Sprintf(`table inet %[1]s {
	chain out {
		type nat hook postrouting priority srcnat;
		ip saddr %[2]s ip daddr != %[2]s masquerade
	}
}`, b, subnet(n.subnet)), "nft", "-f", "-"); err != nil {
		return fmt.Errorf("cannot let lab machines out: %w", err)
	}
	return startForwarding()
}

// startForwarding leaves a note where it changes the host, for stopForwarding.
func startForwarding() error {
	now, err := os.ReadFile(forwarding)
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(now)) == "1" {
		return nil
	}
	if err := os.WriteFile(forwardingWas, nil, 0o600); err != nil {
		return err
	}
	return os.WriteFile(forwarding, []byte("1"), 0)
}

// stopForwarding undoes startForwarding. Call it locked, when the last lab is gone.
func stopForwarding() error {
	if !exists(forwardingWas) {
		return nil
	}
	return errors.Join(os.WriteFile(forwarding, []byte("0"), 0), os.Remove(forwardingWas))
}

// down removes bridge, cables and tables, whichever are there.
func (n network) down(ctx context.Context) error {
	links, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, link := range links {
		if link.Name == n.bridge() || strings.HasPrefix(link.Name, n.bridge()+"m") {
			if err := removeLink(ctx, link.Name); err != nil {
				return err
			}
		}
	}
	for _, family := range []string{"inet", "bridge"} {
		for _, name := range []string{n.bridge(), n.assigned()} {
			if err := setTable(ctx, family, name, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// setTable replaces a packet filter table in one step; with an empty body it is removed.
func setTable(ctx context.Context, family, name, body string) error {
	// Adding before deleting makes the deletion right whether or not it was there.
	script := fmt.Sprintf("table %[1]s %[2]s {}\ndelete table %[1]s %[2]s\n", family, name)
	if body != "" {
		script += fmt.Sprintf("table %s %s {\n%s}\n", family, name, body)
	}
	_, err := tool(ctx, script, "nft", "-f", "-")
	return err
}

// removeLink removes a network interface if it is there. The far end of a cable goes by
// itself some time after its machine, so it may be gone between two looks.
func removeLink(ctx context.Context, name string) error {
	link := filepath.Join("/sys/class/net", name)
	if !exists(link) {
		return nil
	}
	if _, err := tool(ctx, "", "ip", "link", "del", name); err != nil {
		if _, gone := os.Stat(link); !errors.Is(gone, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// plug lays a cable from the bridge into the network namespace of a process. The host's
// end goes away with the far one, so a machine without power is silent.
func (c cable) plug(ctx context.Context, pid int, carrier bool) error {
	_, err := tool(ctx, fmt.Sprintf(`link add %[1]s type veth peer name eth0 address %[2]s netns %[3]d
link set %[1]s master %[4]s %[5]s
`, c.port, c.mac, pid, c.bridge, upDown(carrier)), "ip", "-batch", "-")
	if err != nil {
		return fmt.Errorf("cannot plug %s in: %w", c.port, err)
	}
	return nil
}

func upDown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

// address is the one with that last byte in the lab's subnet.
func (l *Lab) address(last int) netip.Addr {
	a := subnet(l.state.Subnet).Addr().As4()
	a[3] = byte(last) //nolint:gosec // the caller's are below 256
	return netip.AddrFrom4(a)
}
