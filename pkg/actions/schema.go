package actions

import _ "embed" // the schema

//go:embed schema/actions.json
var schema []byte

// Schema returns the JSON Schema of a document of actions.
func Schema() ([]byte, error) { return schema, nil }
