// Package command is the one shape in which work is asked for and answered,
// whichever door it came through: the command line, a JSON document on standard
// input, or (later) the REST API.
//
//	arguments ──┐
//	JSON5 ──────┼─► Command ─► manager.Do ─► Result ─► one JSON document
//	REST ───────┘
//
// Reader takes documents from a stream one by one and survives malformed ones;
// Parse turns a document into a Command; Code is the table of outcomes.
package command
