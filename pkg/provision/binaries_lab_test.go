package provision_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clmgr/clmgr/internal/lab"
	"github.com/clmgr/clmgr/pkg/provision"
)

// mirror is a signed repository of Debian packages on this host, which machines reach.
type mirror struct {
	dir, url    string
	key, sum    string // of the one that signs it
	other, odd  string // of another one
	gnupg       string
	archiveSum  string
	archivePath string
}

func hexSum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

func (r *mirror) tool(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir, c.Env = dir, append(os.Environ(), "GNUPGHOME="+r.gnupg)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out)
}

func newMirror(t *testing.T, b *bench) *mirror {
	t.Helper()
	gnupg, err := os.MkdirTemp("", "gnupg") // its agent's socket needs a short path
	if err != nil {
		t.Fatal(err)
	}
	r := &mirror{dir: t.TempDir(), gnupg: gnupg}
	t.Cleanup(func() {
		r.tool(t, r.dir, "gpgconf", "--kill", "all")
		os.RemoveAll(gnupg)
	})
	for _, who := range []string{"good", "bad"} {
		r.tool(t, r.dir, "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", who+"@example.com", "ed25519", "sign", "never")
	}
	r.key = r.tool(t, r.dir, "gpg", "--armor", "--export", "good@example.com")
	r.other = r.tool(t, r.dir, "gpg", "--export", "bad@example.com")
	r.sum, r.odd = hexSum(r.key), hexSum(r.other)
	l, err := net.Listen("tcp", net.JoinHostPort(b.HostIP().String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.FileServer(http.Dir(r.dir))}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	r.url = "http://" + l.Addr().String()
	r.write(t, "key.asc", r.key)
	for _, version := range []string{"1.0-1", "1.0-2", "2.0-1"} {
		r.pack(t, version)
	}
	r.publish(t, "good@example.com")
	r.tarball(t)
	return r
}

func (r *mirror) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// pack makes a package with one file.
func (r *mirror) pack(t *testing.T, version string) {
	t.Helper()
	tree := "tree-" + version
	r.write(t, tree+"/DEBIAN/control", "Package: clmgr-thing\nVersion: "+version+"\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: a thing\n")
	r.write(t, tree+"/usr/share/clmgr-thing", version+"\n")
	r.tool(t, r.dir, "dpkg-deb", "--root-owner-group", "--build", tree, "pool-"+version+".deb")
	if err := os.RemoveAll(filepath.Join(r.dir, tree)); err != nil {
		t.Fatal(err)
	}
}

// publish writes the lists and has a key sign them.
func (r *mirror) publish(t *testing.T, by string) {
	t.Helper()
	packages := r.tool(t, r.dir, "dpkg-scanpackages", "--multiversion", ".")
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(packages))
	_ = z.Close()
	r.write(t, "Packages", packages)
	r.write(t, "Packages.gz", zipped.String())
	release := "Origin: clmgr-test\nDate: Thu, 01 Jan 2026 00:00:00 UTC\nSHA256:\n"
	for name, text := range map[string]string{"Packages": packages, "Packages.gz": zipped.String()} {
		release += fmt.Sprintf(" %s %d %s\n", hexSum(text), len(text), name)
	}
	r.write(t, "Release", release)
	_ = os.Remove(filepath.Join(r.dir, "InRelease"))
	r.tool(t, r.dir, "gpg", "--batch", "--quiet", "--local-user", by, "--clearsign", "--output", "InRelease", "Release")
}

func (r *mirror) tarball(t *testing.T) {
	t.Helper()
	r.write(t, "thing-1.2/bin/thing", "#!/bin/sh\necho 1.2\n")
	r.archivePath = filepath.Join(r.dir, "thing.tar.gz")
	r.tool(t, r.dir, "tar", "--mode=0755", "-czf", r.archivePath, "thing-1.2")
	text, err := os.ReadFile(r.archivePath)
	if err != nil {
		t.Fatal(err)
	}
	r.archiveSum = hexSum(string(text))
}

func (r *mirror) repository() *provision.Repository {
	return &provision.Repository{Name: "thing", URL: r.url, Suite: "./", Components: "main", Key: []byte(r.key), KeySHA256: r.sum}
}

// TestBinaries installs from a signed repository and from tarballs, on Debian 12 and 13.
func TestBinaries(t *testing.T) {
	t.Parallel()
	b := boot(t, lab.Debian12(), lab.Debian13())
	r := newMirror(t, b)
	for _, name := range []string{"m1", "m2"} {
		t.Run(name, func(t *testing.T) {
			t.Run("repository refused", func(t *testing.T) { b.testRepositoryRefused(t, name, r) })
			t.Run("repository", func(t *testing.T) { b.testRepository(t, name, r) })
			t.Run("archive refused", func(t *testing.T) { b.testArchiveRefused(t, name, r) })
			t.Run("archive", func(t *testing.T) { b.testArchive(t, name, r) })
		})
	}
	t.Run("key changed", func(t *testing.T) { b.testKeyChanged(t, r) })
}

// aptFiles are what apt would know of the repository.
const aptFiles = "{ ls -A /etc/apt/sources.list.d /etc/apt/keyrings /etc/apt/preferences.d /var/lib/apt/lists; ls -d /run/clmgr-repository.*; } 2>/dev/null | grep -e clmgr -e _Packages -e InRelease | grep -v -e debian -e security || true"

func (b *bench) testRepositoryRefused(t *testing.T, name string, r *mirror) {
	host := b.host(name)
	before := b.on(t, name, aptFiles)
	for what, c := range map[string]struct {
		change func(*provision.Repository)
		words  []string
	}{
		"signed by another key":   {func(p *provision.Repository) { p.Key, p.KeySHA256 = []byte(r.other), r.odd }, []string{"E: the repository thing is refused, and nothing of it stays", "is not signed"}},
		"another key than wanted": {func(p *provision.Repository) { p.KeySHA256 = r.odd }, []string{"E: the key of the repository thing is not the one with the SHA-256 " + r.odd}},
		"another key at its URL":  {func(p *provision.Repository) { p.Key, p.KeyURL, p.KeySHA256 = nil, r.url+"/key.asc", r.odd }, []string{"E: the key from " + r.url + "/key.asc is not the one with the SHA-256 " + r.odd}},
		"no such repository":      {func(p *provision.Repository) { p.URL += "/none" }, []string{"the repository thing is refused", "does not have a Release file"}},
	} {
		repository := r.repository()
		c.change(repository)
		_, err := provision.Binaries{Packages: provision.Packages{"clmgr-thing"}, Repository: repository}.Install(t.Context(), host, b.job())
		wantError(t, err, append(c.words, "cannot install the repository thing clmgr-thing: exit status 7: ")...)
		if after := b.on(t, name, aptFiles); after != before {
			t.Errorf("%s: there is now %s", what, after)
		}
	}
}

func (b *bench) testRepository(t *testing.T, name string, r *mirror) {
	host := b.host(name)
	binaries := func(version string) provision.Binaries {
		return provision.Binaries{Packages: provision.Packages{"clmgr-thing" + version}, Repository: r.repository()}
	}
	if found := provision.Look(t.Context(), host, binaries(""))[0]; found.Err != nil || found.Missing != "not installed: the repository thing, clmgr-thing" {
		t.Fatal(found)
	}
	for _, c := range []struct {
		version, installed string
		changed            bool
	}{{"=1.0-1", "1.0-1", true}, {"=1.0*", "1.0-1", false}, {"=1.0-2", "1.0-2", true}, {"=2.*", "2.0-1", true}, {"=1.0-*", "1.0-2", true}, {"", "1.0-2", false}} {
		changed, err := binaries(c.version).Install(t.Context(), host, b.job())
		if got := b.on(t, name, "cat /usr/share/clmgr-thing"); err != nil || changed != c.changed || got != c.installed {
			t.Errorf("%s: changed %v, %v, and there is %s", c.version, changed, err, got)
		}
	}
	_, err := binaries("=3.*").Install(t.Context(), host, b.job())
	wantError(t, err, "cannot install clmgr-thing=3.*: exit status 100", "Version '3.*' for 'clmgr-thing' was not found")
	if got := b.on(t, name, "apt-cache policy clmgr-thing | grep -c ' 600 ' || true; stat -c '%a %U' /etc/apt/keyrings/clmgr-thing.asc"); !strings.HasSuffix(got, "\n644 root") || strings.HasPrefix(got, "0") {
		t.Errorf("the repository's priority, and its key: %s", got)
	}
	// By its URL it is the same key.
	byURL := binaries("")
	byURL.Repository.Key, byURL.Repository.KeyURL = nil, r.url+"/key.asc"
	if changed, err := byURL.Install(t.Context(), host, b.job()); err != nil || changed {
		t.Error(changed, err)
	}
	b.on(t, name, "rm /etc/apt/keyrings/clmgr-thing.asc; mkdir /run/clmgr-repository.killed; touch -d '2 hours ago' /run/clmgr-repository.killed")
	if changed, err := byURL.Install(t.Context(), host, b.job()); err != nil || !changed {
		t.Error(changed, err)
	}
	if got := b.on(t, name, "ls -d /run/clmgr-repository.* 2>/dev/null || true"); got != "" {
		t.Errorf("left aside: %s", got)
	}
}

// testKeyChanged has another key sign the repository: the machine keeps to the one it knows
// until the configuration names the other.
func (b *bench) testKeyChanged(t *testing.T, r *mirror) {
	r.pack(t, "3.0-1")
	r.publish(t, "bad@example.com")
	before := b.on(t, "m1", "cat /etc/apt/sources.list.d/clmgr-thing.sources; ls /etc/apt/keyrings")
	old := provision.Binaries{Packages: provision.Packages{"clmgr-thing=3.*"}, Repository: r.repository()}
	if _, err := old.Install(t.Context(), b.one, b.job()); err == nil {
		t.Error("what another key has signed was installed")
	}
	if after := b.on(t, "m1", "cat /etc/apt/sources.list.d/clmgr-thing.sources; ls /etc/apt/keyrings"); after != before {
		t.Errorf("there is now %s", after)
	}
	now := old
	now.Repository = r.repository()
	now.Repository.Key, now.Repository.KeySHA256 = []byte(r.other), r.odd
	if changed, err := now.Install(t.Context(), b.one, b.job()); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if got := b.on(t, "m1", "cat /usr/share/clmgr-thing; ls /etc/apt/keyrings"); got != "3.0-1\nclmgr-thing.gpg" {
		t.Errorf("there is %s", got)
	}
}

func (b *bench) testArchiveRefused(t *testing.T, name string, r *mirror) {
	host := b.host(name)
	wrong := strings.Repeat("0", 64)
	for _, c := range []struct {
		archive provision.Archive
		words   []string
	}{
		{provision.Archive{URL: r.url + "/thing.tar.gz", SHA256: wrong, To: "/opt/thing"}, []string{"E: what " + r.url + "/thing.tar.gz gives has another SHA-256 than " + wrong}},
		{provision.Archive{URL: r.url + "/none.tar.gz", SHA256: wrong, To: "/opt/thing"}, []string{"E: cannot get " + r.url + "/none.tar.gz: ", "404"}},
		{provision.Archive{File: r.archivePath, SHA256: wrong, To: "/opt/thing"}, []string{"the archive " + r.archivePath + " has the SHA-256 " + r.archiveSum + ", wanted " + wrong}},
		{provision.Archive{URL: r.url + "/key.asc", SHA256: r.sum, To: "/opt/thing"}, []string{"E: cannot unpack it: "}},
		{provision.Archive{File: r.archivePath, SHA256: r.archiveSum, To: "/etc"}, []string{"E: /etc is there, and not from clmgr: move it away"}},
	} {
		_, err := provision.Binaries{Archive: &c.archive}.Install(t.Context(), host, b.job())
		wantError(t, err, append(c.words, "cannot install "+c.archive.To+": ")...)
		if got := b.on(t, name, "ls -A /opt; ls -d /etc.* 2>/dev/null || true"); got != "" {
			t.Errorf("half-written: %s", got)
		}
	}
}

// testArchive has one sent and one fetched, and each there once. Parts that a power cut has
// left go.
func (b *bench) testArchive(t *testing.T, name string, r *mirror) {
	host := b.host(name)
	cut := "mkdir -p /var/cache/clmgr; rm -f /var/cache/clmgr/*; touch -d '2 hours ago' /var/cache/clmgr/" + r.archiveSum + ".cut"
	b.on(t, name, cut)
	sent := provision.Binaries{Archive: &provision.Archive{File: r.archivePath, SHA256: r.archiveSum, To: "/opt/thing", Strip: 1}}
	for _, changed := range []bool{true, false} {
		if got, err := sent.Install(t.Context(), host, b.job()); err != nil || got != changed {
			t.Fatal(got, err)
		}
	}
	folder := "/opt/thing.clmgr-" + r.archiveSum[:16]
	if got := b.on(t, name, "/opt/thing/bin/thing; readlink /opt/thing; stat -c '%a %U' /opt/thing/bin/thing; ls -A /opt | wc -l; ls -A /var/cache/clmgr"); got != "1.2\n"+folder+"\n755 root\n2" {
		t.Errorf("sent: %s", got)
	}
	b.on(t, name, cut)
	fetched := provision.Binaries{Archive: &provision.Archive{URL: r.url + "/thing.tar.gz", SHA256: r.archiveSum, To: "/opt/fetched"}}
	for _, changed := range []bool{true, false} {
		if got, err := fetched.Install(t.Context(), host, b.job()); err != nil || got != changed {
			t.Fatal(got, err)
		}
	}
	if got := b.on(t, name, "/opt/fetched/thing-1.2/bin/thing; ls -A /var/cache/clmgr"); got != "1.2" {
		t.Errorf("fetched: %s", got)
	}
}
