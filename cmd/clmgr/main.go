// Command clmgr looks after clusters of database machines: it shows what runs,
// tells what changed, and (to come) does what is missing.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], stdStreams())
	stop()
	os.Exit(code)
}
