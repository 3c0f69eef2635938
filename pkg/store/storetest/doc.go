// Package storetest is what every driver of package store has to pass.
//
// The suite knows a driver only as a backing (a folder, a server) on which any
// number of Stores can be opened. Stores on one backing stand for processes
// that share it. The suite uses keys that begin with "storetest/" and the name
// of the test, and never needs a backing to be empty otherwise.
package storetest
