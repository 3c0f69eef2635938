package config

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestInstallMistakes(t *testing.T) {
	const base = "clusters: {main: {instances: [{name: db1, ip: 10.0.0.1}]}}\n"
	sum := strings.Repeat("a", 64)
	recipe := func(text string) string { return base + "modes: {m: {tcp: , unit: u, recipe: {" + text + "}}}\n" }
	file := func(text string) string { return recipe("files: [{path: /etc/a, template: x, " + text + "}]") }
	for _, c := range []struct{ what, text, want string }{
		{"recipe of commands", base + "modes: {m: {tcp: , start: a, stop: b, recipe: {reload: c}}}\n", `2:47: the mode "m" has a recipe and is started by commands, wanted a unit`},
		{"built-in with a port", base + "modes: {mysql: {port: 1, recipe: {reload: c}}}\n", `2:9: the mode "mysql" is built in and cannot be described again; it may be given a recipe, and its unit and packages`},
		{"no unit", "modes: {m: {tcp: , recipe: {reload: c}}}\n" + in("    services: [{name: s, mode: m, port: 1, instance: db1, managed: true}]\n"), `5:68: the service "s" is managed: its mode "m" has a recipe and no unit, wanted one there or here`},
		{"relative path", recipe("files: [{path: etc/a, template: x}]"), `2:53: "etc/a" is not the path of a file on a machine, such as /etc/nginx/nginx.conf`},
		{"path upwards", recipe("files: [{path: /etc/../a, template: x}]"), `2:53: "/etc/../a" is not the path of a file on a machine, such as /etc/nginx/nginx.conf`},
		{"path of a shell", recipe("files: [{path: /etc/$(a), template: x}]"), `2:53: "/etc/$(a)" is not the path of a file on a machine, such as /etc/nginx/nginx.conf`},
		{"no path", recipe("files: [{template: x}]"), `2:46: a file of the recipe of "m" has no path`},
		{"no text", recipe("files: [{path: /a}]"), `2:46: the file "/a" has neither template nor from, wanted one of them`},
		{"two texts", recipe("files: [{path: /a, template: x, from: y}]"), `2:76: the file "/a" has both template and from, wanted one of them`},
		{"twice", recipe("files: [{path: /a, template: x}, {path: /a, template: x}]"), `2:78: the recipe of "m" has the file "/a" twice`},
		{"mode", file("mode: '644'"), `2:80: "644" is not the mode of a file such as "0644" or "0600"`},
		{"mode as a number", file("mode: 0644"), "2:80: found a number, wanted text: put it in quotes"},
		{"owner", file("owner: 'a b'"), `2:81: "a b" is not the owner of a file such as root or www-data:adm`},
		{"bad template", recipe(`files: [{path: /a, template: "x\n{{end}}"}]`), "2:67: /a:2: unexpected {{end}}"},
		{"bad command", recipe("reload: '{{.x'"), "2:46: the command of the mode m:1: unclosed action"},
		{"no run", recipe("install: [{creates: /a}]"), `2:48: a step of the recipe of "m" has no run, the line to run`},
		{"no look", recipe("install: [{run: a}]"), `2:48: a step of the recipe of "m" has neither creates nor unless, wanted one of them`},
		{"archive", base + "modes: {m: {tcp: , archive: {url: 'http://a/b', sha256: x, to: /opt/a}}}\n", `2:57: "x" is not a SHA-256, as 64 digits 0 to 9 and a to f`},
		{"archive to nowhere", base + "modes: {m: {tcp: , archive: {url: 'http://a/b', sha256: " + sum + "}}}\n", `2:29: the archive of the mode "m" needs sha256 and to, where it is unpacked`},
		{"no such repository", base + "modes: {m: {tcp: , repository: x}}\n", `2:32: the mode "m" has the unknown repository "x"`},
		{"no such repository of a service", in("    services: [{name: s, mode: mysql, instance: db1, repository: x}]\n"), `4:66: the service "s" has the unknown repository "x"`},
		{"repository of nothing", base + "repositories: {r: {suite: a, key_url: 'http://a/b', key_sha256: " + sum + "}}\n", `2:16: the repository "r" has no url`},
		{"repository's URL", base + "repositories: {r: {url: 'http://a b', suite: a, key_url: 'http://a/b', key_sha256: " + sum + "}}\n", `2:25: "http://a b" is not a URL such as https://deb.example.com/debian`},
		{"repository without a key", base + "repositories: {r: {url: 'http://a', suite: a, key_sha256: " + sum + "}}\n", `2:16: the repository "r" has neither key nor key_url, wanted one of them`},
		{"template of a database", in("    services: [{name: s, mode: mysql, instance: db1, template: x}]\n"), `4:64: the service "s" has a template, which is for haproxy, keepalived and memcache`},
		{"settings of a proxy", in("    services: [{name: s, mode: mysql, instance: db1, settings: [a = 1]}]\n"), `4:64: the service "s" has settings, which are for a mariadb`},
	} {
		t.Run(c.what, func(t *testing.T) {
			if got := strings.Join(mistakes(t, c.text), "\n"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// What clmgr lays out itself takes no recipe.
func TestRecipeOfClmgrsOwn(t *testing.T) {
	k := known()
	info := k.Modes["mariadb"]
	info.Packages = []string{"mariadb-server"}
	k.Modes["mariadb"] = info
	_, err := Parse("f", []byte("clusters: {main: {instances: [{name: db1, ip: 10.0.0.1}]}}\nmodes: {mariadb: {recipe: {reload: c}}}\n"), k)
	const want = `f:2:27: the mode "mariadb" takes no recipe: clmgr lays it out itself; template and settings of its services change that`
	if err == nil || err.Error() != want {
		t.Error(err)
	}
}

// What clmgr depends on cannot be set, by whatever name the server takes for it.
func TestSettings(t *testing.T) {
	for text, reserved := range map[string]string{
		"max_connections = 500": "", "innodb-io-capacity=2000": "", "skip-log-error": "", "log_bin_trust_function_creators = 1": "", "sql_mode =": "",
		"server_id = 7": "server_id", "server-id=7": "server_id", "Server_Id=7": "server_id", "loose-server-id = 7": "server_id", "server_i = 7": "server_id",
		"skip-log-bin": "log_bin", "disable_log_bin": "log_bin", "port=1": "port", "read-only": "read_only", "skip-networking": "skip_networking", "skip-name": "skip_name_resolve",
		"rpl-semi-sync-master-timeout = 1": "rpl_semi_sync_master_timeout",
	} {
		got := settingFault(text)
		if (got == "") != (reserved == "") || !strings.Contains(got, reserved) {
			t.Errorf("%q: %q, want %q", text, got, reserved)
		}
	}
	for _, text := range []string{"[client]", "!include /etc/a", "a = 1\nserver_id = 2", "", "= 1"} {
		if got := settingFault(text); !strings.Contains(got, "is not a setting") {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// A key, a template and a recipe's file are read beside the configuration, and a wrong one
// is a mistake at its line.
func TestFilesBesideIt(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("key.asc", "a key")
	write("haproxy.tmpl", "global\n")
	write("broken.tmpl", "global\n{{if}}\n")
	write("empty", "")
	sum := sha256.Sum256([]byte("a key"))
	text := func(key, sha, own, from string) string {
		return "repositories: {r: {url: 'http://a', suite: s, key: " + key + ", key_sha256: " + sha + "}}\n" +
			"modes: {m: {tcp: , port: 1, unit: u, repository: r, recipe: {files: [{path: /a, from: " + from + "}]}}}\n" +
			"clusters: {main: {instances: [{name: db1, ip: 10.0.0.1}], services: [\n" +
			"{name: l, mode: haproxy, instance: db1, template: " + own + "}, {name: s, mode: m, instance: db1}]}}\n"
	}
	file := filepath.Join(dir, "clmgr.yaml")
	c, err := Parse(file, []byte(text("key.asc", hex.EncodeToString(sum[:]), "haproxy.tmpl", "haproxy.tmpl")), known())
	if err != nil {
		t.Fatal(err)
	}
	services, f := c.Clusters[0].Services, c.Mode("m").Recipe.Files[0]
	if string(c.Repository("r").KeyText) != "a key" || services[0].Text != "global\n" || f.Template != "global\n" || services[1].Repository != "r" || f.Mode != "0644" || c.Repository("r").Components != "main" {
		t.Errorf("%+v %+v %+v", c.Repositories, services, f)
	}
	_, err = Parse(file, []byte(text("key.asc", strings.Repeat("0f", 32), "broken.tmpl", "empty")), known())
	for _, want := range []string{
		`:1:73: the key of the repository "r" has the SHA-256 ` + hex.EncodeToString(sum[:]) + ", wanted the one that is given here",
		":2:87: cannot read template: ", "broken.tmpl:2: missing value for if",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	_, err = Parse(file, []byte(text("none", strings.Repeat("0f", 32), "none", "none")), known())
	if said := strings.Split(err.Error(), "\n"); len(said) != 3 || slices.ContainsFunc(said, func(s string) bool { return !strings.HasSuffix(s, "no such file or directory") }) {
		t.Errorf("%v", err)
	}
}
