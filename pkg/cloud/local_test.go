package cloud

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestLocal(t *testing.T) {
	ctx := context.Background()
	l := NewLocal([]Instance{{ID: "m1", Name: "m1"}, {ID: "m2", Name: "m2", State: "stopped"}})
	listing, err := l.Instances(ctx)
	if err != nil || !listing.Complete || len(listing.Instances) != 2 || listing.Instances[1].State != "stopped" {
		t.Errorf("%+v, %v", listing, err)
	}
	listing.Instances[0].ID = "changed"
	if again, _ := l.Instances(ctx); again.Instances[0].ID != "m1" {
		t.Error("the listing is not the caller's own")
	}
	for verb, act := range map[string]func(context.Context, string) error{
		"launch": l.Launch, "start": l.Start, "stop": l.Stop, "terminate": l.Terminate,
	} {
		err := act(ctx, "m1")
		var refused *Refused
		if !errors.As(err, &refused) || refused.Gate != GateLocal || refused.Verb != verb || refused.Name != "m1" {
			t.Errorf("%s: %v", verb, err)
		} else if !strings.Contains(err.Error(), "cannot "+verb+" instance m1: refused by "+GateLocal) {
			t.Errorf("%s: %v", verb, err)
		}
	}
}
