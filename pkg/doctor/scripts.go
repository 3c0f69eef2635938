package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// scripts returns the executables to run, in their order. What is configured and
// is not there counts as one: it cannot be started, and keeps its events.
func (d *Doctor) scripts() ([]string, error) {
	var all []string
	var failures []error
	for _, path := range d.opts.Scripts {
		info, err := os.Stat(path)
		if err != nil || !info.IsDir() {
			all = append(all, path)
			continue
		}
		inside, err := executables(path)
		if err != nil {
			failures = append(failures, fmt.Errorf("cannot list doctor scripts: %w", err))
		}
		all = append(all, inside...)
	}
	return all, errors.Join(failures...)
}

// executables returns the executables of a folder in the order of their names.
func executables(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	var all []string
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		info, err := os.Stat(path) // behind a link as well
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 && !leftover(entry.Name()) {
			all = append(all, path)
		}
	}
	return all, err
}

// leftover tells a file that an editor or a package manager left beside a script.
func leftover(name string) bool {
	endings := []string{
		"~", ".bak", ".orig", ".swp", ".tmp", ".dpkg-old", ".dpkg-new", ".dpkg-dist", ".rpmnew", ".rpmsave", ".rpmorig",
	}
	return name[0] == '.' || name[0] == '#' ||
		slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(name, e) })
}
