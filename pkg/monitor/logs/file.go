package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// File is the loop that follows one file for one watcher.
type File struct {
	options Options
	watcher Watcher
}

// NewFile makes the loop for a watcher of a file.
func NewFile(o Options, w Watcher) *File { return &File{o, w} }

// Run follows the file until ctx ends, over renaming, copying and cutting off; see the
// package. At the first start of all it begins at the file's end, and with a file that
// is not there yet at its beginning. It fails where events cannot be told or the place
// cannot be stored; a file that cannot be read is tried again and again.
func (f *File) Run(ctx context.Context, beat func()) error {
	err := f.run(ctx, beat)
	if err != nil {
		return fmt.Errorf("cannot watch %s on %s: %w", f.watcher.File, f.watcher.Machine, err)
	}
	return nil
}

func (f *File) run(ctx context.Context, beat func()) error {
	k, err := newKeeper(ctx, f.options, []Watcher{f.watcher})
	if err != nil {
		return err
	}
	r := &fileRun{keeper: k, beat: beat, path: f.watcher.File, watch: k.watches[0]}
	if k.place != "" {
		if r.pos, err = parseFilePlace(k.place); err != nil {
			return fmt.Errorf("cannot read %s: %w", k.Key, err)
		}
	}
	if k.Machine.Here() {
		here := &hereFiles{open: map[string]*os.File{}}
		defer here.keep("")
		r.files = here
	} else {
		r.files = thereFiles{k.Machine}
	}
	return k.again(ctx, beat, func() (bool, error) { return r.follow(ctx) })
}

// fileRun is a File at work.
type fileRun struct {
	*keeper
	files files
	beat  func()
	path  string
	watch *Watch
	pos   filePlace

	drained time.Time // a file that was replaced had no more lines; zero while it has
}

// piece is how much is read at once, in bytes. A line is no longer.
const piece = 256 << 10

// leaving is how long a file that was replaced may go on to get lines, from those who
// have it open still.
const leaving = time.Second

func (r *fileRun) follow(ctx context.Context) (some bool, err error) {
	for ctx.Err() == nil {
		more, err := r.look(ctx)
		if err != nil {
			return some, err
		}
		if !some {
			some = true
			if err := r.fine(ctx, time.Now()); err != nil {
				return some, keeping(err)
			}
		}
		// What is read next is due now where there may be more.
		for due := time.Now().Add(r.files.every()); ctx.Err() == nil; {
			wait, err := r.turn(ctx)
			if err != nil {
				return some, keeping(err)
			}
			r.beat()
			left := time.Until(due)
			if more || left <= 0 {
				break
			}
			sleep(ctx, min(wait, left))
		}
	}
	return some, nil
}

// sleep waits so long, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// read reads what is known before the place, and what comes after it.
func (r *fileRun) read(ctx context.Context, file fileInfo) (fileInfo, []byte, error) {
	type both struct {
		info fileInfo
		data []byte
	}
	b, err := look(ctx, r.beat, func(ctx context.Context) (both, error) {
		info, data, err := r.files.read(ctx, file, r.pos.from(), r.pos.mark+piece)
		return both{info, data}, err
	})
	return b.info, b.data, err
}

// look takes what is new, and tells whether there may be more.
func (r *fileRun) look(ctx context.Context) (more bool, err error) {
	if r.place == "" {
		if err := r.begin(ctx); err != nil {
			return false, err
		}
	}
	info, data, err := r.read(ctx, fileInfo{path: r.path})
	switch {
	case errors.Is(err, fs.ErrNotExist) && r.pos.id == "":
		return false, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, err
	case err == nil && r.pos.id == "":
		r.pos.id = info.id
	}
	if err == nil && info.id == r.pos.id && r.pos.fits(data) {
		r.drained = time.Time{}
		r.files.keep(info.id)
		return r.consume(data, false), nil
	}
	return r.elsewhere(ctx)
}

// begin takes the end of the file as where we are, and stores that.
func (r *fileRun) begin(ctx context.Context) error {
	r.pos = filePlace{}.fresh("")
	info, _, err := r.read(ctx, fileInfo{path: r.path})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && info.size > 0 {
		known := min(info.size, longestMark)
		at := filePlace{gen: 1, id: info.id, offset: info.size - known, sum: sum(nil)}
		r.pos = at
		_, data, err := r.read(ctx, fileInfo{path: r.path})
		if err != nil || int64(len(data)) < known {
			r.pos = filePlace{}
			return err // cut off just now: look again
		}
		r.pos = at.moved(data, int(known))
	}
	r.place = r.pos.String()
	return keeping(r.save(ctx))
}

// elsewhere goes on in the file that was replaced, and after that in what replaced it.
func (r *fileRun) elsewhere(ctx context.Context) (more bool, err error) {
	list, err := look(ctx, r.beat, func(ctx context.Context) ([]fileInfo, error) { return r.files.alike(ctx, r.path) })
	if err != nil {
		return false, err
	}
	for _, c := range candidates(list, r.pos) {
		info, data, err := r.read(ctx, c)
		if errors.Is(err, fs.ErrNotExist) || err == nil && (info.id != c.id || !r.pos.fits(data)) {
			continue
		}
		if err != nil {
			return false, err
		}
		info.path = c.path
		return r.finish(list, info, data), nil
	}
	now := time.Now()
	r.add(now, r.watch.Gap(r.place, 0, "the file was replaced or cut off, and what was not read of it is not to be found", now))
	r.move(r.pos.fresh(""))
	return true, nil
}

// finish reads on in a file that was replaced, and leaves it when nothing comes any
// more.
func (r *fileRun) finish(list []fileInfo, file fileInfo, data []byte) (more bool) {
	if r.consume(data, false) {
		r.drained = time.Time{}
		return true
	}
	now := time.Now()
	if r.drained.IsZero() {
		r.drained = now
	}
	next, ok := following(list, r.path, file)
	if !ok || now.Sub(r.drained) < leaving {
		return false
	}
	r.consume(data, true)
	r.drained = time.Time{}
	if next.path == r.path {
		next.id = "" // of whichever is there when it is read
	}
	r.move(r.pos.fresh(next.id))
	return true
}

func (r *fileRun) move(to filePlace) { r.pos, r.place = to, to.String() }

// consume takes the lines of what was read, and tells whether there may be more. At the
// end of a file the last line needs no newline.
func (r *fileRun) consume(data []byte, end bool) (more bool) {
	full := len(data) >= r.pos.mark+piece
	now := time.Now()
	for {
		text := data[r.pos.mark:]
		n := bytes.IndexByte(text, '\n') + 1
		whole := n > 0
		switch {
		case whole:
		case len(text) > 0 && (end || full):
			n = len(text)
		default:
			return more || full
		}
		to := r.pos.moved(data, n)
		to.skip = !whole && !end
		if !r.pos.skip {
			line := Line{
				Text: cut(string(bytes.TrimRight(text[:n], "\r\n")), longestLine), At: now,
				Before: r.place, Place: to.place(),
			}
			r.add(now, r.watch.Take(line, now)...)
		}
		data = data[r.pos.mark+n-to.mark:]
		r.move(to)
		full, more = false, true
	}
}
