package command

import _ "embed" // the schema

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema of a command document.
func Schema() ([]byte, error) { return schema, nil }
