package ec2

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzRequest sends lines of requests to an endpoint's core. Whatever they are, every
// answer is XML, a refusal changes nothing, and the state stays sound and can be kept.
func FuzzRequest(f *testing.F) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := newState("seed", netip.MustParsePrefix("10.1.2.0/24"), netip.MustParsePrefix("198.18.2.0/29"))
	s.adopt([]Machine{{"m1", "databases", netip.MustParseAddr("10.1.2.11")}, {"m2", "databases", netip.MustParseAddr("10.1.2.12")}}, now)
	id := map[string]string{}
	for key, i := range s.Instances {
		id[i.Machine], id[i.Machine+"nic"] = key, i.Interfaces[0]
	}
	names := strings.NewReplacer("I1", id["m1"], "I2", id["m2"], "N1", id["m1nic"], "N2", id["m2nic"], "S1", s.Place.Subnet)
	for _, seed := range []string{
		"RunInstances&ImageId=ami-databases&MinCount=1&MaxCount=3&ClientToken=x&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=m3",
		"RunInstances&ImageId=ami-databases&MinCount=1&MaxCount=1&NetworkInterface.1.PrivateIpAddresses.1.PrivateIpAddress=10.1.2.9&NetworkInterface.1.PrivateIpAddresses.1.Primary=true",
		"DescribeInstances&Filter.1.Name=tag:Name&Filter.1.Value.1=m*&MaxResults=5\nStopInstances&InstanceId.1=I1\nStartInstances&InstanceId.1=I1\nTerminateInstances&InstanceId.1=I2",
		"AllocateAddress\nAssociateAddress&PublicIp=198.18.2.1&InstanceId=I1\nDescribeAddresses\nTerminateInstances&InstanceId.1=I1",
		"AssignPrivateIpAddresses&NetworkInterfaceId=N1&PrivateIpAddress.1=10.1.2.99\nAssignPrivateIpAddresses&NetworkInterfaceId=N2&PrivateIpAddress.1=10.1.2.99&AllowReassignment=true",
		"CreateNetworkInterface&SubnetId=S1&SecondaryPrivateIpAddressCount=3\nDescribeNetworkInterfaces&Filter.1.Name=status&Filter.1.Value=available",
		"CreateTags&ResourceId.1=I1&Tag.1.Key=k&Tag.1.Value=v\nDescribeTags\nDeleteTags&ResourceId.1=I1",
		"GetConsoleOutput&InstanceId=I1\nDescribeInstanceStatus&IncludeAllInstances=true\nDescribeImages\nDescribeVpcs\nDescribeSubnets",
	} {
		f.Add(names.Replace(seed))
	}
	all := actions()
	f.Fuzz(func(t *testing.T, text string) {
		s := s
		for line := range strings.Lines(text) {
			p, refused := parseParams("Version=1&Action=" + strings.TrimSuffix(line, "\n"))
			if refused != nil {
				continue
			}
			now = now.Add(time.Second)
			before := kept(t, s)
			next, r, refused := perform(all, s, call{
				params: p, now: now, images: []Image{{Name: "databases"}},
				alive: func(string) bool { return true }, screen: func(string) (string, []string) { return "\x00log", nil },
			})
			if kept(t, s) != before {
				t.Fatalf("%s changed the state it was given", p["Action"])
			}
			var body []byte
			var err error
			if refused != nil {
				if next != s {
					t.Fatalf("%s was refused (%v) and made a new state", p["Action"], refused)
				}
				body, err = encodeError("id", refused)
			} else {
				body, err = encodeReply(p["Action"], "id", r)
			}
			if err != nil {
				t.Fatal(err)
			}
			wellFormed(t, body)
			s = next
			for key, i := range s.Instances {
				s.arrive(call{now: now}, key, i.Power)
			}
			sound(t, s)
		}
	})
}

func kept(t *testing.T, s *state) string {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func wellFormed(t *testing.T, body []byte) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(string(body))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in %s", err, body)
		}
	}
}

// sound checks what must hold in every state.
func sound(t *testing.T, s *state) {
	t.Helper()
	holders := map[netip.Addr]string{}
	for id, n := range s.Interfaces {
		if len(n.Addresses) == 0 || n.ID != id {
			t.Fatalf("interface %s is %+v", id, n)
		}
		for _, a := range n.Addresses {
			if other, taken := holders[a]; taken {
				t.Fatalf("%s and %s have %s", id, other, a)
			}
			holders[a] = id
		}
		if i := n.Attachment.Instance; i != "" && !slices.Contains(s.Instances[i].Interfaces, id) {
			t.Fatalf("interface %s hangs on %s, which does not know it", id, i)
		}
	}
	machines := map[string]bool{}
	for id, i := range s.Instances {
		if i.live() != (len(i.Interfaces) > 0) {
			t.Fatalf("%s is %s with %d interfaces", id, i.Power, len(i.Interfaces))
		}
		if i.live() && machines[i.Machine] {
			t.Fatalf("two instances on machine %s", i.Machine)
		}
		machines[i.Machine] = machines[i.Machine] || i.live()
		for _, nic := range i.Interfaces {
			if s.Interfaces[nic].Attachment.Instance != id {
				t.Fatalf("%s has %s, which hangs elsewhere", id, nic)
			}
		}
	}
	used := map[string]bool{}
	for _, e := range s.Elastic {
		if e.Interface == "" {
			continue
		}
		key := e.Interface + e.Private.String()
		if used[key] || !slices.Contains(s.Interfaces[e.Interface].Addresses, e.Private) {
			t.Fatalf("elastic address %+v leads nowhere or is a second one", e)
		}
		used[key] = true
	}
}

// FuzzWild: a pattern matches as the simple, slow definition says.
func FuzzWild(f *testing.F) {
	for _, c := range [][2]string{{"db-*", "db-1"}, {"*a*b", "xaxbxb"}, {`\*`, "*"}, {"?", ""}, {"a**", "a"}} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 8 || len(text) > 16 { // the slow way takes for ever
			return
		}
		if got, want := wild(pattern, text), slowly(pattern, text); got != want {
			t.Errorf("%q %q: %v, want %v", pattern, text, got, want)
		}
	})
}

func slowly(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return slowly(pattern[1:], text) || text != "" && slowly(pattern, text[1:])
	case text == "":
		return false
	case pattern[0] == '\\' && len(pattern) > 1:
		return pattern[1] == text[0] && slowly(pattern[2:], text[1:])
	}
	return (pattern[0] == '?' || pattern[0] == text[0]) && slowly(pattern[1:], text[1:])
}
