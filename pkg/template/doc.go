// Package template renders configuration files: the language of Go's text/template, read by
// its own parser, over plain data. Its evaluator calls no methods, for which the linker would
// have to keep every method of every library of the program.
//
//	text ──Parse──► Template ──Render(data)──► text     values: value.go, functions: funcs.go
//
// Data are maps by name, lists, texts, whole numbers and truths. What a template names and the
// data do not have is an error: a configuration that lacks a port without a word is worse
// than none.
package template
