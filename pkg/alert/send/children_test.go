package send

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/clmgr/clmgr/internal/children"
	"github.com/clmgr/clmgr/pkg/secret"
)

func TestMain(m *testing.M) {
	children.Main(m, map[string]func(args []string) error{"send": jobSend})
}

// jobSend sends what comes into the log of the folder args[0] to the webhook args[1],
// until it is killed.
func jobSend(args []string) error {
	s, err := siteIn(args[0])
	if err != nil {
		return err
	}
	sender, err := s.sender(Place{Name: "hook", Webhook: &Webhook{URL: secret.New(args[1])}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
	defer cancel()
	fmt.Println("at work")
	if err := sender.Turn(ctx, time.Unix(0, 0)); err != nil {
		return err
	}
	return sender.Run(ctx, func() {})
}
