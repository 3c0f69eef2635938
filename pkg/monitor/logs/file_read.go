package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// files reads files of a machine.
type files interface {
	// read returns at most so many bytes from an offset of a file. The error is
	// fs.ErrNotExist where there is none.
	read(ctx context.Context, file fileInfo, from int64, most int) (fileInfo, []byte, error)
	// alike are the files whose paths begin with this one.
	alike(ctx context.Context, path string) ([]fileInfo, error)
	// keep lets go of all files but that of this id.
	keep(id string)
	// every is how often to look whether there is something new.
	every() time.Duration
}

// hereFiles are those of this machine. What was read stays open, so that its rest can
// be read after it was removed.
type hereFiles struct{ open map[string]*os.File }

func (h *hereFiles) every() time.Duration { return 100 * time.Millisecond }

func (h *hereFiles) read(_ context.Context, file fileInfo, from int64, most int) (fileInfo, []byte, error) {
	f, fresh := h.open[file.id], false
	if file.path != "" {
		var err error
		// A named pipe must not hang the open.
		if f, err = os.OpenFile(file.path, os.O_RDONLY|syscall.O_NONBLOCK, 0); err != nil {
			return file, nil, err
		}
		fresh = true
	}
	if f == nil {
		return file, nil, fs.ErrNotExist
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file (%s)", file.path, info.Mode())
	}
	if err != nil {
		if fresh {
			f.Close()
		}
		return file, nil, err
	}
	seen := infoOf(file.path, info)
	if old := h.open[seen.id]; fresh && old != nil {
		f.Close()
		f = old
	}
	h.open[seen.id] = f
	if from >= seen.size || most == 0 {
		return seen, nil, nil
	}
	data := make([]byte, min(int64(most), seen.size-from))
	n, err := f.ReadAt(data, from)
	if errors.Is(err, io.EOF) {
		err = nil // it was cut off just now
	}
	return seen, data[:n], err
}

func infoOf(path string, info fs.FileInfo) fileInfo {
	out := fileInfo{path: path, size: info.Size(), at: info.ModTime()}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		out.id = fmt.Sprintf("%d-%d", s.Dev, s.Ino)
	}
	return out
}

func (h *hereFiles) alike(_ context.Context, path string) ([]fileInfo, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	var out []fileInfo
	named := map[string]bool{}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), filepath.Base(path)) {
			continue
		}
		full := filepath.Join(filepath.Dir(path), e.Name())
		info, err := os.Stat(full)
		if err != nil || !info.Mode().IsRegular() {
			continue // it went just now, or is none
		}
		i := infoOf(full, info)
		named[i.id] = true
		out = append(out, i)
	}
	for id, f := range h.open {
		if info, err := f.Stat(); err == nil && !named[id] {
			out = append(out, infoOf("", info))
		}
	}
	return out, nil
}

func (h *hereFiles) keep(id string) {
	for other, f := range h.open {
		if other != id {
			f.Close()
			delete(h.open, other)
		}
	}
}

// thereFiles are those of another machine, read by a command for each look.
type thereFiles struct{ machine Machine }

func (t thereFiles) every() time.Duration { return time.Second }

func (t thereFiles) keep(string) {}

// readScript prints what is known of the file $1 and, from byte $2 on, $3 bytes of it.
const readScript = `LC_ALL=C; export LC_ALL
if [ ! -e "$1" ]; then exit 9; fi
if [ ! -f "$1" ]; then echo "it is not a file" >&2; exit 1; fi
exec 3<"$1" && stat -L -c "%d-%i %s %.9Y" /proc/self/fd/3 && tail -c "+$2" <&3 | head -c "$3"`

// alikeScript prints what is known of the files whose names begin with $1.
const alikeScript = `LC_ALL=C; export LC_ALL
for f in "$1"*; do if [ -f "$f" ]; then stat -L -c "%d-%i %s %.9Y %n" -- "$f"; fi; done`

func (t thereFiles) script(ctx context.Context, script string, args ...any) ([]byte, error) {
	words := []string{"exec", "sh", "-c", quote(script), "clmgr"}
	for _, a := range args {
		words = append(words, quote(fmt.Sprint(a)))
	}
	out, err := t.machine.Run(ctx, strings.Join(words, " "), nil)
	switch {
	case err != nil:
		return nil, err
	case out.Exit == 9:
		return nil, fs.ErrNotExist
	case out.Exit != 0:
		return nil, fmt.Errorf("exit status %d: %s", out.Exit, lastLine(out.Stderr))
	}
	return out.Stdout, nil
}

func (t thereFiles) read(ctx context.Context, file fileInfo, from int64, most int) (fileInfo, []byte, error) {
	out, err := t.script(ctx, readScript, file.path, from+1, most)
	if err != nil {
		return file, nil, err
	}
	head, data, _ := bytes.Cut(out, []byte("\n"))
	info, err := parseInfo(string(head) + " " + file.path)
	return info, data, err
}

func (t thereFiles) alike(ctx context.Context, path string) ([]fileInfo, error) {
	text, err := t.script(ctx, alikeScript, path)
	if err != nil {
		return nil, err
	}
	var out []fileInfo
	for line := range strings.Lines(string(text)) {
		i, err := parseInfo(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, err
		}
		out = append(out, i)
	}
	return out, nil
}

// parseInfo reads "ID SIZE SECONDS PATH".
func parseInfo(line string) (fileInfo, error) {
	var seconds float64
	var i fileInfo
	f := strings.SplitN(line, " ", 4)
	if len(f) == 4 {
		i.id, i.path = f[0], f[3]
		if _, err := fmt.Sscan(f[1]+" "+f[2], &i.size, &seconds); err == nil {
			i.at = time.UnixMicro(int64(seconds * 1e6))
			return i, nil
		}
	}
	return i, fmt.Errorf("cannot read what stat says: %q", shown(line, longestReason))
}
