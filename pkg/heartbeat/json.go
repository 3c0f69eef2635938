package heartbeat

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/clmgr/clmgr/pkg/command"
)

// Document is a status as it is printed. Its shape is the seed's: lists of
// one-key objects, codes as strings, times in the manner of ctime in UTC.
type Document struct {
	Status
	Events []Event
	// AgeAt, where set, adds to each entry how many seconds before it was seen.
	AgeAt time.Time
	// Part limits the document to "instances" or "services"; empty for both.
	Part Kind
	// exact writes times with nanoseconds, for the stored record.
	exact bool
}

type wireDocument struct {
	Command    *command.Command `json:"command,omitempty"`
	Conditions []wireCondition  `json:"conditions,omitempty"`
	Events     []Event          `json:"events,omitempty"`
	Host       *wireHost        `json:"host,omitempty"`
	Instances  *wireInstances   `json:"instances_status,omitempty"`
	Level      string           `json:"level,omitempty"`
	Manager    string           `json:"manager,omitempty"`
	Services   *wireServices    `json:"services_status,omitempty"`
	Time       string           `json:"time,omitempty"`
}

type wireHost struct {
	Interfaces []map[string]wireInterface `json:"interfaces"`
	RAM        string                     `json:"ram"`
}

type wireInterface struct {
	IP    string `json:"IP"`
	State string `json:"STATE"`
}

type wireInstances struct {
	Instances []map[string]wireInstance `json:"instances"`
	Return    *wireReturn               `json:"return,omitempty"`
}

// wireReturn carries the cloud settings: "cloud" those of the first cluster,
// as the seed has it, "clouds" those of all where there are several.
type wireReturn struct {
	API     map[string]wireAPI             `json:"api,omitempty"`
	Cloud   map[string]string              `json:"cloud,omitempty"`
	Clouds  []map[string]map[string]string `json:"clouds,omitempty"`
	Command command.Command                `json:"command"`
}

// wireAPI is the use of a provider's API by one cluster.
type wireAPI struct {
	Calls    int    `json:"calls"`
	LastHour int    `json:"calls_last_hour"`
	Listed   string `json:"listed,omitempty"`
}

type wireInstance struct {
	Age      *int64         `json:"age_seconds,omitempty"`
	Cluster  string         `json:"cluster,omitempty"`
	Facts    map[string]any `json:"facts,omitempty"`
	ID       string         `json:"id"`
	IP       *string        `json:"ip"`
	Name     string         `json:"name,omitempty"`
	Provider string         `json:"provider_state,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	SSH      string         `json:"ssh,omitempty"`
	Stale    bool           `json:"stale,omitempty"`
	State    string         `json:"state"`
	Time     string         `json:"time,omitempty"`
}

type wireServices struct {
	Services []map[string]wireService `json:"services"`
}

type wireService struct {
	Age        *int64         `json:"age_seconds,omitempty"`
	Cluster    string         `json:"cluster,omitempty"`
	Code       wireCode       `json:"code"`
	Facts      map[string]any `json:"facts,omitempty"`
	HoldsVIP   *bool          `json:"holds_vip,omitempty"`
	IP         *string        `json:"ip"`
	Mode       string         `json:"mode"`
	Name       string         `json:"name"`
	Reason     string         `json:"reason,omitempty"`
	Configured string         `json:"role_configured,omitempty"`
	Stale      bool           `json:"stale,omitempty"`
	State      string         `json:"state"`
	Status     string         `json:"status"`
	Time       string         `json:"time,omitempty"`
	VIP        *string        `json:"vip,omitempty"`
	Writable   bool           `json:"writable,omitempty"`
}

type wireCondition struct {
	Cluster string `json:"cluster,omitempty"`
	Name    string `json:"name"`
	Reason  string `json:"reason,omitempty"`
	State   string `json:"state"`
	Type    Kind   `json:"type"`
}

// wireCode takes a code as a string or as a number and gives a string.
type wireCode string

func (c *wireCode) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(c))
	}
	n, err := strconv.Atoi(string(b))
	if err != nil {
		return fmt.Errorf("cannot read code %s: it is neither a string nor a number", b)
	}
	*c = wireCode(strconv.Itoa(n))
	return nil
}

// MarshalJSON gives the document.
func (d Document) MarshalJSON() ([]byte, error) { return json.Marshal(d.wire()) }

func (d Document) wire() wireDocument {
	c := d.Command
	w := wireDocument{Events: d.Events, Level: c.Level, Manager: d.Manager, Time: stamp(d.At)}
	if d.exact {
		w.Time = d.stamp(d.At)
	}
	if c.Action != "" {
		w.Command = &c
	}
	if d.Host.Interfaces != nil || d.Host.RAM != "" {
		w.Host = &wireHost{Interfaces: []map[string]wireInterface{{}}, RAM: d.Host.RAM}
		for _, i := range d.Host.Interfaces {
			w.Host.Interfaces[0][i.Name] = wireInterface{IP: i.IP, State: i.State}
		}
	}
	for _, v := range d.Conditions {
		w.Conditions = append(w.Conditions, wireCondition{v.Cluster, v.Name, v.Reason, v.State, v.Kind})
	}
	if d.Part != Services {
		w.Instances = d.instances()
	}
	if d.Part != Instances {
		w.Services = d.services()
	}
	return w
}

func (d Document) instances() *wireInstances {
	out := &wireInstances{Instances: make([]map[string]wireInstance, 0, len(d.Instances))}
	for _, i := range d.Instances {
		out.Instances = append(out.Instances, map[string]wireInstance{i.ID: {
			Age: d.age(i.At), Cluster: i.Cluster, Facts: i.Facts, ID: i.ID, IP: textIP(i.IP), Name: i.Name,
			Provider: i.Provider, Reason: i.Reason, SSH: i.SSH, Stale: i.Stale, State: i.State, Time: d.stamp(i.At),
		}})
	}
	if len(d.Clouds) == 0 {
		return out
	}
	out.Return = &wireReturn{
		Cloud:   d.Clouds[0].Settings,
		Command: command.Command{Action: "status", Group: command.All, Type: command.All},
	}
	for _, a := range d.APIs {
		if out.Return.API == nil {
			out.Return.API = map[string]wireAPI{}
		}
		out.Return.API[a.Cluster] = wireAPI{a.Calls, a.LastHour, stamp(a.Listed)}
	}
	if len(d.Clouds) > 1 {
		for _, c := range d.Clouds {
			out.Return.Clouds = append(out.Return.Clouds, map[string]map[string]string{c.Cluster: c.Settings})
		}
	}
	return out
}

func (d Document) services() *wireServices {
	out := &wireServices{Services: make([]map[string]wireService, 0, len(d.Services))}
	for _, v := range d.Services {
		out.Services = append(out.Services, map[string]wireService{v.Name: {
			Age: d.age(v.At), Cluster: v.Cluster, Code: wireCode(v.Code), Facts: v.Facts, IP: textIP(v.IP),
			Mode: v.Mode, Name: v.Name, Reason: v.Reason, Configured: v.Configured, Stale: v.Stale,
			State: v.State, Status: v.Role, Time: d.stamp(v.At), Writable: v.Writable, VIP: textIP(v.VIP), HoldsVIP: v.HoldsVIP,
		}})
	}
	return out
}

// stamp is an entry's time as the seed writes it, in UTC.
func (d Document) stamp(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case d.exact:
		return t.UTC().Format(time.RFC3339Nano)
	}
	return t.UTC().Format(time.ANSIC)
}

// stamp is the time of a whole document or of an event.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func (d Document) age(seen time.Time) *int64 {
	if d.AgeAt.IsZero() || seen.IsZero() {
		return nil
	}
	age := max(int64(d.AgeAt.Sub(seen)/time.Second), 0)
	return &age
}

func textIP(ip netip.Addr) *string {
	if !ip.IsValid() {
		return nil
	}
	s := ip.String()
	return &s
}
