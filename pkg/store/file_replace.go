package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// replace puts doc in the place of the file at path, by way of the file at
// temp, which must not exist. It returns when doc would survive a power loss.
//
// google/renameio does not sync the folder, so that the rename itself could be
// lost, and names its temporary files at random, so that those of killed
// writers pile up and have to be searched for.
func (s *fileStore) replace(temp, path string, doc []byte) error {
	// The folder is opened first: after the rename nothing may fail that
	// could have been found out before.
	folder, err := os.Open(s.folder)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := writeSynced(temp, doc); err != nil {
		return errors.Join(err, removeIfThere(temp))
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, removeIfThere(temp))
	}
	if err := s.syncFolder(folder); err != nil {
		return fmt.Errorf("%w: the document is in place but may not survive a power loss: %w", ErrUnknown, err)
	}
	return nil
}

// writeSynced makes a new file with doc in it, on the disk.
func writeSynced(path string, doc []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(doc)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// makeFolder makes the folder and those above it, for their owner alone, and
// makes that durable: a document is not kept if its folder is lost.
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
	folder, err := os.Open(above)
	if err != nil {
		return err
	}
	defer folder.Close()
	return syncFolder(folder)
}

// syncFolder writes the folder's entries to the disk. File systems that cannot
// do that for a folder say EINVAL and need it from nobody.
func syncFolder(folder *os.File) error {
	if err := folder.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
