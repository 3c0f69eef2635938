package store_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

var benchSizes = []int{1 << 10, 64 << 10, 4 << 20}

// BenchmarkUpdate shows an Update beside the floor: the bare system calls that
// put the same bytes in place durably.
func BenchmarkUpdate(b *testing.B) {
	for _, size := range benchSizes {
		doc := bytes.Repeat([]byte("x"), size)
		b.Run(fmt.Sprintf("store/%dKiB", size>>10), func(b *testing.B) {
			s := open(b, b.TempDir())
			b.SetBytes(int64(size))
			for i := 0; b.Loop(); i++ {
				doc[0] = byte(i)
				if err := s.Update(b.Context(), "n", "bench", func([]byte) ([]byte, error) { return doc, nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("floor/%dKiB", size>>10), func(b *testing.B) {
			folder := b.TempDir()
			b.SetBytes(int64(size))
			for b.Loop() {
				if err := bareReplace(folder, doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func bareReplace(folder string, doc []byte) error {
	temp := filepath.Join(folder, "n.tmp")
	file, err := os.Create(temp)
	if err != nil {
		return err
	}
	if _, err := file.Write(doc); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := os.Rename(temp, filepath.Join(folder, "n")); err != nil {
		return err
	}
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// BenchmarkGet shows a Get beside the floor: os.ReadFile.
func BenchmarkGet(b *testing.B) {
	for _, size := range benchSizes {
		folder := b.TempDir()
		s := open(b, folder)
		doc := bytes.Repeat([]byte("x"), size)
		if err := s.Update(b.Context(), "n", "bench", func([]byte) ([]byte, error) { return doc, nil }); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("store/%dKiB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := s.Get(b.Context(), "n"); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("floor/%dKiB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := os.ReadFile(filepath.Join(folder, "n.json")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
