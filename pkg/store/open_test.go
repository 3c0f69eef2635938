package store_test

import (
	"strings"
	"testing"

	"github.com/clmgr/clmgr/pkg/store"
)

func TestOpen(t *testing.T) {
	for _, test := range []struct{ url, want string }{
		{"file:/a", ""},
		{"file:a", ""},
		{"file:///a", ""},
		{"file://localhost/a", ""},
		{"/a", ""},
		{"a/b:c", ""},
		{"./a:b", ""},
		{"", "no path"},
		{"file:", "no path"},
		{"file://", "no path"},
		{"file://host/a", `names a host, "host"`},
		{"etcd://root:hunter2@10.0.0.1", `no driver for "etcd:"; there are file:PATH (or just PATH) and memcached:`},
		{"memcache://10.0.0.1", `no driver for "memcache:"`},
		{"FILE:/a", `no driver for "FILE:"`},
	} {
		s, err := store.Open(t.Context(), test.url, store.Options{})
		switch {
		case test.want == "" && (err != nil || s == nil):
			t.Errorf("%q: %v", test.url, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%q: error %v, want %q", test.url, err, test.want)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%q: the error tells the password: %v", test.url, err)
		}
	}
	if _, err := store.Open(t.Context(), "/a", store.Options{MaxSize: -1}); err == nil {
		t.Error("a negative size limit was taken")
	}
}

func TestURLFormsAreOneFolder(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	for _, url := range []string{folder + "/s", "file:" + folder + "/s", "file://" + folder + "/s", "s", "file:s"} {
		s, err := store.Open(t.Context(), url, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Update(t.Context(), "n", "put", increment); err != nil {
			t.Fatal(err)
		}
	}
	if doc, err := open(t, folder+"/s").Get(t.Context(), "n"); err != nil || string(doc) != "5" {
		t.Fatalf("document is %q (%v), want 5", doc, err)
	}
}
