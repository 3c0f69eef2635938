// Package config is the YAML file: its types, defaults and validation.
//
//	-c FILE, $CLMGR_CONFIG, … ──Find──► path
//	                                     │
//	bytes ─► syntax (UTF-8, depth, YAML) ─► decode (types, keys, values; by the
//	         struct tags) ─► check (names, references) ─► resolve (defaults,
//	         merges, paths, secrets) ─► *Config, with Warnings
//	            │                │               │
//	            └────────────────┴───────────────┴──► Errors: every mistake of the
//	                                                  file, each with its position
//
// A mistake never stops the search for others, except in the YAML itself, where
// what follows cannot be known. sample.yaml is the one place where keys are
// described; Schema takes the descriptions from there. Masked shows what Load
// made of a file.
//
// The package knows no mode and no driver: the caller says in Known what the
// program has built in.
package config
