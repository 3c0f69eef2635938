package eventlog_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/pkg/eventlog"
)

func TestMain(m *testing.M) {
	children.Main(m, map[string]func(args []string) error{
		"append":         jobAppend,
		"append forever": jobAppendForever,
		"full disk":      jobFullDisk,
	})
}

// smallFiles makes the log rotate every twenty events or so.
var smallFiles = eventlog.Options{MaxSize: 6000}

// jobAppend appends the events of source args[1], in args[2] batches of three,
// to the log in args[0].
func jobAppend(args []string) error {
	log, err := eventlog.Open(args[0], smallFiles)
	if err != nil {
		return err
	}
	batches, err := strconv.Atoi(args[2])
	for i := range batches {
		if err == nil {
			err = log.Append(context.Background(), noon, events(args[1], 3*i, 3*i+3))
		}
	}
	return err
}

// jobAppendForever appends batches of five to the log in args[0], from event
// args[1] on, and prints the number after each that is stored.
func jobAppendForever(args []string) error {
	log, err := eventlog.Open(args[0], smallFiles)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[1])
	for ; err == nil; n += 5 {
		if err = log.Append(context.Background(), noon, events("a", n, n+5)); err == nil {
			fmt.Println(n + 5)
		}
	}
	return err
}
