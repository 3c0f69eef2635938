// Package remotetest starts real OpenSSH servers for tests and benchmarks.
//
//	Site ──── one folder: the client's key, authorized_keys, known_hosts
//	  └─ Start ──► Server: an sshd of its own on a loopback address and port,
//	               with its own host key, killed when the test ends
//
// The servers log in the user that runs the test, by key alone and without PAM;
// nothing is created outside the test's folder but /run/sshd, which sshd wants
// where it runs as root.
package remotetest
