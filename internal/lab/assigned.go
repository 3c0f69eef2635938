package lab

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// assigned names the packet filter tables that know which addresses are whose.
func (n network) assigned() string { return n.bridge() + "assigned" }

// assignedRules drop, in the manner of a cloud's network, what a machine sends from an
// address that is not its own, what is sent to it at such an address, and its claims (by
// ARP) to have it. The first address of each machine is the one its cable is named after.
func (n network) assignedRules(addresses map[string][]netip.Addr) string {
	var pairs []string
	for _, machine := range slices.Sorted(maps.Keys(addresses)) {
		port := n.cable(addresses[machine][0].As4()[3]).port
		for _, a := range addresses[machine] {
			pairs = append(pairs, fmt.Sprintf("%q . %s", port, a))
		}
	}
	elements := ""
	if len(pairs) > 0 {
		elements = "elements = { " + strings.Join(pairs, ", ") + " }"
	}
	ports := `"` + n.bridge() + `m*"`
	from := fmt.Sprintf("\t\tiifname %[1]s arp saddr ip != 0.0.0.0 iifname . arp saddr ip != @assigned drop\n"+
		"\t\tiifname %[1]s iifname . ip saddr != @assigned drop\n", ports)
	to := fmt.Sprintf("\t\toifname %s oifname . ip daddr != @assigned drop\n", ports)
	rules := fmt.Sprintf("\tset assigned { type ifname . ipv4_addr; %s\n\t}\n", elements)
	for _, chain := range [][2]string{{"forward", from + to}, {"input", from}, {"output", to}} {
		rules += fmt.Sprintf("\tchain %[1]s {\n\t\ttype filter hook %[1]s priority filter - 1; policy accept;\n%[2]s\t}\n",
			chain[0], chain[1])
	}
	return rules
}

// elasticRules lead what is sent to an elastic address to the private one behind it, from
// this host and from the machines, which see this host as the sender then.
func (n network) elasticRules(public map[netip.Addr]netip.Addr) string {
	if len(public) == 0 {
		return ""
	}
	var pairs []string
	for _, a := range slices.SortedFunc(maps.Keys(public), netip.Addr.Compare) {
		pairs = append(pairs, fmt.Sprintf("%s : %s", a, public[a]))
	}
	to := fmt.Sprintf("\t\tdnat ip to ip daddr map { %s }\n", strings.Join(pairs, ", "))
	return "\tchain in {\n\t\ttype nat hook prerouting priority dstnat;\n" + to + "\t}\n" +
		"\tchain own {\n\t\ttype nat hook output priority -100;\n" + to + "\t}\n" +
		fmt.Sprintf("\tchain back {\n\t\ttype nat hook postrouting priority srcnat - 1;\n"+
			"\t\tip saddr %[1]s ip daddr %[1]s ct status dnat masquerade\n\t}\n", subnet(n.subnet))
}
