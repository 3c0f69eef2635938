package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func known() Known {
	return Known{
		Modes: map[string]ModeInfo{
			"mariadb":    {Type: "db", Port: 3306, Roles: true, Unit: "mariadb", Several: true},
			"mysql":      {Type: "db", Port: 3306, Roles: true},
			"memcache":   {Type: "nosql", Port: 11211},
			"proxy0":     {Type: "proxy"},
			"haproxy":    {Type: "lb", NoPort: true, Stats: true, Unit: "haproxy.service"},
			"keepalived": {Type: "lb", NoPort: true, Roles: true, VIP: true},
		},
		Drivers:  []string{"LOCAL", "EC2"},
		Kinds:    []string{"instances", "logs", "metrics", "services"},
		Verbs:    []string{"instances start", "services restart", "services start"},
		AlertURL: refuse, WebhookURL: refuse, Template: refuse,
	}
}

// refuse finds fault with what says that it is to be refused.
func refuse(text string) error {
	if strings.HasPrefix(text, "refused") {
		return errors.New("it is refused")
	}
	return nil
}

// fleet is a valid file of that many instances and services.
func fleet(instances, services int) []byte {
	var b strings.Builder
	b.WriteString("clusters:\n  main:\n    database: {user: clmgr, tls: preferred}\n    instances:\n")
	for i := range instances {
		fmt.Fprintf(&b, "      - {name: m%d, ip: 10.%d.%d.%d}\n", i, i/62500, i/250%250, i%250+1)
	}
	b.WriteString("    services:\n")
	for i := range services {
		fmt.Fprintf(&b, "      - name: svc%d\n        mode: mariadb\n        instance: m%d\n        port: %d\n", i, i%instances, 3000+i%60000)
	}
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{10, 1000, 10_000, 100_000} {
		data := fleet(200, n)
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := Parse("clmgr.yaml", data, known()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
