// Package bench measures the heartbeat as a whole against a floor or a peer in
// the same run: `make bench`. It holds benchmarks only; those of single packages
// stand beside their code.
package bench
