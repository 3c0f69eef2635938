package plan

import _ "embed" // the schema

//go:embed schema/plans.json
var schema []byte

// Schema returns the JSON Schema of the answer to a dry run.
func Schema() ([]byte, error) { return schema, nil }
