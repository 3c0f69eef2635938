package collect

import (
	"bufio"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/clmgr/clmgr/pkg/heartbeat"
)

// ThisHost describes the machine the manager runs on, and its addresses. What
// the system does not tell is left out.
func ThisHost() (heartbeat.Host, []netip.Addr) {
	host := heartbeat.Host{RAM: strconv.Itoa(totalMemory())}
	var own []netip.Addr
	interfaces, err := net.Interfaces()
	if err != nil {
		return host, nil
	}
	for _, i := range interfaces {
		out := heartbeat.Interface{Name: i.Name, State: "DOWN"}
		if i.Flags&net.FlagUp != 0 {
			out.State = "UP"
		}
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			own = append(own, prefix.Addr())
			if out.IP == "" || strings.Contains(out.IP, ":") && prefix.Addr().Is4() {
				out.IP = prefix.Addr().String()
			}
		}
		host.Interfaces = append(host.Interfaces, out)
	}
	return host, own
}

// totalMemory returns the machine's memory in MiB, 0 where it is not known.
func totalMemory() int {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		fields := strings.Fields(scan.Text())
		if len(fields) > 1 && fields[0] == "MemTotal:" {
			kib, _ := strconv.Atoi(fields[1])
			return kib / 1024
		}
	}
	return 0
}
