package eventlog

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// makeFolder makes the folder and those above it, for their owner alone, and
// makes that durable: a line is not kept if its folder is lost.
func makeFolder(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	above := filepath.Dir(path)
	if above != path {
		if err := makeFolder(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		// Another process may have been faster.
		if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
			return nil
		}
		return err
	}
	return syncFolder(above)
}

// syncFolder makes new names in the folder durable. File systems that cannot do
// that for a folder say EINVAL and need it from nobody.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
