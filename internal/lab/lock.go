package lab

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lockFile waits for the file's lock and holds it until the file is closed here and in
// every process that was given it.
func lockFile(ctx context.Context, path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return file, nil
		}
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR { //nolint:errorlint // Flock returns it bare
			file.Close()
			return nil, fmt.Errorf("cannot lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, fmt.Errorf("cannot lock %s: another process holds it: %w", path, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
