package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// imagesDir holds the built images, one directory each.
const imagesDir = "/var/cache/clmgr-lab"

// Image says what a machine's disk begins with.
type Image struct {
	Name     string   // names the directory, with a hash of the rest
	Suite    string   // bookworm, trixie or sid
	Packages []string // beside systemd, dbus, iproute2, openssh-server, procps, ca-certificates
	Disabled []string // units of these packages that do not start at boot
}

// Debian12 is a bare Debian 12.
func Debian12() Image { return Image{Name: "debian12", Suite: "bookworm"} }

// Debian13 is a bare Debian 13.
func Debian13() Image { return Image{Name: "debian13", Suite: "trixie"} }

// Databases is Debian 12 with MariaDB (Galera included), memcached, HAProxy and
// keepalived installed but not started.
func Databases() Image { return databases("databases", "bookworm") }

// Databases13 is the same of Debian 13.
func Databases13() Image { return databases("databases13", "trixie") }

func databases(name, suite string) Image {
	return Image{
		Name: name, Suite: suite,
		Packages: []string{"mariadb-server", "mariadb-backup", "memcached", "haproxy", "keepalived"},
		Disabled: []string{"mariadb.service", "memcached.service", "haproxy.service", "keepalived.service"},
	}
}

// MySQL is Debian unstable, the only suite that has Oracle's MySQL, with its server
// installed but not started.
func MySQL() Image {
	return Image{
		Name: "mysql", Suite: "sid",
		Packages: []string{"mysql-server"},
		Disabled: []string{"mysql.service"},
	}
}

// Dir is where the image is or will be.
func (i Image) Dir() (string, error) {
	recipe, err := i.recipe()
	if err != nil {
		return "", fmt.Errorf("cannot name image %s: %w", i.Name, err)
	}
	text, err := json.Marshal(recipe)
	if err != nil {
		return "", fmt.Errorf("cannot name image %s: %w", i.Name, err)
	}
	sum := sha256.Sum256(text)
	return filepath.Join(imagesDir, i.Name+"-"+hex.EncodeToString(sum[:6])), nil
}

// Build returns the image's directory, making it first where it is not there yet. A
// second builder waits for the first; an interrupted build leaves nothing that would
// be taken for an image. One line a step goes to progress.
func (i Image) Build(ctx context.Context, progress io.Writer) (string, error) {
	dir, err := i.Dir()
	if err != nil {
		return "", err
	}
	if isDir(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(imagesDir, 0o755); err != nil {
		return "", fmt.Errorf("cannot build image %s: %w", i.Name, err)
	}
	lock, err := lockFile(ctx, dir+".lock")
	if err != nil {
		return "", fmt.Errorf("cannot build image %s: %w", i.Name, err)
	}
	defer lock.Close()
	if isDir(dir) {
		return dir, nil
	}
	begin := time.Now()
	step(progress, "building image %s (%s), once", i.Name, i.Suite)
	if err := i.buildAt(ctx, dir, lock, progress); err != nil {
		return "", fmt.Errorf("cannot build image %s: %w", i.Name, err)
	}
	step(progress, "built image %s in %.1f s", i.Name, time.Since(begin).Seconds())
	return dir, nil
}

// buildAt builds beside dir and renames, so that dir is whole or not there.
func (i Image) buildAt(ctx context.Context, dir string, lock *os.File, progress io.Writer) error {
	fresh := dir + ".new"
	if err := removeTree(fresh); err != nil {
		return err
	}
	recipe, err := i.recipe()
	if err != nil {
		return err
	}
	if err := mmdebstrap(ctx, recipe, fresh, lock, progress); err != nil {
		return errors.Join(err, removeTree(fresh))
	}
	return os.Rename(fresh, dir)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func step(w io.Writer, format string, args ...any) {
	if w != nil {
		fmt.Fprintf(w, "lab: "+format+"\n", args...)
	}
}

// Images are those this package describes, for choosing one by name.
func Images() []Image { return []Image{Debian12(), Debian13(), Databases(), Databases13(), MySQL()} }
