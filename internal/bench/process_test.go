package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkLastProcess is a whole process, `clmgr instances heartbeat --last` on
// the file store with 20 machines and 100 services: wall time in ms and peak memory in MB.
func BenchmarkLastProcess(b *testing.B) {
	program := build(b)
	dir := b.TempDir()
	path := filepath.Join(dir, "clmgr.yaml")
	text := fmt.Sprintf(`
state_dir: %s
modes: {door: {tcp: {}, port: 1}}
clusters:
  c:
    instances:
%s    services:
%s`, dir, list(20, func(i int) string { return fmt.Sprintf("{name: m%d, ip: 127.0.3.%d, ssh: {port: 1}}", i, i+1) }),
		list(100, func(i int) string { return fmt.Sprintf("{name: s%d, mode: door, ip: 127.0.3.%d}", i, i%20+1) }))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	run(b, program, "-c", path, "instances", "heartbeat")
	var walls, sizes []float64
	for n := 0; n < 21 || b.Loop(); n++ {
		walls = append(walls, clock(func() { run(b, program, "-c", path, "instances", "heartbeat", "--last") }))
		sizes = append(sizes, peak(b, program, "-c", path, "instances", "heartbeat", "--last"))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(walls), "ms/process")
	b.ReportMetric(median(sizes), "MB/process")
}

// run runs the program, which finds that nothing listens: exit code 3.
func run(b *testing.B, program string, args ...string) {
	b.Helper()
	cmd := exec.Command(program, args...)
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != 3 || len(out) < 1000 {
		b.Fatalf("%v: %s", err, out)
	}
}

// peak returns the program's peak memory in MB. What a process is charged with begins
// with what the one that started it had, so a small one stands in between.
func peak(b *testing.B, program string, args ...string) float64 {
	b.Helper()
	report := filepath.Join(b.TempDir(), "peak")
	cmd := exec.Command("/usr/bin/time", append([]string{"-q", "-f", "%M", "-o", report, program}, args...)...)
	if out, err := cmd.Output(); cmd.ProcessState.ExitCode() != 3 {
		b.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		b.Fatal(err)
	}
	kib, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kib * 1024 / 1e6
}

// build builds the program as `make build` does.
func build(b *testing.B) string {
	b.Helper()
	program := filepath.Join(b.TempDir(), "clmgr")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "github.com/clmgr/clmgr/cmd/clmgr")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return program
}

// BenchmarkVersionProcess is the least a process costs: `clmgr version`, and the size
// of the program.
func BenchmarkVersionProcess(b *testing.B) {
	program := build(b)
	info, err := os.Stat(program)
	if err != nil {
		b.Fatal(err)
	}
	var walls []float64
	for n := 0; n < 21 || b.Loop(); n++ {
		walls = append(walls, clock(func() {
			if out, err := exec.Command(program, "version").CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
		}))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(walls), "ms/version")
	b.ReportMetric(float64(info.Size())/1e6, "MB/program")
}
