package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/clmgr/clmgr/pkg/remote/job"
)

// Archive is a tarball that is unpacked on a machine.
type Archive struct {
	File   string // on this machine; empty where the other one gets it from URL
	URL    string
	SHA256 string // in hex
	// To becomes a link to the folder that it was unpacked to. Older ones stay beside that,
	// for what still runs from there.
	To    string
	Strip int // leading folders of its paths that are left out
}

// archiveCache is where archives lie until they are unpacked.
const archiveCache = "/var/cache/clmgr"

// archiveRoom makes it, and takes away the parts of whoever was cut off while one arrived.
const archiveRoom = "mkdir -p " + archiveCache + "\nfind " + archiveCache + " -name '*.*' -mmin +60 -delete\n"

// shortSum is how much of a SHA-256 tells folders apart.
const shortSum = 16

func (a Archive) folder() string { return a.To + ".clmgr-" + a.SHA256[:shortSum] }

func (a Archive) cached() string { return archiveCache + "/" + a.SHA256 }

// look is a command that tells whether the machine has it, unpacked.
func (a Archive) look() string {
	return fmt.Sprintf("if [ -d %[1]s ] && [ \"$(readlink %[2]s)\" = %[1]s ]; then echo there; fi\n", a.folder(), a.To)
}

// there tells by what look printed whether the machine has it.
func (a Archive) there(said string) bool { return strings.TrimSpace(said) == "there" }

// send brings the file to the machine, unless it is there. Nothing else is taken for it than
// what has the right SHA-256, here and there.
func (a Archive) send(ctx context.Context, m job.Machine) error {
	if a.File == "" {
		return nil
	}
	f, err := os.Open(a.File)
	if err != nil {
		return fmt.Errorf("cannot read archive: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("cannot read archive: %w", err)
	}
	if is := hex.EncodeToString(h.Sum(nil)); is != a.SHA256 {
		return fmt.Errorf("the archive %s has the SHA-256 %s, wanted %s", a.File, is, a.SHA256)
	}
	out, err := run(ctx, m, "if [ -e "+a.cached()+" ]; then echo there; fi", nil)
	if err != nil || out != "" {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("cannot read archive: %w", err)
	}
	_, err = run(ctx, m, fmt.Sprintf(`set -eu
umask 022
%[1]spart=$(mktemp %[2]s.XXXXXX)
trap 'rm -f $part' EXIT
cat >$part
echo "%[3]s  $part" | sha256sum --check --status || { echo "what arrived has another SHA-256" >&2; exit 7; }
sync $part
mv -f $part %[2]s
`, archiveRoom, a.cached(), a.SHA256), f)
	return err
}

// script unpacks it. What is under way lies beside its place, and the link is swapped last.
func (a Archive) script() string {
	get := ""
	if a.File == "" {
		get = fmt.Sprintf(`if ! [ -e $from ]; then
	%spart=$from.$$
	trap 'rm -f $part' EXIT
	if [ -x /usr/lib/apt/apt-helper ]; then said=$(/usr/lib/apt/apt-helper -q download-file %[2]s $part 2>&1); else said=$(curl -fsSL -o $part %[2]s 2>&1); fi || { echo "E: cannot get %[3]s: $said" >&2; exit 7; }
	if ! echo "%[4]s  $part" | sha256sum --check --status; then echo "E: what %[3]s gives has another SHA-256 than %[4]s" >&2; exit 7; fi
	mv -f $part $from
fi
`, archiveRoom, quoted(a.URL), a.URL, a.SHA256)
	}
	return alone + fmt.Sprintf(`from=%s to=%s folder=%s
if [ -e $to ] && ! [ -L $to ]; then echo "E: $to is there, and not from clmgr: move it away" >&2; exit 7; fi
if ! [ -d $folder ]; then
%s	rm -rf $folder.part
	mkdir -p $folder.part
	if ! said=$(tar -xf $from -C $folder.part --strip-components=%d --no-same-owner --no-same-permissions 2>&1); then
		rm -rf $folder.part $from
		echo "E: cannot unpack it: $said" >&2
		exit 7
	fi
	sync -f $folder.part
	mv -T $folder.part $folder
fi
ln -sfnT $folder $to.clmgr-new
mv -fT $to.clmgr-new $to
rm -f $from
`, a.cached(), a.To, a.folder(), get, a.Strip)
}
