// Package remote reaches machines over SSH: one login a machine, kept and shared.
//
//	Settings, Machine ──resolver──► target ── key ──► entry: connection | login in progress
//	      ▲                           │                              │
//	 ssh_config                       │ via (a bastion is a target)  ├─ Check   open a session, close it
//	                                  ▼                              ├─ Run     a command, stdin streamed
//	   connect ─► greeting ─► keys ─► slot ─► key exchange ─► login  ├─ Dial    a TCP connection from there
//	                                                                 └─ Upload  a file, whole or not at all
//
// # What a failure says
//
// An *Error tells by its Stage how far it came. Each is about the machine itself:
// where a bastion fails, the machine has no route, and the text says which bastion
// and why.
//
//	no-route  connect failed: no way there, a local fault, or the bastion's
//	silent    connect was not answered in time
//	refused   connect was reset: the host is there
//	banner    connected; no version line, another protocol, or a key exchange
//	          that failed or hung: not (yet) a server one can speak SSH with
//	host-key  its key is unknown, changed, revoked, or known_hosts unreadable
//	auth      its key is proven; the login was refused or hung
//	session   logged in; no session, or no command was accepted
//	lost      the connection ended under a command
//
// An error that is no *Error is not the machine's fault: a wrong configuration, an
// interruption, no free slot before the caller's deadline, a closed pool.
//
// # Time
//
// Settings.Timeout bounds connecting, greeting, key exchange and login together,
// and again opening a session. Waiting for a login slot is bounded by the caller's
// context alone, since it says nothing about the machine. A connection that was
// open before gets a third of the time to answer; then it is given up and the rest
// is for a new login. Only what cannot have begun is tried again. Open connections
// are asked for a sign of life every Options.KeepAlive, and closed after five
// minutes without use.
//
// Slots (Options.Width) ration computing: they are taken after the greeting has
// come, and given back by a login whose server keeps it waiting for half a second.
// So neither an address that swallows packets, nor a port that says nothing, nor a
// server that hangs in the middle holds up other machines.
//
// # Host keys
//
// They are always verified, at bastions too. A machine is looked up in known_hosts
// by ip (with a port other than 22 as [ip]:port), then by its name. Markers
// (@revoked, @cert-authority), hashed names and patterns count as in OpenSSH; a
// certificate may be made out to the name. With AcceptNew an unknown key is
// appended to the first file under a lock; a changed one is refused all the same.
// With Vouch a key is trusted only where that names it, unknown or changed.
//
// # Keys
//
// Offered in this order: files named in Settings.Keys, else by IdentityFile; the
// agent's; else ~/.ssh/id_ed25519, id_ecdsa, id_rsa, where they exist. A file in
// Settings.Keys that does not exist is an error. One that is encrypted is taken
// from the agent where that holds it, else passed over, and named if no other was
// accepted. A certificate beside a key (KEY-cert.pub) is offered first.
//
// # ssh_config
//
// Machine goes before Settings, Settings before ssh_config, and that before the
// defaults. A machine is looked up by its name, then by its ip. Honoured: User,
// Port, HostName (for a machine without ip, and for bastions), IdentityFile,
// IdentitiesOnly, IdentityAgent (where Settings.Agent is set), ProxyJump,
// UserKnownHostsFile, HostKeyAlias, Include, Host, and of Match "all" and "host";
// in paths ~ and %d %h %r %u. Nothing else is; StrictHostKeyChecking in particular
// never loosens what Settings ask for.
//
// # Upload without SFTP
//
// A file goes through "cat" in a session: that needs a POSIX sh and coreutils (or
// busybox) on the machine, which whatever clmgr manages has, but no SFTP subsystem,
// which hardened servers often switch off; and SFTP's rename over an existing file
// and its fsync are extensions that a server may lack. Permissions are set before
// content, the size is compared before the rename.
//
// # Passwords
//
// None is taken here: logins are by key. One that a command needs goes by Run's
// stdin; in the command itself the machine's process list would show it.
package remote
