// Package collect looks: it asks the provider for machines, tries SSH on each,
// probes each service, all at once and within one deadline, and hands on what
// was seen and what was not.
//
//	Cluster, Selection ──► Look ─┬─ cloud.Driver.Instances
//	                             ├─ remote: log in to every machine
//	                             ├─ services: probe every service, and once more who guards
//	                             │  a virtual address that is not on exactly one machine
//	                             └─ vantage: some other machines, where a filtered
//	                                look met silence
//	                                        │
//	                                        ▼
//	                                 heartbeat.Look
package collect
