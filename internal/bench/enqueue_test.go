package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/memcachedtest"
)

// BenchmarkEnqueue lets eight processes of the program, each a manager of its own, queue
// actions in one memcached at once, one document of one action after the other, onto a
// queue of 100, of 1,000 and of 10,000.
func BenchmarkEnqueue(b *testing.B) {
	program := build(b)
	for _, queued := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(queued), func(b *testing.B) {
			var rates []float64
			for range 3 {
				rates = append(rates, enqueue(b, program, queued, min(100, 100_000/queued)))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(rates), "actions/s")
		})
	}
}

// enqueue returns how many actions a second eight processes bring into a queue, each
// so many.
func enqueue(b *testing.B, program string, queued, each int) float64 {
	b.Helper()
	const processes = 8
	url := "memcached://" + memcachedtest.Start(b, "127.0.0.1").Address
	var files []string
	for n := range processes {
		dir := b.TempDir()
		file := filepath.Join(dir, "clmgr.yaml")
		write(b, file, fmt.Sprintf(`
manager: m%d
state_dir: %s/state
store: %s
store_key: a-key-for-the-benchmark
modes: {door: {tcp: {}, port: 1, unit: door}}
clusters:
  c:
    instances: [{name: h, ip: 127.0.0.1}]
    services:
%s`, n, dir, url, list(100, func(i int) string { return fmt.Sprintf("{name: s%d, mode: door, instance: h}", i) })))
		files = append(files, file)
	}
	pipe(b, program, files[0], document("before", queued))
	for _, file := range files { // each has the queue on its disk
		pipe(b, program, file, `{"level":"actions","command":{"action":"list"}}`)
	}
	began := time.Now()
	var all []*exec.Cmd
	for n, file := range files {
		var docs strings.Builder
		for i := range each {
			docs.WriteString(document(fmt.Sprintf("m%d-%d", n, i), 1) + "\n")
		}
		cmd := exec.Command(program, "-c", file)
		cmd.Stdin = strings.NewReader(docs.String())
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		all = append(all, cmd)
	}
	for _, cmd := range all {
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
	}
	took := time.Since(began)
	var answer struct{ Actions []json.RawMessage }
	if err := json.Unmarshal(pipe(b, program, files[0], `{"level":"actions","command":{"action":"list"}}`), &answer); err != nil {
		b.Fatal(err)
	}
	if want := queued + processes*each; len(answer.Actions) != want {
		b.Fatalf("%d actions are queued, want %d", len(answer.Actions), want)
	}
	return float64(processes*each) / took.Seconds()
}

// document asks for n actions that nobody has asked for before: each has a plan of its own
// name, and waits for what does not happen.
func document(name string, n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(
			`{"do_level":"services","do_action":"start","do_group":"s%d","event_type":"instances","event_ip":"127.0.0.1","event_state":"terminated","plan":"%s-%d","instance":"%s-%d"}`,
			i%100, name, i, name, i))
	}
	return `{"actions":[` + strings.Join(list, ",") + `]}`
}

func pipe(b *testing.B, program, file, stdin string) []byte {
	b.Helper()
	cmd := exec.Command(program, "-c", file)
	cmd.Stdin, cmd.Stderr = strings.NewReader(stdin), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("%v: %.500s", err, out)
	}
	return out
}

func write(b *testing.B, path, text string) {
	b.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}
