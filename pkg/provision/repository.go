package provision

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
)

// Repository is one of Debian packages, and the key that it must be signed by. Packages that
// the machine's own repositories have too come from it.
type Repository struct {
	Name, URL, Suite, Components string
	// Key is the key, armoured or not; empty where the machine gets it from KeyURL.
	Key    []byte
	KeyURL string
	// KeySHA256 is that of the key, in hex.
	KeySHA256 string
}

func (r Repository) sourcesFile() string {
	return "/etc/apt/sources.list.d/clmgr-" + r.Name + ".sources"
}

func (r Repository) pinFile() string { return "/etc/apt/preferences.d/clmgr-" + r.Name + ".pref" }

// keyFile is the key's without its ending, by which apt knows an armoured one.
func (r Repository) keyFile() string { return "/etc/apt/keyrings/clmgr-" + r.Name }

// sources is the description for apt, signed by the key in the file.
// https://manpages.debian.org/bookworm/apt/sources.list.5.en.html
func (r Repository) sources(key string) string {
	components := "Components: " + r.Components + "\n"
	if strings.HasSuffix(r.Suite, "/") {
		components = ""
	}
	return fmt.Sprintf("# Written by clmgr; clmgr services bootstrap_binaries writes it again.\nTypes: deb\nURIs: %s\nSuites: %s\n%sSigned-By: %s\n",
		r.URL, r.Suite, components, key)
}

// pin has its packages preferred. https://manpages.debian.org/bookworm/apt/apt_preferences.5.en.html
func (r Repository) pin() string {
	host := ""
	if u, err := url.Parse(r.URL); err == nil {
		host = u.Hostname()
	}
	return fmt.Sprintf("# Written by clmgr; clmgr services bootstrap_binaries writes it again.\nPackage: *\nPin: origin \"%s\"\nPin-Priority: 600\n", host)
}

// files are those that describe it on a machine.
func (r Repository) files() []string {
	return []string{r.sourcesFile(), r.pinFile(), r.keyFile() + ".asc", r.keyFile() + ".gpg"}
}

// there tells by the sums of its files whether the machine knows it.
func (r Repository) there(sums map[string]string) bool {
	for _, end := range []string{".asc", ".gpg"} {
		key := r.keyFile() + end
		if sums[key] == r.KeySHA256 && sums[r.sourcesFile()] == sum(r.sources(key)) && sums[r.pinFile()] == sum(r.pin()) {
			return true
		}
	}
	return false
}

// script has apt know it. The key and the lists are tried first, aside; the description comes
// last, so that one that is there was taken whole.
func (r Repository) script() string {
	get := fmt.Sprintf("/usr/lib/apt/apt-helper -q download-file %s $dir/key SHA256:%s >/dev/null || { echo \"E: the key from %[3]s is not the one with the SHA-256 %[2]s, or was not to be had\" >&2; exit 7; }",
		quoted(r.KeyURL), r.KeySHA256, r.KeyURL)
	if len(r.Key) > 0 {
		get = "base64 -d >$dir/key <<'END OF KEY'\n" + base64.StdEncoding.EncodeToString(r.Key) + "\nEND OF KEY"
	}
	return fmt.Sprintf(`if ! command -v apt-get >/dev/null; then echo "E: the repository %[1]s is one of Debian packages, and there is no apt" >&2; exit 7; fi
find /run -maxdepth 1 -name 'clmgr-repository.*' -mmin +60 -exec rm -rf {} + # of whoever was killed here
dir=$(mktemp -d /run/clmgr-repository.XXXXXX)
trap 'rm -rf $dir' EXIT
chmod 755 $dir
%[2]s
if ! echo "%[3]s  $dir/key" | sha256sum --check --status; then echo "E: the key of the repository %[1]s is not the one with the SHA-256 %[3]s" >&2; exit 7; fi
end=gpg
if grep -q '^-----BEGIN PGP' $dir/key; then end=asc; fi
mv $dir/key $dir/key.$end
chmod 644 $dir/key.$end
describe() { sed "s|@KEY@|$1|" <<'END OF SOURCES'
%[4]sEND OF SOURCES
}
describe $dir/key.$end >$dir/clmgr.sources
if ! said=$(apt-get -q update --error-on=any -o Dir::Etc::sourcelist=$dir/clmgr.sources -o Dir::Etc::sourceparts=/dev/null -o APT::Get::List-Cleanup=0 2>&1); then
	echo "$said" | sed -n 's/^[EW]: /E: /p' | grep -v -e 'Some index files failed' -e 'disabled by default' -e "can't be done securely" >&2
	echo "E: the repository %[1]s is refused, and nothing of it stays" >&2
	exit 7
fi
put() { cat >$1.clmgr-new; chmod 644 $1.clmgr-new; sync $1.clmgr-new; mv -f $1.clmgr-new $1; }
mkdir -p /etc/apt/keyrings
put %[5]s.$end <$dir/key.$end
put %[6]s <<'END OF PIN'
%[7]sEND OF PIN
describe %[5]s.$end | put %[8]s
for e in asc gpg; do if [ $e != $end ]; then rm -f %[5]s.$e; fi; done
`, r.Name, get, r.KeySHA256, r.sources("@KEY@"), r.keyFile(), r.pinFile(), r.pin(), r.sourcesFile())
}
