// Package lab is a small machine room on one Linux host: real Debian systems with
// systemd and sshd, started in about a second, each with its own address, disk and
// power switch.
//
//	Image ──Build──► /var/cache/clmgr-lab/<image>/      one tree, shared, never written
//	                        │ lower layer
//	Options ──Up──► Lab ────┼──► Machine m1 ─ eth0 ══ clab7m1 ┐
//	                        ├──► Machine m2 ─ eth0 ══ clab7m2 ┤ bridge clab7, 10.213.7.1/24
//	                        └──► Machine m3 ─ eth0 ══ clab7m3 ┘  └─ masquerade ─► outside
//
// A machine is a systemd-nspawn container in mount and network namespaces of its
// own: its overlay mount and its end of the cable exist only while it runs, so a
// machine without power leaves no trace on the host but its disk. All its processes
// are in one version 2 control group, which is how it is frozen, killed and found.
//
//	        PowerOn                     Freeze
//	off ────────────────► on ─────────────────────► frozen
//	 ▲  PowerOff (clean), │ ▲          Thaw           │
//	 └── Kill (the cord) ─┘ └─────────────────────────┤
//	 ▲                      Kill                      │
//	 └────────────────────────────────────────────────┘
//
// What a lab makes is named after the lab or its subnet (see [state]), and Down
// finds it by these names, never by memory: it works from another process and after
// the one that ran Up was killed. Labs do not see one another; each has its bridge,
// its /24 out of 10.213.0.0/16, its packet filter tables and its directory.
package lab
