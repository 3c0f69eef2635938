package eventlog

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// cursor walks over the lines of the log, from one file to the next, while
// others append, rotate and drop. It takes no lock and relies on this: a file's
// number never changes, a higher number is newer, and a file that has a number
// is not written to any more.
type cursor struct {
	log    *Log
	file   *os.File // nil between two files
	lines  *lines
	path   string // of file
	number int    // of file, 0 while it is the live one
	final  bool   // file will not grow, so its end is an end
	passed int    // rotated files up to this number are behind
}

func (c *cursor) close() {
	if c.file != nil {
		c.file.Close()
		c.file = nil
	}
}

// next returns the next line, valid until the next call, and false where there
// is one that cannot be read. The error is io.EOF where there is no more now.
func (c *cursor) next() (line []byte, whole bool, err error) {
	for {
		if c.file == nil {
			if err := c.open(); err != nil {
				return nil, false, err
			}
		}
		line, whole, err := c.lines.next()
		if !errors.Is(err, io.EOF) {
			return line, whole, err
		}
		switch grew, err := c.atEnd(); {
		case err != nil:
			return nil, false, err
		case grew:
			continue
		case !c.final:
			return nil, false, io.EOF
		}
		torn := c.lines.unfinished()
		c.lines.start = c.lines.began
		c.passed = max(c.passed, c.number)
		c.close()
		if torn {
			return nil, false, nil
		}
	}
}

// atEnd finds out what it means that the open file has ended. It returns true
// where there may be more in it after all.
func (c *cursor) atEnd() (again bool, err error) {
	if c.final {
		return false, nil
	}
	mine, err := c.file.Stat()
	if err != nil {
		return false, err
	}
	if mine.Size() < c.lines.offset {
		// Somebody emptied it: what is there now is new.
		if _, err := c.file.Seek(0, io.SeekStart); err != nil {
			return false, err
		}
		c.lines = newLines(c.file, 0, false)
		return true, nil
	}
	live, err := os.Lstat(c.path)
	switch {
	case err == nil && os.SameFile(mine, live):
		return false, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	number, err := c.find(mine)
	if err != nil {
		return false, err
	}
	// It was rotated or removed, and may have been written to after it was
	// read and before that: once more to its end.
	c.number, c.final = number, true
	if number > 0 {
		c.passed = number
		c.path = c.log.rotatedPath(number)
	}
	return true, nil
}

// find returns the number of the rotated file that is the given one, 0 where
// there is none.
func (c *cursor) find(file os.FileInfo) (int, error) {
	numbers, _, err := c.log.rotated()
	for _, n := range numbers {
		info, err := os.Lstat(c.log.rotatedPath(n))
		if err == nil && os.SameFile(file, info) {
			return n, nil
		}
	}
	return 0, err
}

// open opens the oldest file that is not passed. The error is io.EOF where
// there is none.
func (c *cursor) open() error {
	for {
		number, err := c.oldest()
		if err != nil {
			return err
		}
		if number == 0 {
			if opened, err := c.openLive(); opened || err != nil {
				return err
			}
			continue
		}
		path := c.log.rotatedPath(number)
		file, _, err := c.log.open(path, os.O_RDONLY)
		if errors.Is(err, fs.ErrNotExist) {
			c.passed = number // dropped meanwhile
			continue
		}
		if err != nil {
			return err
		}
		c.begin(file, path, number)
		return nil
	}
}

// openLive opens the live file, unless a rotated one comes first: since the
// files were listed, the one that was live then may have been rotated.
func (c *cursor) openLive() (opened bool, err error) {
	path := c.log.live()
	file, info, err := c.log.open(path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return false, io.EOF
	}
	if err != nil {
		return false, err
	}
	number, err := c.oldest()
	if err == nil && number > 0 {
		path = c.log.rotatedPath(number)
		rotated, statErr := os.Lstat(path)
		opened = statErr == nil && os.SameFile(rotated, info)
	} else {
		opened = err == nil
	}
	if !opened {
		file.Close()
		return false, err
	}
	c.begin(file, path, number)
	return true, nil
}

// begin sets the cursor on the first line of a file.
func (c *cursor) begin(file *os.File, path string, number int) {
	c.file, c.path, c.number, c.final = file, path, number, number > 0
	c.lines = newLines(file, 0, false)
}

// oldest returns the number of the oldest rotated file that is not passed, 0
// where the live file is next.
func (c *cursor) oldest() (int, error) {
	numbers, highest, err := c.log.rotated()
	if err == nil && highest < c.passed {
		// The newest is never dropped, so somebody removed them all and
		// the numbers begin again.
		c.passed = 0
	}
	for _, number := range numbers {
		if number > c.passed {
			return number, err
		}
	}
	return 0, err
}

// skipToLast passes the rotated files and all but the last lines of the live
// file, as many as surely hold the end of the line before.
func (c *cursor) skipToLast() error {
	numbers, _, err := c.log.rotated()
	if err != nil {
		return err
	}
	if len(numbers) > 0 {
		c.passed = numbers[len(numbers)-1]
	}
	if err := c.open(); err != nil {
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	info, err := c.file.Stat()
	if err != nil {
		return err
	}
	if from := info.Size() - 2*maxLine; from > 0 {
		if _, err := c.file.Seek(from, io.SeekStart); err != nil {
			return err
		}
		c.lines = newLines(c.file, from, true)
	}
	return nil
}
